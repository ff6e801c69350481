// What TensorFlow Lite has and TensorFlow says in other ways.
#include <fmt/format.h>

#include <cmath>

#include "formats/tensorflow/evaluation.h"

namespace mnist {
namespace {

TfValue clipped(TfEvaluation& evaluation, double least) {
  ChannelLastValue value = evaluation.value(0);
  value.name = evaluation.add_node("Clip", {value.name}, {{"min", least}, {"max", 1.0}});
  return value;
}

Tensor floats_of(const TfEvaluation& evaluation, size_t input) {
  const TfConstant& constant = evaluation.constant(input);
  if (constant.kind != TfConstant::Kind::kFloat) evaluation.fail("floats expected");
  return {constant.shape, constant.floats};
}

}  // namespace

TfValue tf_relu_n1_to_1(TfEvaluation& evaluation) { return clipped(evaluation, -1.0); }
TfValue tf_relu_0_to_1(TfEvaluation& evaluation) { return clipped(evaluation, 0.0); }

TfValue tf_hard_swish(TfEvaluation& evaluation) {
  ChannelLastValue value = evaluation.value(0);
  value.name = evaluation.add_node("HardSwish", {value.name});
  return value;
}

TfValue tf_gelu(TfEvaluation& evaluation) {
  ChannelLastValue value = evaluation.value(0);
  std::map<std::string, Attribute> attributes;
  if (evaluation.node().flag("approximate", false)) attributes["approximate"] = std::string("tanh");
  value.name = evaluation.add_node("Gelu", {value.name}, std::move(attributes));
  return value;
}

// A slope for each element, or one for all along axes of extent 1.
TfValue tf_prelu(TfEvaluation& evaluation) {
  ChannelLastValue value = evaluation.value(0);
  Tensor slope = floats_of(evaluation, 1);
  if (slope.values.size() == 1) {
    slope.shape = {1};
  } else if (slope.shape.size() != value.shape.size()) {
    evaluation.fail("a slope of the value's extents expected");
  } else if (value.is_planes) {
    slope.values = to_planes(slope.values, slope.shape);
    slope.shape = {slope.shape[2], slope.shape[0], slope.shape[1]};
  } else if (!value.flattened.empty()) {
    value = evaluation.order().in_order(value);
  }
  const std::string weight = evaluation.add_weight(evaluation.weight_name(1), std::move(slope));
  value.name = evaluation.add_node("PRelu", {value.name, weight});
  return value;
}

// A dense layer of the last axis: on a feature map a 1x1 convolution, else a product.
TfValue tf_dense(TfEvaluation& evaluation) {
  ChannelLastValue value = evaluation.value(0);
  Tensor kernel = floats_of(evaluation, 1);
  if (evaluation.node().flag("transpose_b", false) && kernel.shape.size() == 2) {
    kernel = dense_kernel(kernel, {});
  }
  if (value.shape.empty() || kernel.shape.size() != 2 || kernel.shape[0] != value.shape.back()) {
    evaluation.fail(
        fmt::format("a matrix {} for {}", to_string(kernel.shape), to_string(value.shape)));
  }
  const bool is_map = value.shape.size() == 3;
  const bool has_bias = evaluation.inputs().size() > 2;
  const int64_t outputs = kernel.shape[1];
  if (is_map) {
    kernel = dense_kernel(kernel, {});
    kernel.shape.insert(kernel.shape.end(), {1, 1});
  }
  value = is_map ? evaluation.order().as_planes(value) : evaluation.order().in_order(value);
  std::vector<std::string> names = {
      value.name, evaluation.add_weight(evaluation.weight_name(1), std::move(kernel))};
  const std::string bias =
      has_bias ? evaluation.add_weight(evaluation.weight_name(2), floats_of(evaluation, 2)) : "";
  if (is_map) {
    if (has_bias) names.push_back(bias);
    return evaluation.order().planes(evaluation.add_node("Conv", names));
  }
  value.shape.back() = outputs;
  value.name = evaluation.add_node("MatMul", names);
  if (has_bias) value.name = evaluation.order().add_node("Add", {value.name, bias}, {}, "bias");
  return value;
}

// Divided by the length of the vector that lies along the last axis.
TfValue tf_l2_normalization(TfEvaluation& evaluation) {
  ChannelLastValue value = evaluation.value(0);
  const int64_t axis = value.is_planes ? 1 : static_cast<int64_t>(value.shape.size());
  value.name =
      evaluation.add_node("LpNormalization", {value.name}, {{"axis", axis}, {"p", int64_t{2}}});
  return value;
}

// Rounded to what few bits hold.
TfValue tf_quantized(TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  ChannelLastValue value = evaluation.value(0);
  const auto number = [&](const char* attribute) {
    const auto real = static_cast<float>(node.real(attribute, 0.0));
    return evaluation.add_weight(fmt::format("{}/{}", node.name, attribute), {{1}, {real}});
  };
  const std::string scale = number("scale");
  const std::string zero_point = number("zero_point");
  const std::string steps = evaluation.order().add_node(
      "QuantizeLinear", {value.name, scale, zero_point}, {{"to", node.text("type", "")}}, "steps");
  value.name = evaluation.add_node("DequantizeLinear", {steps, scale, zero_point});
  return value;
}

}  // namespace mnist
