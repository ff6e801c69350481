#include "formats/tensorflow/graph.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <span>

#include "base/bytes.h"
#include "formats/stored_floats.h"
#include "mnist/error.h"

namespace mnist {
namespace {

template <typename T>
std::vector<int64_t> integers_of(std::span<const std::byte> bytes) {
  std::vector<int64_t> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, &bytes[i * sizeof(T)], sizeof(T));
    values[i] = static_cast<int64_t>(value);
  }
  return values;
}

size_t width_of(int64_t type) {
  switch (type) {
    case kTfDouble:
    case kTfInt64:
      return 8;
    case kTfFloat:
    case kTfInt32:
      return 4;
    case kTfHalf:
    case kTfBfloat16:
    case kTfInt16:
      return 2;
    case kTfUint8:
    case kTfInt8:
    case kTfBool:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

const TfAttribute* TfNode::find(const std::string& attribute) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : &found->second;
}

std::string TfNode::text(const std::string& attribute, const std::string& otherwise) const {
  const TfAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->text;
}

bool TfNode::flag(const std::string& attribute, bool otherwise) const {
  const TfAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->flag;
}

int64_t TfNode::integer(const std::string& attribute, int64_t otherwise) const {
  const TfAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->integer;
}

double TfNode::real(const std::string& attribute, double otherwise) const {
  const TfAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->real;
}

std::vector<int64_t> TfNode::integers(const std::string& attribute) const {
  const TfAttribute* found = find(attribute);
  return found == nullptr ? std::vector<int64_t>() : found->integers;
}

TfReference parse_reference(const std::string& text) {
  TfReference reference;
  const size_t first = text.find(':');
  reference.node = text.substr(0, first);
  if (first == std::string::npos) return reference;
  const size_t last = text.rfind(':');
  if (last != first) reference.result = text.substr(first + 1, last - first - 1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + last + 1, end, reference.number);
  if (error != std::errc() || stop != end) reference.number = SIZE_MAX;  // no such output
  return reference;
}

TfConstant decode_constant(int64_t type, const Shape& shape, std::span<const std::byte> bytes,
                           const std::string& who) {
  const size_t width = width_of(type);
  if (width == 0) throw Error(fmt::format("{}: data type {} is not read", who, type));
  const auto expected = checked_multiply(element_count(shape), width);
  if (expected != bytes.size()) {
    throw Error(fmt::format("{}: {} bytes of values for the shape {}", who, bytes.size(),
                            to_string(shape)));
  }
  TfConstant constant{.shape = shape};
  switch (type) {
    case kTfFloat:
      constant.floats = floats_from(bytes, StoredFloat::kF32);
      return constant;
    case kTfDouble:
      constant.floats = floats_from(bytes, StoredFloat::kF64);
      return constant;
    case kTfHalf:
      constant.floats = floats_from(bytes, StoredFloat::kF16);
      return constant;
    case kTfBfloat16:
      constant.floats = floats_from(bytes, StoredFloat::kBF16);
      return constant;
    default:
      break;
  }
  constant.kind = TfConstant::Kind::kInteger;
  if (type == kTfInt64) constant.integers = integers_of<int64_t>(bytes);
  if (type == kTfInt32) constant.integers = integers_of<int32_t>(bytes);
  if (type == kTfInt16) constant.integers = integers_of<int16_t>(bytes);
  if (type == kTfInt8) constant.integers = integers_of<int8_t>(bytes);
  if (type == kTfUint8 || type == kTfBool) constant.integers = integers_of<uint8_t>(bytes);
  return constant;
}

}  // namespace mnist
