// PyTorch's functions with weights, its poolings and normalisations.
#include <fmt/format.h>

#include <map>

#include "formats/adaptive_window.h"
#include "formats/recognise/weight_layer.h"
#include "formats/torchscript/script_call.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;
using Attributes = std::map<std::string, Attribute>;

Attribute both_sides(const Integers& padding) {
  return Integers{padding[0], padding[1], padding[0], padding[1]};
}

// A vector that every node of its kind needs: of ones or zeros where the call has None.
std::string vector_or(const ScriptCall& call, size_t place, int64_t length, float value) {
  std::string given = call.weight(place);
  if (!given.empty()) return given;
  return call.builder().add_weight(
      value == 0 ? "zeros" : "ones",
      {{length}, std::vector<float>(static_cast<size_t>(length), value)});
}

int64_t channels(const ScriptCall& call, const std::string& x) {
  if (call.shape(x).empty()) call.fail("an activation without axes");
  return call.shape(x)[0];
}

// conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation); in
// _convolution as in the next one.
ScriptValue transposed_conv(const ScriptCall& call) {
  const bool is_general = call.function() == "_convolution";
  if (call.tensor(1).shape.size() != 4) call.fail("a convolution of maps expected");
  return call.node("ConvTranspose", {call.activation(0), call.weight(1), call.weight(2)},
                   {{"strides", call.integers(3, Integers{1, 1})},
                    {"pads", both_sides(call.integers(4, Integers{0, 0}))},
                    {"output_padding", call.integers(is_general ? 7 : 5, Integers{0, 0})},
                    {"group", call.integer(is_general ? 8 : 6, 1)},
                    {"dilations", call.integers(is_general ? 5 : 7, Integers{1, 1})}});
}

// conv2d(x, weight, bias, stride, padding, dilation, groups); _convolution has whether it is
// transposed, and a padding of the output, before the groups.
ScriptValue conv(const ScriptCall& call) {
  const bool is_general = call.function() == "_convolution";
  if (is_general && call.flag(6, false)) return transposed_conv(call);
  if (call.tensor(1).shape.size() == 3) return conv_of_rows(call);
  if (call.tensor(1).shape.size() != 4) call.fail("a convolution of maps expected");
  Attributes attributes = {{"strides", call.integers(3, Integers{1, 1})},
                           {"dilations", call.integers(5, Integers{1, 1})},
                           {"group", call.integer(is_general ? 8 : 6, 1)}};
  const std::string padding = call.text(4);
  if (padding == "same") {
    attributes["auto_pad"] = std::string("SAME_UPPER");
  } else if (padding != "valid") {
    attributes["pads"] = both_sides(call.integers(4, Integers{0, 0}));
  }
  return call.node("Conv", {call.activation(0), call.weight(1), call.weight(2)}, attributes);
}

// On rows, each by itself.
ScriptValue linear_of_rows(const ScriptCall& call, const std::string& x) {
  const std::string weight = call.builder().add_weight("rows", transposed(call.tensor(1)));
  ScriptValue product = call.node("MatMul", {x, weight});
  if (call.is_none(2)) return product;
  return call.node("Add", {product.as<ScriptActivation>()->value, call.weight(2)});
}

ScriptValue linear(const ScriptCall& call) {
  const std::string x = call.activation(0);
  if (call.shape(x).size() > 1 && call.tensor(1).shape.size() == 2) return linear_of_rows(call, x);
  return call.node("Gemm", {call.activation(0), call.weight(1), call.weight(2)},
                   {{"transB", int64_t{1}}});
}

int64_t is_transposed(const ScriptCall& call, size_t place) {
  const auto* weight = call.argument(place).as<ScriptWeight>();
  return weight != nullptr && weight->transposed ? 1 : 0;
}

// addmm(bias, x, weight): bias + x weight
ScriptValue addmm(const ScriptCall& call) {
  if (call.real(3, 1.0, "beta") != 1 || call.real(4, 1.0, "alpha") != 1) {
    call.fail("beta and alpha of 1 expected");
  }
  return call.node("Gemm", {call.activation(1), call.weight(2), call.weight(0)},
                   {{"transB", is_transposed(call, 2)}});
}

ScriptValue matmul(const ScriptCall& call) {
  return call.node("Gemm", {call.activation(0), call.weight(1)},
                   {{"transB", is_transposed(call, 1)}});
}

// batch_norm(x, weight, bias, mean, variance, training, momentum, epsilon, ...)
ScriptValue batch_norm(const ScriptCall& call) {
  const std::string x = call.activation(0);
  if (call.is_none(3) || call.is_none(4)) call.fail("normalises by what each batch holds");
  return call.node("BatchNormalization",
                   {x, vector_or(call, 1, channels(call, x), 1),
                    vector_or(call, 2, channels(call, x), 0), call.weight(3), call.weight(4)},
                   {{"epsilon", call.real(7)}});
}

