#include "formats/stored_floats.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "mnist/error.h"

namespace mnist {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

template <typename Stored, typename Convert>
std::vector<float> converted(std::span<const std::byte> bytes, Convert convert) {
  std::vector<float> values;
  values.reserve(bytes.size() / sizeof(Stored));
  for (size_t i = 0; i + sizeof(Stored) <= bytes.size(); i += sizeof(Stored)) {
    Stored stored;
    std::memcpy(&stored, &bytes[i], sizeof(Stored));
    values.push_back(convert(stored));
  }
  return values;
}

}  // namespace

size_t size_of(StoredFloat type) {
  return type == StoredFloat::kF64 ? 8 : type == StoredFloat::kF32 ? 4 : 2;
}

std::vector<float> floats_from(std::span<const std::byte> bytes, StoredFloat type) {
  switch (type) {
    case StoredFloat::kF64:
      return converted<double>(bytes, [](double value) { return static_cast<float>(value); });
    case StoredFloat::kF16:
      return converted<uint16_t>(bytes, float_from_f16);
    case StoredFloat::kBF16:
      return converted<uint16_t>(bytes, float_from_bf16);
    case StoredFloat::kF32:
      break;
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

size_t stored_count(const Shape& shape, const std::string& place) {
  try {
    return element_count(shape);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", place, error.what()));
  }
}

StoredFloat stored_type(const Shape& shape, TensorType type) {
  if (shape.size() < 2 || type == TensorType::kF32) return StoredFloat::kF32;
  return type == TensorType::kF16 ? StoredFloat::kF16 : StoredFloat::kBF16;
}

std::vector<std::byte> bytes_from(const std::vector<float>& values, StoredFloat type,
                                  const std::string& tensor) {
  std::vector<std::byte> bytes(values.size() * size_of(type));
  for (size_t i = 0; i < values.size(); ++i) {
    if (type == StoredFloat::kF32) {
      std::memcpy(&bytes[i * sizeof(float)], &values[i], sizeof(float));
    } else if (type == StoredFloat::kF64) {
      const double wide = values[i];
      std::memcpy(&bytes[i * sizeof(double)], &wide, sizeof(double));
    } else {
      const bool is_f16 = type == StoredFloat::kF16;
      const uint16_t half = is_f16 ? f16_from_float(values[i]) : bf16_from_float(values[i]);
      if (!std::isfinite(is_f16 ? float_from_f16(half) : float_from_bf16(half))) {
        throw Error(fmt::format("tensor '{}': {} does not fit {}: store it as f32", tensor,
                                values[i], is_f16 ? "f16" : "bf16"));
      }
      std::memcpy(&bytes[i * sizeof(half)], &half, sizeof(half));
    }
  }
  return bytes;
}

}  // namespace mnist
