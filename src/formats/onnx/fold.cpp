#include "formats/onnx/fold.h"

#include <fmt/format.h>

#include "formats/onnx/fold_internal.h"
#include "mnist/error.h"

namespace mnist {
namespace {

struct Entry {
  const char* type;
  OnnxFold fold;
};

constexpr Entry kFolds[] = {
    {"Identity", fold_identity},
    {"Dropout", fold_identity},
    {"Reshape", fold_reshape},
    {"Flatten", fold_flatten},
    {"Squeeze", fold_squeeze},
    {"Unsqueeze", fold_unsqueeze},
    {"Transpose", fold_transpose},
    {"Gather", fold_gather},
    {"Slice", fold_slice},
    {"Concat", fold_concat},
    {"Expand", fold_expand},
    {"Tile", fold_tile},
    {"Shape", fold_shape},
    {"Size", fold_size},
    {"Add", fold_binary},
    {"Sub", fold_binary},
    {"Mul", fold_binary},
    {"Div", fold_binary},
    {"Mod", fold_binary},
    {"Pow", fold_binary},
    {"Max", fold_binary},
    {"Min", fold_binary},
    {"And", fold_binary},
    {"Or", fold_binary},
    {"Neg", fold_unary},
    {"Abs", fold_unary},
    {"Not", fold_unary},
    {"Floor", fold_unary},
    {"Ceil", fold_unary},
    {"Round", fold_unary},
    {"Sqrt", fold_unary},
    {"Exp", fold_unary},
    {"Log", fold_unary},
    {"Reciprocal", fold_unary},
    {"Equal", fold_compare},
    {"Less", fold_compare},
    {"LessOrEqual", fold_compare},
    {"Greater", fold_compare},
    {"GreaterOrEqual", fold_compare},
    {"Where", fold_where},
    {"Cast", fold_cast},
    {"ReduceProd", fold_reduce},
    {"ReduceSum", fold_reduce},
    {"ReduceMean", fold_reduce},
    {"ReduceMax", fold_reduce},
    {"ReduceMin", fold_reduce},
    {"Range", fold_range},
    {"ConstantOfShape", fold_constant_of_shape},
    {"QuantizeLinear", fold_quantize},
    {"DequantizeLinear", fold_dequantize},
};

}  // namespace

size_t OnnxFoldBudget::spend(const OnnxNodeView& node, const Shape& shape) {
  size_t count = 0;
  try {
    count = element_count(shape);
  } catch (const Error& error) {
    node.fail(error.what());
  }
  if (count > left_) {
    node.fail(fmt::format("computing {} constant values: too many for this file", count));
  }
  left_ -= count;
  return count;
}

const OnnxConstant& OnnxFoldCall::input(size_t i) const {
  if (!has(i)) node.fail(fmt::format("input {} is missing", i));
  return *inputs[i];
}

std::vector<int64_t> OnnxFoldCall::integers(size_t i) const {
  if (!has(i)) return {};
  const OnnxConstant& value = *inputs[i];
  if (!is_whole(value.type) || value.shape.size() > 1) {
    node.fail(fmt::format("input {}: a list of integers expected, got {} of {}", i,
                          to_string(value.shape), to_string(value.type)));
  }
  if (value.has_batch()) {
    node.fail(fmt::format("input {} depends on the number of images", i));
  }
  return value.whole;
}

std::vector<int64_t> OnnxFoldCall::integers(const std::string& attribute, size_t i) const {
  return node.has(attribute) ? node.integers(attribute) : integers(i);
}

Shape onnx_extents_of_one_image(const OnnxFoldCall& call, size_t i) {
  OnnxConstant extents = call.input(i);
  for (size_t at = 0; at < extents.batches.size(); ++at) {
    if (extents.batches[at] != 1 || extents.whole[at] != 0) continue;
    extents.batches[at] = 0;
    extents.whole[at] = 1;
  }
  std::vector<const OnnxConstant*> inputs = {&extents};
  return OnnxFoldCall{call.node, std::move(inputs), call.budget}.integers(0);
}

OnnxFold find_onnx_fold(const std::string& type) {
  for (const Entry& entry : kFolds) {
    if (type == entry.type) return entry.fold;
  }
  return nullptr;
}

}  // namespace mnist
