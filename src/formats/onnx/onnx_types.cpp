#include <fmt/format.h>

#include <algorithm>

#include "formats/onnx/onnx.h"

namespace mnist {
namespace {

struct TypeName {
  OnnxType type;
  const char* name;
};

constexpr TypeName kTypeNames[] = {
    {OnnxType::kFloat, "FLOAT"},   {OnnxType::kUint8, "UINT8"},
    {OnnxType::kInt8, "INT8"},     {OnnxType::kUint16, "UINT16"},
    {OnnxType::kInt16, "INT16"},   {OnnxType::kInt32, "INT32"},
    {OnnxType::kInt64, "INT64"},   {OnnxType::kString, "STRING"},
    {OnnxType::kBool, "BOOL"},     {OnnxType::kFloat16, "FLOAT16"},
    {OnnxType::kDouble, "DOUBLE"}, {OnnxType::kUint32, "UINT32"},
    {OnnxType::kUint64, "UINT64"}, {OnnxType::kBfloat16, "BFLOAT16"},
    {OnnxType::kUint4, "UINT4"},   {OnnxType::kInt4, "INT4"},
};

}  // namespace

std::string to_string(OnnxType type) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.type == type) return entry.name;
  }
  return fmt::format("type {}", static_cast<int32_t>(type));
}

bool is_real(OnnxType type) {
  return type == OnnxType::kFloat || type == OnnxType::kFloat16 || type == OnnxType::kDouble ||
         type == OnnxType::kBfloat16;
}

bool is_whole(OnnxType type) {
  switch (type) {
    case OnnxType::kUint8:
    case OnnxType::kInt8:
    case OnnxType::kUint16:
    case OnnxType::kInt16:
    case OnnxType::kInt32:
    case OnnxType::kInt64:
    case OnnxType::kBool:
    case OnnxType::kUint32:
    case OnnxType::kUint64:
    case OnnxType::kUint4:
    case OnnxType::kInt4:
      return true;
    default:
      return false;
  }
}

bool OnnxTensor::operator==(const OnnxTensor& other) const {
  return name == other.name && shape == other.shape && type == other.type &&
         std::equal(raw.begin(), raw.end(), other.raw.begin(), other.raw.end()) &&
         floats == other.floats && whole == other.whole && doubles == other.doubles &&
         external == other.external;
}

}  // namespace mnist
