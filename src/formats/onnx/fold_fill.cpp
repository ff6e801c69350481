#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formats/onnx/fold_internal.h"

namespace mnist {
namespace {

// Which of `parameter`'s values belongs to each element of a tensor of `shape`: it has one, or one
// for each position of the axis.
std::vector<uint32_t> parameter_index(const OnnxFoldCall& call, const Shape& shape,
                                      const OnnxConstant& parameter) {
  if (parameter.size() == 1) return std::vector<uint32_t>(element_count(shape), 0);
  if (call.node.integer("block_size", 0) != 0) call.node.fail("blocks of scales are not computed");
  if (parameter.shape.size() != 1 || shape.empty()) {
    call.node.fail(fmt::format("one scale, or one for each position of the axis, expected, got {}",
                               to_string(parameter.shape)));
  }
  const size_t axis = call.node.axis(call.node.integer("axis", 1), shape.size());
  if (parameter.shape[0] != shape[axis]) {
    call.node.fail(fmt::format("{} scales for an axis of {}", parameter.shape[0], shape[axis]));
  }
  Shape aligned(shape.size() - axis, 1);
  aligned[0] = shape[axis];
  return broadcast_index(aligned, shape);
}

const OnnxConstant& scale_of(const OnnxFoldCall& call) {
  const OnnxConstant& scale = call.input(1);
  if (!is_real(scale.type)) call.node.fail("a scale of a real type expected");
  return scale;
}

// The zero point's values; zeros where there is none.
std::vector<int64_t> zeros_of(const OnnxFoldCall& call, const OnnxConstant& scale) {
  if (!call.has(2)) return std::vector<int64_t>(scale.size(), 0);
  const OnnxConstant& zero = call.input(2);
  if (!is_whole(zero.type) || zero.size() != scale.size() || zero.has_batch()) {
    call.node.fail("a zero point for each scale expected");
  }
  return zero.whole;
}

}  // namespace

// The same for every image: one stands for all of them, as it does where shapes are broadcast.
OnnxConstant fold_constant_of_shape(const OnnxFoldCall& call) {
  OnnxConstant result;
  result.shape = onnx_extents_of_one_image(call, 0);
  const size_t count = call.budget.spend(call.node, result.shape);
  result.reals.assign(count, 0.0F);
  const auto value = call.node.node().attributes.find("value");
  if (value == call.node.node().attributes.end()) return result;
  const auto* tensor = std::get_if<OnnxTensor>(&value->second);
  if (tensor == nullptr) call.node.fail("attribute 'value': a tensor expected");
  const ModelSource source{
      call.node.who(), {}, [&](const std::string&, uint64_t) -> std::vector<std::byte> {
        call.node.fail("attribute 'value' in another file");
      }};
  const OnnxConstant one = OnnxTensorReader(source).read(*tensor);
  if (one.size() != 1) call.node.fail("attribute 'value': one value expected");
  result.type = one.type;
  if (is_real(one.type)) {
    result.reals.assign(count, one.reals[0]);
  } else {
    result.reals.clear();
    result.whole.assign(count, one.whole[0]);
  }
  return result;
}

OnnxConstant fold_dequantize(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  const OnnxConstant& scale = scale_of(call);
  if (!is_whole(value.type) || value.has_batch()) call.node.fail("input 0: integers expected");
  const std::vector<int64_t> zeros = zeros_of(call, scale);
  OnnxConstant result;
  result.shape = value.shape;
  result.reals.reserve(call.budget.spend(call.node, value.shape));
  const std::vector<uint32_t> index = parameter_index(call, value.shape, scale);
  for (size_t i = 0; i < index.size(); ++i) {
    const double steps = static_cast<double>(value.whole[i]) - static_cast<double>(zeros[index[i]]);
    result.reals.push_back(static_cast<float>(steps) * scale.reals[index[i]]);
  }
  return result;
}

OnnxConstant fold_quantize(const OnnxFoldCall& call) {
  const OnnxConstant& value = call.input(0);
  const OnnxConstant& scale = scale_of(call);
  if (!is_real(value.type)) call.node.fail("input 0: real numbers expected");
  const std::vector<int64_t> zeros = zeros_of(call, scale);
  OnnxConstant result;
  result.shape = value.shape;
  const auto wanted = static_cast<OnnxType>(call.node.integer("output_dtype", 0));
  result.type = call.has(2)                      ? call.input(2).type
                : wanted != OnnxType::kUndefined ? wanted
                                                 : OnnxType::kUint8;
  const OnnxRange range = range_of(result.type);
  if (!is_whole(result.type) || range.most > INT32_MAX) {
    call.node.fail("to " + to_string(result.type));
  }
  result.whole.reserve(call.budget.spend(call.node, value.shape));
  const std::vector<uint32_t> index = parameter_index(call, value.shape, scale);
  for (size_t i = 0; i < index.size(); ++i) {
    const double steps = std::nearbyint(value.reals[i] / scale.reals[index[i]]);
    const double shifted = steps + static_cast<double>(zeros[index[i]]);
    if (std::isnan(shifted)) call.node.fail(fmt::format("value {} is not a number", i));
    result.whole.push_back(static_cast<int64_t>(
        std::clamp(shifted, static_cast<double>(range.least), static_cast<double>(range.most))));
  }
  return result;
}

}  // namespace mnist
