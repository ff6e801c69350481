// The values of constants: plain, or quantised to few bits.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/tflite/tflite.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// TensorFlow's number of the same type; 0 where there is none.
int64_t tensorflow_type(TfliteType type) {
  switch (type) {
    case TfliteType::kFloat32:
      return kTfFloat;
    case TfliteType::kFloat16:
      return kTfHalf;
    case TfliteType::kBfloat16:
      return kTfBfloat16;
    case TfliteType::kFloat64:
      return kTfDouble;
    case TfliteType::kInt64:
      return kTfInt64;
    case TfliteType::kInt32:
      return kTfInt32;
    case TfliteType::kInt16:
      return kTfInt16;
    case TfliteType::kInt8:
    case TfliteType::kInt4:  // once unpacked
      return kTfInt8;
    case TfliteType::kUint8:
      return kTfUint8;
    case TfliteType::kBool:
      return kTfBool;
  }
  return 0;
}

// Two to a byte, the lower half first, as one to a byte.
std::vector<std::byte> unpacked(std::span<const std::byte> bytes, size_t count) {
  std::vector<std::byte> values;
  values.reserve(2 * bytes.size());
  for (const std::byte pair : bytes) {
    const auto both = std::to_integer<uint8_t>(pair);
    for (const int nibble : {both & 15, both >> 4}) {
      values.push_back(static_cast<std::byte>(nibble < 8 ? nibble : nibble - 16));
    }
  }
  if (values.size() == count + 1) values.pop_back();
  return values;
}

void dequantize(TfConstant& constant, const TfliteQuantization& quantization,
                const std::string& who) {
  const auto& [scales, zero_points, axis] = quantization;
  const Shape& shape = constant.shape;
  size_t inner = 1;  // elements beside each other that share a scale
  if (scales.size() > 1) {
    const bool fits = axis >= 0 && static_cast<size_t>(axis) < shape.size() &&
                      static_cast<size_t>(shape[static_cast<size_t>(axis)]) == scales.size();
    if (!fits)
      throw Error(
          fmt::format("{}: {} scales for the shape {}", who, scales.size(), to_string(shape)));
    for (size_t i = static_cast<size_t>(axis) + 1; i < shape.size(); ++i) {
      inner *= static_cast<size_t>(shape[i]);
    }
  }
  if (zero_points.size() > 1 && zero_points.size() != scales.size()) {
    throw Error(
        fmt::format("{}: {} zero points for {} scales", who, zero_points.size(), scales.size()));
  }
  constant.kind = TfConstant::Kind::kFloat;
  constant.floats.reserve(constant.integers.size());
  for (size_t i = 0; i < constant.integers.size(); ++i) {
    const size_t channel = i / inner % scales.size();
    const int64_t zero_point =
        zero_points.empty() ? 0 : zero_points[zero_points.size() == 1 ? 0 : channel];
    const double steps =
        static_cast<double>(constant.integers[i]) - static_cast<double>(zero_point);
    constant.floats.push_back(static_cast<float>(steps * static_cast<double>(scales[channel])));
  }
  constant.integers.clear();
  constant.integers.shrink_to_fit();
}

}  // namespace

TfConstant tflite_constant(const TfliteTensor& tensor, const std::string& who) {
  const std::string place = fmt::format("{}: tensor '{}'", who, printable(tensor.name, 80));
  const int64_t type = tensorflow_type(tensor.type);
  if (type == 0) {
    throw Error(fmt::format("{}: data type {} is not read", place, static_cast<int>(tensor.type)));
  }
  if (tensor.is_sparse) throw Error(place + ": sparse values are not read");
  TfConstant constant;
  if (tensor.type == TfliteType::kInt4) {
    const std::vector<std::byte> values = unpacked(tensor.data, element_count(tensor.shape));
    constant = decode_constant(type, tensor.shape, values, place);
  } else {
    constant = decode_constant(type, tensor.shape, tensor.data, place);
  }
  if (constant.kind == TfConstant::Kind::kInteger) {
    const TfliteQuantization quantization = tensor.quantization();
    if (!quantization.scales.empty()) dequantize(constant, quantization, place);
  }
  return constant;
}

}  // namespace mnist
