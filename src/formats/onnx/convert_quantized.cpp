#include <fmt/format.h>

#include <cmath>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// The type that input `zero_at` (a zero point) says, UINT8 without one.
OnnxType quantized_type(const OnnxCall& call, size_t zero_at) {
  if (call.has(zero_at)) return call.constant(zero_at).type;
  const auto wanted = static_cast<OnnxType>(call.node.integer("output_dtype", 0));
  return wanted == OnnxType::kUndefined ? OnnxType::kUint8 : wanted;
}

// Scale and zero point at `scale_at` and behind it, and which axis they are for.
void add_parameters(const OnnxCall& call, const OnnxValue& x, size_t scale_at,
                    std::vector<std::string>& inputs, Attributes& attributes) {
  const OnnxConstant& scale = call.constant(scale_at);
  inputs.push_back(call.weight(scale_at));
  if (call.has(scale_at + 1)) inputs.push_back(call.weight(scale_at + 1));
  if (scale.size() != 1) {
    attributes["axis"] = call.document_axis(x, call.node.integer("axis", 1));
  }
}

std::string add_quantize(const OnnxCall& call, const OnnxValue& x, size_t scale_at) {
  std::vector<std::string> inputs = {x.name};
  Attributes attributes;
  add_parameters(call, x, scale_at, inputs, attributes);
  const OnnxType type = quantized_type(call, scale_at + 1);
  if (type != OnnxType::kUint8) {
    std::string word = to_string(type);
    for (char& letter : word)
      letter = letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter;
    attributes["to"] = word;
  }
  return call.add("QuantizeLinear", std::move(inputs), std::move(attributes));
}

std::string add_dequantize(const OnnxCall& call, const OnnxValue& x, size_t scale_at) {
  std::vector<std::string> inputs = {x.name};
  Attributes attributes;
  add_parameters(call, x, scale_at, inputs, attributes);
  return call.add("DequantizeLinear", std::move(inputs), std::move(attributes));
}

// The real numbers that weights at `at`, with scale and zero point behind them, stand for: a scale,
// or one for each position of `axis`.
OnnxConstant real_weights(const OnnxCall& call, size_t at, int64_t axis) {
  OnnxNode node;
  node.name = call.node.label();
  node.type = "DequantizeLinear";
  node.attributes["axis"] = axis;
  const OnnxNodeView view(node, call.node.who(), call.node.opset());
  const OnnxFold fold = find_onnx_fold(node.type);
  return fold({view,
               {&call.constant(at), &call.constant(at + 1), &call.constant(at + 2)},
               call.graph.budget()});
}

// The bias at `at`, whole numbers whose unit is the product of the input's scale, at 1, and the
// weights', at `scale_at`.
OnnxConstant real_bias(const OnnxCall& call, size_t at, size_t scale_at) {
  const OnnxConstant& whole = call.constant(at);
  const OnnxConstant& scale = call.constant(scale_at);
  if (call.constant(1).reals.size() != 1) call.node.fail("one scale of the input expected");
  const float unit = call.constant(1).reals[0];
  OnnxConstant bias;
  bias.shape = whole.shape;
  if (scale.reals.empty() || (scale.size() != 1 && scale.size() != whole.whole.size())) {
    call.node.fail("a bias for each scale of the weights expected");
  }
  for (size_t i = 0; i < whole.whole.size(); ++i) {
    const float step = unit * scale.reals[scale.size() == 1 ? 0 : i];
    bias.reals.push_back(static_cast<float>(whole.whole[i]) * step);
  }
  return bias;
}

// A layer on quantised values becomes float32's between a DequantizeLinear of its input and the
// QuantizeLinear that this adds: the same numbers, but for the rounding of sums.
void finish_layer(OnnxCall& call, const OnnxValue& x, const std::string& made, size_t scale_at) {
  OnnxValue y = x;
  y.name = made;
  y.type = OnnxType::kFloat;
  y.name = add_quantize(call, y, scale_at);
  y.type = quantized_type(call, scale_at + 1);
  call.set(std::move(y));
}

// What ONNX Runtime lays out with the channels last, it says of the node; the document has them
// first.
bool has_channels_last(const OnnxCall& call) {
  return call.node.integer("channels_last", 0) != 0 || call.node.node().type == "NhwcMaxPool";
}

