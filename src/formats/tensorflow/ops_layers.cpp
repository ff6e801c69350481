// Matrix products, convolutions, pooling, normalisation.
#include <fmt/format.h>

#include <algorithm>

#include "formats/tensorflow/evaluation.h"
#include "mnist/error.h"

namespace mnist {
namespace {

Tensor kernel_of(const TfEvaluation& evaluation, size_t input, size_t rank) {
  const TfConstant& constant = evaluation.constant(input);
  if (constant.kind != TfConstant::Kind::kFloat || constant.shape.size() != rank) {
    evaluation.fail(fmt::format("input {}: floats of {} extents expected", input, rank));
  }
  return {constant.shape, constant.floats};
}

bool is_channels_first(const TfEvaluation& evaluation) {
  return evaluation.node().text("data_format", "NHWC") == "NCHW";
}

ChannelLastValue planes_of(TfEvaluation& evaluation) {
  const ChannelLastValue& value = evaluation.value(0);
  if (value.shape.size() != 3) evaluation.fail("a feature map expected");
  return is_channels_first(evaluation) ? evaluation.order().in_order(value)
                                       : evaluation.order().as_planes(value);
}

ChannelLastValue as_before(TfEvaluation& evaluation, const std::string& name) {
  ChannelLastValue planes = evaluation.order().planes(name);
  if (!is_channels_first(evaluation)) return planes;
  return {.name = name, .shape = {planes.shape[2], planes.shape[0], planes.shape[1]}};
}

// Rows and columns of a list for all axes.
std::pair<int64_t, int64_t> rows_and_columns(const TfEvaluation& evaluation,
                                             const char* attribute) {
  const std::vector<int64_t> list = evaluation.node().integers(attribute);
  if (list.empty()) return {1, 1};
  const size_t first = is_channels_first(evaluation) ? 2 : 1;
  if (list.size() != 4 || list[0] != 1 || list[is_channels_first(evaluation) ? 1 : 3] != 1) {
    evaluation.fail(
        fmt::format("{}: four integers with 1 for batch and channels expected", attribute));
  }
  return {list[first], list[first + 1]};
}

std::map<std::string, Attribute> window(TfEvaluation& evaluation, const ChannelLastValue& planes,
                                        std::pair<int64_t, int64_t> kernel) {
  const TfNode& node = evaluation.node();
  const std::string padding = node.text("padding", "VALID");
  ChannelLastWindow window{.kernel = kernel,
                           .strides = rows_and_columns(evaluation, "strides"),
                           .dilations = rows_and_columns(evaluation, "dilations"),
                           .is_same = padding == "SAME"};
  if (padding != "SAME" && padding != "VALID" && padding != "EXPLICIT") {
    evaluation.fail("padding: SAME, VALID or EXPLICIT expected");
  }
  std::map<std::string, Attribute> attributes =
      evaluation.order().window_attributes(planes, window);
  if (padding == "EXPLICIT") {
    const std::vector<int64_t> pads = node.integers("explicit_paddings");
    const size_t first = is_channels_first(evaluation) ? 4 : 2;
    if (pads.size() != 8) evaluation.fail("explicit_paddings: eight integers expected");
    attributes["pads"] =
        std::vector<int64_t>{pads[first], pads[first + 2], pads[first + 1], pads[first + 3]};
  }
  return attributes;
}

ChannelLastValue pool(TfEvaluation& evaluation, const char* type) {
  const ChannelLastValue planes = planes_of(evaluation);
  const auto size = rows_and_columns(evaluation, "ksize");
  const std::map<std::string, Attribute> attributes = window(evaluation, planes, size);
  return as_before(evaluation, evaluation.add_node(type, {planes.name}, attributes));
}

std::string bias_name(TfEvaluation& evaluation, size_t input) {
  return evaluation.add_weight(evaluation.weight_name(input), kernel_of(evaluation, input, 1));
}

// With the bias of input 2, if `has_bias`.
ChannelLastValue convolution(TfEvaluation& evaluation, bool is_depthwise, bool has_bias) {
  const ChannelLastValue planes = planes_of(evaluation);
  const Tensor kernel = kernel_of(evaluation, 1, 4);
  const int64_t channels = evaluation.order().document_shape(planes)[0];
  std::map<std::string, Attribute> attributes =
      window(evaluation, planes, {kernel.shape[0], kernel.shape[1]});
  const int64_t inputs = kernel.shape[2];
  if (inputs < 1 || channels % inputs != 0 || (is_depthwise && inputs != channels)) {
    evaluation.fail(fmt::format("a kernel for {} channels, the input has {}", inputs, channels));
  }
  const int64_t groups = is_depthwise ? channels : channels / inputs;
  if (groups != 1) attributes["group"] = groups;
  std::vector<std::string> names = {
      planes.name,
      evaluation.add_weight(evaluation.weight_name(1),
                            is_depthwise ? depthwise_kernel(kernel) : conv_kernel(kernel))};
  if (has_bias) names.push_back(bias_name(evaluation, 2));
  return as_before(evaluation, evaluation.add_node("Conv", names, attributes));
}

// What is cropped later is computed, too.
TfDilated within_dilation(TfEvaluation& evaluation, bool is_depthwise) {
  TfDilated dilated = *evaluation.dilated(0);
  const std::pair<int64_t, int64_t> one = {1, 1};
  if (dilated.is_convolved || evaluation.node().text("padding", "") != "VALID" ||
      rows_and_columns(evaluation, "strides") != one ||
      rows_and_columns(evaluation, "dilations") != one) {
    evaluation.fail("within a dilation a plain convolution expected");
  }
  const Tensor kernel = kernel_of(evaluation, 1, 4);
  const int64_t channels = evaluation.order().document_shape(dilated.value)[0];
  if (kernel.shape[2] != channels) evaluation.fail("a kernel for other channels");
  std::map<std::string, Attribute> attributes = evaluation.order().window_attributes(
      dilated.value,
      {.kernel = {kernel.shape[0], kernel.shape[1]}, .dilations = dilated.dilations});
  const std::vector<int64_t>& pads = dilated.paddings;
  attributes["pads"] = std::vector<int64_t>{pads[0], pads[2], pads[1], pads[3]};
  if (is_depthwise) attributes["group"] = channels;
  std::vector<std::string> names = {
      dilated.value.name,
      evaluation.add_weight(evaluation.weight_name(1),
                            is_depthwise ? depthwise_kernel(kernel) : conv_kernel(kernel))};
  if (evaluation.inputs().size() > 2) names.push_back(bias_name(evaluation, 2));
  dilated.value = evaluation.order().planes(evaluation.add_node("Conv", names, attributes));
  dilated.paddings.clear();
  dilated.is_convolved = true;
  return dilated;
}

// Of rows and columns; of a sequence's elements, which are a row.
std::pair<int64_t, int64_t> block_of(const TfEvaluation& evaluation, bool is_sequence) {
  std::vector<int64_t> block = evaluation.integers(1);
  if (is_sequence) block.insert(block.begin(), 1);
  if (block.size() != 2) evaluation.fail("a block of rows and columns expected");
  return {block[0], block[1]};
}

std::vector<int64_t> sides_of(const TfEvaluation& evaluation, bool is_sequence) {
  std::vector<int64_t> sides = evaluation.integers(2);
  if (is_sequence) sides.insert(sides.begin(), {0, 0});
  const bool fits = std::all_of(sides.begin(), sides.end(),
                                [](int64_t side) { return side >= 0 && side <= 1024; });
  if (sides.size() != 4 || !fits) evaluation.fail("top, bottom, left and right expected");
  return sides;
}

ChannelLastValue product(TfEvaluation& evaluation, bool has_bias) {
  const TfNode& node = evaluation.node();
  if (node.flag("transpose_a", false)) evaluation.fail("transpose_a: false expected");
  const ChannelLastValue& value = evaluation.value(0);
  if (value.shape.size() != 1) evaluation.fail("a vector expected");
  Tensor kernel = kernel_of(evaluation, 1, 2);
  if (node.flag("transpose_b", false)) {
    kernel = dense_kernel({kernel.shape, kernel.values}, {});
  }
  if (kernel.shape[0] != value.shape[0]) {
    evaluation.fail(fmt::format("a matrix {} for a vector {}", to_string(kernel.shape),
                                to_string(value.shape)));
  }
  std::vector<std::string> names = {
      value.name,
      evaluation.add_weight(evaluation.weight_name(1), dense_kernel(kernel, value.flattened))};
  if (has_bias) names.push_back(bias_name(evaluation, 2));
  return {.name = evaluation.add_node("Gemm", names, {{"transB", int64_t{1}}}),
          .shape = {kernel.shape[1]}};
}

// What a fused operator does after its bias.
ChannelLastValue fused(TfEvaluation& evaluation, ChannelLastValue value) {
  const TfAttribute* operations = evaluation.node().find("fused_ops");
  const std::vector<std::string> names =
      operations == nullptr ? std::vector<std::string>() : operations->texts;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    if (name == "BiasAdd" && i == 0) continue;
    if (name == "Relu6") {
      value.name =
          evaluation.order().add_node("Clip", {value.name}, {{"min", 0.0}, {"max", 6.0}}, name);
    } else if (name == "LeakyRelu") {
      const double slope = evaluation.node().real("leakyrelu_alpha", 0.2);
      value.name = evaluation.order().add_node("LeakyRelu", {value.name}, {{"alpha", slope}}, name);
    } else if (name == "Relu" || name == "Elu" || name == "Sigmoid" || name == "Tanh") {
      value.name = evaluation.order().add_node(name, {value.name}, {}, name);
    } else {
      evaluation.fail("fused_ops: BiasAdd and an activation expected");
    }
  }
  return value;
}

bool has_fused_bias(const TfEvaluation& evaluation) { return evaluation.inputs().size() > 2; }

}  // namespace

