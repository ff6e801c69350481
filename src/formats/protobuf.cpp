#include "formats/protobuf.h"

#include <fmt/format.h>

#include <bit>

#include "mnist/error.h"

namespace mnist {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are taken as they lie in memory");

constexpr size_t kLongestVarint = 10;
constexpr uint64_t kLargestField = (uint64_t{1} << 29) - 1;

template <typename T>
T number_at(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

}  // namespace

// ---- reading ----

void ProtobufReader::fail(std::string_view reason) const {
  throw Error(fmt::format("{}: {}: {} (at byte {})", who_, what_, reason, base_ + start_));
}

uint64_t ProtobufReader::varint() {
  uint64_t value = 0;
  for (size_t i = 0; i < kLongestVarint; ++i) {
    if (position_ == bytes_.size()) fail("a number is cut off: the file is damaged or incomplete");
    const auto byte = static_cast<uint64_t>(bytes_[position_++]);
    if (i + 1 == kLongestVarint && byte > 1) break;  // more than 64 bits
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  fail("a number of more than 64 bits");
}

std::span<const std::byte> ProtobufReader::take(uint64_t count) {
  const size_t left = bytes_.size() - position_;
  if (count > left) {
    fail(fmt::format("field {}: {} bytes expected, {} are left: the file is damaged or incomplete",
                     field_, count, left));
  }
  const std::span<const std::byte> taken = bytes_.subspan(position_, count);
  position_ += count;
  return taken;
}

bool ProtobufReader::next() {
  start_ = position_;
  if (position_ == bytes_.size()) return false;
  const uint64_t key = varint();
  const uint64_t field = key >> 3;
  if (field == 0 || field > kLargestField) fail(fmt::format("field {} is impossible", field));
  field_ = static_cast<uint32_t>(field);
  wire_ = static_cast<Wire>(key & 7);
  switch (wire_) {
    case Wire::kVarint:
      value_ = varint();
      return true;
    case Wire::kFixed64:
      value_bytes_ = take(sizeof(uint64_t));
      return true;
    case Wire::kBytes:
      value_bytes_ = take(varint());
      return true;
    case Wire::kFixed32:
      value_bytes_ = take(sizeof(uint32_t));
      return true;
  }
  fail(fmt::format("field {}: wire type {}: 0, 1, 2 or 5 expected", field, key & 7));
}

void ProtobufReader::expect(Wire wire, const char* name) const {
  if (wire_ == wire) return;
  fail(fmt::format("{}: wire type {} expected, got {}", name, static_cast<uint32_t>(wire),
                   static_cast<uint32_t>(wire_)));
}

void ProtobufReader::expect_first(const char* name) {
  for (uint32_t seen : singular_) {
    if (seen == field_) fail(fmt::format("{} comes twice", name));
  }
  singular_.push_back(field_);
}

int64_t ProtobufReader::integer(const char* name) {
  expect(Wire::kVarint, name);
  expect_first(name);
  return static_cast<int64_t>(value_);
}

bool ProtobufReader::boolean(const char* name) {
  const int64_t value = integer(name);
  if (value != 0 && value != 1) fail(fmt::format("{}: 0 or 1 expected, got {}", name, value));
  return value == 1;
}

template <typename T>
T ProtobufReader::number(Wire wire, const char* name) {
  expect(wire, name);
  expect_first(name);
  return number_at<T>(value_bytes_.data());
}

float ProtobufReader::real(const char* name) { return number<float>(Wire::kFixed32, name); }
double ProtobufReader::real64(const char* name) { return number<double>(Wire::kFixed64, name); }
uint32_t ProtobufReader::fixed32(const char* name) {
  return number<uint32_t>(Wire::kFixed32, name);
}
uint64_t ProtobufReader::fixed64(const char* name) {
  return number<uint64_t>(Wire::kFixed64, name);
}

std::span<const std::byte> ProtobufReader::bytes_item(const char* name) {
  expect(Wire::kBytes, name);
  return value_bytes_;
}

std::string_view ProtobufReader::text_item(const char* name) {
  const std::span<const std::byte> raw = bytes_item(name);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

ProtobufReader ProtobufReader::message_item(const char* name) {
  ProtobufReader inner(bytes_item(name), who_, name);
  inner.base_ = base_ + position_ - value_bytes_.size();
  inner.depth_ = depth_ + 1;
  if (inner.depth_ >= kProtobufMostDepth) {
    fail(fmt::format("{}: more than {} messages within one another", name, kProtobufMostDepth));
  }
  return inner;
}

std::span<const std::byte> ProtobufReader::bytes(const char* name) {
  expect_first(name);
  return bytes_item(name);
}

std::string_view ProtobufReader::text(const char* name) {
  expect_first(name);
  return text_item(name);
}

ProtobufReader ProtobufReader::message(const char* name) {
  expect_first(name);
  return message_item(name);
}

void ProtobufReader::append(std::vector<int64_t>& values, const char* name) {
  if (wire_ == Wire::kVarint) {
    values.push_back(static_cast<int64_t>(value_));
    return;
  }
  expect(Wire::kBytes, name);
  ProtobufReader packed(value_bytes_, who_, name);
  packed.base_ = base_ + position_ - value_bytes_.size();
  while (packed.position_ < packed.bytes_.size()) {
    packed.start_ = packed.position_;
    values.push_back(static_cast<int64_t>(packed.varint()));
  }
}

template <typename T>
void ProtobufReader::append_fixed(std::vector<T>& values, Wire wire, const char* name) {
  if (wire_ != wire) expect(Wire::kBytes, name);
  if (value_bytes_.size() % sizeof(T) != 0) {
    fail(fmt::format("{}: a multiple of {} bytes expected, got {}", name, sizeof(T),
                     value_bytes_.size()));
  }
  const size_t before = values.size();
  values.resize(before + value_bytes_.size() / sizeof(T));
  if (!value_bytes_.empty()) {
    std::memcpy(&values[before], value_bytes_.data(), value_bytes_.size());
  }
}

void ProtobufReader::append(std::vector<float>& values, const char* name) {
  append_fixed(values, Wire::kFixed32, name);
}

void ProtobufReader::append(std::vector<double>& values, const char* name) {
  append_fixed(values, Wire::kFixed64, name);
}

// ---- writing ----

void ProtobufWriter::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) content_ += static_cast<char>((value & 0x7f) | 0x80);
  content_ += static_cast<char>(value);
}

void ProtobufWriter::key(uint32_t field, uint32_t wire) { varint(uint64_t{field} << 3 | wire); }

void ProtobufWriter::integer(uint32_t field, int64_t value) {
  key(field, 0);
  varint(static_cast<uint64_t>(value));
}

void ProtobufWriter::real(uint32_t field, float value) {
  key(field, 5);
  char raw[sizeof(value)];
  std::memcpy(raw, &value, sizeof(value));
  content_.append(raw, sizeof(raw));
}

void ProtobufWriter::text(uint32_t field, std::string_view value) {
  key(field, 2);
  varint(value.size());
  content_ += value;
}

void ProtobufWriter::bytes(uint32_t field, std::span<const std::byte> value) {
  text(field, {reinterpret_cast<const char*>(value.data()), value.size()});
}

void ProtobufWriter::integers(uint32_t field, std::span<const int64_t> values) {
  ProtobufWriter packed;
  for (int64_t value : values) packed.varint(static_cast<uint64_t>(value));
  message(field, packed);
}

}  // namespace mnist
