#include "base/bytes.h"

#include <fmt/format.h>

#include "base/prefault.h"
#include "mnist/error.h"

namespace mnist {

static_assert(std::endian::native == std::endian::little, "values lie in files as in memory");

std::vector<float> floats_from(std::span<const std::byte> bytes) {
  const size_t count = bytes.size() / sizeof(float);
  std::vector<float> values;
  values.reserve(count);
  prefault(values.data(), count * sizeof(float));
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) == 0) {
    // The usual case: one copy, without zeroing first.
    const auto* floats = reinterpret_cast<const float*>(bytes.data());
    values.insert(values.end(), floats, floats + count);
  } else {
    values.resize(count);
    std::memcpy(values.data(), bytes.data(), count * sizeof(float));
  }
  return values;
}

std::span<const std::byte> ByteReader::take(uint64_t count, std::string_view what) {
  if (count > remaining()) {
    throw Error(
        fmt::format("{}: {}: {} bytes expected at byte {}, {} left: the file is damaged or "
                    "incomplete",
                    who_, what, count, position_, remaining()));
  }
  auto result = bytes_.subspan(position_, count);
  position_ += count;
  return result;
}

std::string_view ByteReader::text(uint64_t length, std::string_view what) {
  auto raw = take(length, what);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

void ByteReader::seek(uint64_t position, std::string_view what) {
  if (position > bytes_.size()) {
    throw Error(
        fmt::format("{}: {}: byte {} expected, the file has {}: it is damaged or incomplete", who_,
                    what, position, bytes_.size()));
  }
  position_ = position;
}

void ByteReader::fail(std::string_view reason) const {
  throw Error(fmt::format("{}: {} (at byte {})", who_, reason, position_));
}

}  // namespace mnist