OnnxValue with_channels_first(const OnnxCall& call) {
  OnnxValue x = call.activation(0);
  if (!has_channels_last(call)) return x;
  if (call.shape(x).size() != 3) call.node.fail("feature maps expected");
  x.name = call.add("Transpose", {x.name}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
  return x;
}

void restore_channels_last(OnnxCall& call) {
  if (!has_channels_last(call)) return;
  OnnxValue y = call.graph.value(call.node.node().outputs[0]);
  y.name = call.add("Transpose", {y.name}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  call.set(std::move(y));
}

}  // namespace

void convert_quantize(OnnxCall& call) {
  OnnxValue x = call.activation(0);
  x.name = add_quantize(call, x, 1);
  x.type = quantized_type(call, 2);
  call.set(std::move(x));
}

void convert_dequantize(OnnxCall& call) {
  OnnxValue x = call.activation(0);
  x.name = add_dequantize(call, x, 1);
  x.type = OnnxType::kFloat;
  call.set(std::move(x));
}

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias
void convert_quantized_convolution(OnnxCall& call) {
  const OnnxValue x = with_channels_first(call);
  const OnnxConstant weights = real_weights(call, 3, 0);
  std::vector<std::string> inputs = {add_dequantize(call, x, 1),
                                     call.weight(call.value(3).name, weights)};
  if (call.has(8)) inputs.push_back(call.weight(call.value(8).name, real_bias(call, 8, 4)));
  const std::string made = call.add("Conv", std::move(inputs), call.attributes({"channels_last"}));
  finish_layer(call, x, made, 6);
  restore_channels_last(call);
}

// a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero
void convert_quantized_matmul(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const OnnxConstant weights = real_weights(call, 3, 1);
  const std::string name = call.weight(call.value(3).name, weights);
  const char* type = call.shape(x).size() == 1 && weights.shape.size() == 2 ? "Gemm" : "MatMul";
  const std::string made = call.add(type, {add_dequantize(call, x, 1), name});
  finish_layer(call, x, made, 6);
}

// a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale, y_zero; without the last two the result is
// not quantised. c counts in a_scale x b_scale.
void convert_quantized_gemm(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const bool transposed = call.node.integer("transB", 0) != 0;
  if (call.node.integer("transA", 0) != 0) call.node.fail("transA: swaps images and features");
  const OnnxConstant weights = real_weights(call, 3, transposed ? 0 : 1);
  std::vector<std::string> inputs = {add_dequantize(call, x, 1),
                                     call.weight(call.value(3).name, weights)};
  if (call.has(6)) inputs.push_back(call.weight(call.value(6).name, real_bias(call, 6, 4)));
  Attributes attributes;
  const double alpha = call.node.real("alpha", 1);
  // The bias is not scaled by alpha, and its unit is: both say it once.
  if (alpha != 1) call.node.fail("alpha: 1 expected");
  if (transposed) attributes["transB"] = int64_t{1};
  const std::string made = call.add("Gemm", std::move(inputs), std::move(attributes));
  if (call.has(7)) {
    finish_layer(call, x, made, 7);
    return;
  }
  OnnxValue y = x;
  y.name = made;
  y.type = OnnxType::kFloat;
  call.set(std::move(y));
}

// a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero
void convert_quantized_pair(OnnxCall& call) {
  const std::string type = call.node.node().type == "QLinearAdd" ? "Add" : "Mul";
  const size_t first = call.is_constant(0) ? 3 : 0;
  const size_t second = 3 - first;
  const OnnxValue x = call.activation(first);
  std::string other;
  if (call.is_constant(second)) {
    other = call.weight(call.value(second).name, real_weights(call, second, 0));
  } else {
    const OnnxValue& y = call.activation(second);
    if (call.full_shape(y) != call.full_shape(x)) call.node.fail("inputs of one shape expected");
    other = add_dequantize(call, y, second + 1);
  }
  const std::string made = call.add(type, {add_dequantize(call, x, first + 1), other});
  finish_layer(call, x, made, 6);
}

// x, x_scale, x_zero, y_scale, y_zero: a function in real numbers between.
void convert_quantized_unary(OnnxCall& call) {
  const OnnxValue x = with_channels_first(call);
  const std::string type = call.node.node().type.substr(std::string_view("QLinear").size());
  Attributes attributes = call.attributes({"channels_last", "opset"});
  if (type == "Softmax") {
    // The operator that it is, which has its own rules of axes.
    const Shape full = call.full_shape(x);
    const int64_t axis = call.node.integer("axis", -1);
    if (call.node.axis(axis, full.size()) + 1 != full.size()) {
      call.node.fail("a softmax along the last axis expected");
    }
    attributes.clear();
  }
  const std::string made = call.add(type, {add_dequantize(call, x, 1)}, std::move(attributes));
  finish_layer(call, x, made, 3);
  restore_channels_last(call);
}

void convert_nhwc_max_pool(OnnxCall& call) {
  const OnnxValue x = with_channels_first(call);
  call.set_like(x, call.add("MaxPool", {x.name}, call.attributes({"storage_order"})));
  restore_channels_last(call);
}

// y_scale, y_zero, then x, scale, zero of each.
void convert_quantized_concat(OnnxCall& call) {
  const OnnxValue first = call.activation(2);
  std::vector<std::string> inputs;
  for (size_t i = 2; i + 2 < call.input_count(); i += 3) {
    const OnnxValue& each = call.activation(i);
    if (each.leads != first.leads) call.node.fail("inputs with and without a batch");
    inputs.push_back(add_dequantize(call, each, i + 1));
  }
  const int64_t axis = call.document_axis(first, call.node.integer("axis", 1));
  finish_layer(call, first, call.add("Concat", std::move(inputs), {{"axis", axis}}), 0);
}

}  // namespace mnist