TfValue tf_mat_mul(TfEvaluation& evaluation) { return product(evaluation, false); }
TfValue tf_fused_mat_mul(TfEvaluation& evaluation) {
  return fused(evaluation, product(evaluation, has_fused_bias(evaluation)));
}
TfValue tf_conv(TfEvaluation& evaluation) {
  if (evaluation.dilated(0) != nullptr) return within_dilation(evaluation, false);
  return convolution(evaluation, false, false);
}
TfValue tf_fused_conv(TfEvaluation& evaluation) {
  if (evaluation.dilated(0) != nullptr && evaluation.node().find("fused_ops") == nullptr) {
    return within_dilation(evaluation, false);
  }
  return fused(evaluation, convolution(evaluation, false, has_fused_bias(evaluation)));
}
TfValue tf_depthwise_conv(TfEvaluation& evaluation) {
  if (evaluation.dilated(0) != nullptr) return within_dilation(evaluation, true);
  return convolution(evaluation, true, false);
}
TfValue tf_fused_depthwise_conv(TfEvaluation& evaluation) {
  if (evaluation.dilated(0) != nullptr && evaluation.node().find("fused_ops") == nullptr) {
    return within_dilation(evaluation, true);
  }
  return fused(evaluation, convolution(evaluation, true, has_fused_bias(evaluation)));
}
TfValue tf_max_pool(TfEvaluation& evaluation) { return pool(evaluation, "MaxPool"); }
TfValue tf_average_pool(TfEvaluation& evaluation) { return pool(evaluation, "AveragePool"); }