// instance_norm(x, weight, bias, mean, variance, use_input_stats, momentum, epsilon, ...)
ScriptValue instance_norm(const ScriptCall& call) {
  const std::string x = call.activation(0);
  if (!call.is_none(3)) call.fail("statistics of the training are not supported");
  return call.node(
      "InstanceNormalization",
      {x, vector_or(call, 1, channels(call, x), 1), vector_or(call, 2, channels(call, x), 0)},
      {{"epsilon", call.real(7)}});
}

ScriptValue group_norm(const ScriptCall& call) {
  const std::string x = call.activation(0);
  return call.node(
      "GroupNormalization",
      {x, vector_or(call, 2, channels(call, x), 1), vector_or(call, 3, channels(call, x), 0)},
      {{"num_groups", call.integer(1)}, {"epsilon", call.real(4, 1e-5)}});
}

ScriptValue layer_norm(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const Integers normal = call.list(1);
  const std::string scale = call.weight(2);
  if (scale.empty()) call.fail("a scale expected");
  return call.node(
      "LayerNormalization", {x, scale, call.weight(3)},
      {{"axis", -static_cast<int64_t>(normal.size())}, {"epsilon", call.real(4, 1e-5)}});
}

// max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)
ScriptValue max_pool(const ScriptCall& call) {
  const Integers kernel = call.integers(1, std::nullopt);
  Attributes attributes = {{"kernel_shape", kernel},
                           {"strides", call.integers(2, kernel)},
                           {"pads", both_sides(call.integers(3, Integers{0, 0}))},
                           {"dilations", call.integers(4, Integers{1, 1})}};
  if (call.flag(5, false)) attributes["ceil_mode"] = int64_t{1};
  return call.node("MaxPool", {call.activation(0)}, attributes);
}

// avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad, divisor)
ScriptValue average_pool(const ScriptCall& call) {
  const Integers kernel = call.integers(1, std::nullopt);
  if (!call.is_none(6)) call.fail("a divisor of its own is not supported");
  Attributes attributes = {{"kernel_shape", kernel},
                           {"strides", call.integers(2, kernel)},
                           {"pads", both_sides(call.integers(3, Integers{0, 0}))},
                           {"count_include_pad", int64_t{call.flag(5, true) ? 1 : 0}}};
  if (call.flag(4, false)) attributes["ceil_mode"] = int64_t{1};
  return call.node("AveragePool", {call.activation(0)}, attributes);
}

ScriptValue adaptive_pool(const ScriptCall& call) {
  const bool averages = call.function() == "adaptive_avg_pool2d";
  const std::string x = call.activation(0);
  const Shape& shape = call.shape(x);
  const Integers size = call.integers(1, std::nullopt);
  if (shape.size() != 3) call.fail("maps expected");
  if (size == Integers{1, 1}) {
    return call.node(averages ? "GlobalAveragePool" : "GlobalMaxPool", {x});
  }
  Integers window;
  Integers strides;
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t extent = shape[axis + 1];
    const auto found = adaptive_window(extent, size[axis]);
    if (!found) {
      call.fail(
          fmt::format("from {} rows or columns to {}: windows of several sizes are not "
                      "supported",
                      extent, size[axis]));
    }
    window.push_back(found->size);
    strides.push_back(found->stride);
  }
  return call.node(averages ? "AveragePool" : "MaxPool", {x},
                   {{"kernel_shape", window}, {"strides", strides}});
}

// With the places of the maxima, which no network of these reads.
ScriptValue adaptive_max_pool(const ScriptCall& call) {
  return {ScriptList({adaptive_pool(call), ScriptValue{}})};
}

// prelu(x, slopes): one slope, or one for each channel
ScriptValue prelu(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const Tensor& stored = call.tensor(1);
  if (stored.shape.size() != 1 || stored.shape[0] > channels(call, x)) {
    call.fail("a slope for each channel expected");
  }
  Tensor slopes = stored;
  slopes.shape.resize(call.shape(x).size(), 1);
  return call.node("PRelu", {x, call.builder().add_weight("slopes", std::move(slopes))});
}

}  // namespace

std::optional<ScriptValue> call_layer(const ScriptCall& call) {
  static const ScriptMakers kMakers = {
      {"conv2d", conv},
      {"_convolution", conv},
      {"conv_transpose2d", transposed_conv},
      {"linear", linear},
      {"addmm", addmm},
      {"matmul", matmul},
      {"mm", matmul},
      {"batch_norm", batch_norm},
      {"instance_norm", instance_norm},
      {"group_norm", group_norm},
      {"layer_norm", layer_norm},
      {"max_pool2d", max_pool},
      {"avg_pool2d", average_pool},
      {"adaptive_avg_pool2d", adaptive_pool},
      {"adaptive_max_pool2d", adaptive_max_pool},
      {"prelu", prelu},
  };
  return call_from(kMakers, call);
}

}  // namespace mnist