TfValue tf_space_to_batch(TfEvaluation& evaluation) {
  const ChannelLastValue& value = evaluation.value(0);
  const bool is_sequence = value.shape.size() == 2;
  const ChannelLastValue map = is_sequence
                                   ? evaluation.order().as_planes(evaluation.order().reshaped(
                                         value, {1, value.shape[0], value.shape[1]}))
                                   : planes_of(evaluation);
  return TfDilated{.value = map,
                   .dilations = block_of(evaluation, is_sequence),
                   .paddings = sides_of(evaluation, is_sequence),
                   .is_sequence = is_sequence};
}

TfValue tf_batch_to_space(TfEvaluation& evaluation) {
  const TfDilated* dilated = evaluation.dilated(0);
  if (dilated == nullptr || !dilated->is_convolved ||
      dilated->dilations != block_of(evaluation, dilated->is_sequence)) {
    evaluation.fail("a convolution behind SpaceToBatchND expected");
  }
  const std::vector<int64_t> crops = sides_of(evaluation, dilated->is_sequence);
  ChannelLastValue value = dilated->value;
  if (crops != std::vector<int64_t>(4, 0)) {
    const std::vector<int64_t> pads = {0, 0, -crops[0], -crops[2], 0, 0, -crops[1], -crops[3]};
    value = evaluation.order().planes(evaluation.add_node("Pad", {value.name}, {{"pads", pads}}));
  }
  if (!dilated->is_sequence) return value;
  return evaluation.order().reshaped(value, {value.shape[1], value.shape[2]});
}

TfValue tf_batch_norm(TfEvaluation& evaluation) {
  const ChannelLastValue planes = planes_of(evaluation);
  if (evaluation.node().flag("is_training", true)) evaluation.fail("is_training: false expected");
  std::vector<std::string> names = {planes.name};
  for (size_t i = 1; i <= 4; ++i) {
    names.push_back(evaluation.add_weight(evaluation.weight_name(i), kernel_of(evaluation, i, 1)));
  }
  const double epsilon = evaluation.node().real("epsilon", 1e-4);
  return as_before(evaluation,
                   evaluation.add_node("BatchNormalization", names, {{"epsilon", epsilon}}));
}

}  // namespace mnist
