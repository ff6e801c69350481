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
  const OnnxValue x = call.activation(0);
  const OnnxConstant weights = real_weights(call, 3, 0);
  std::vector<std::string> inputs = {add_dequantize(call, x, 1),
                                     call.weight(call.value(3).name, weights)};
  if (call.has(8)) {
    // Its unit is the product of the input's and the weights' scales.
    const OnnxConstant& whole = call.constant(8);
    const OnnxConstant& scale = call.constant(4);
    if (call.constant(1).reals.size() != 1) call.node.fail("one scale of the input expected");
    const float unit = call.constant(1).reals[0];
    OnnxConstant bias;
    bias.shape = whole.shape;
    if (scale.size() != 1 && scale.size() != whole.whole.size()) {
      call.node.fail("a bias for each scale of the weights expected");
    }
    for (size_t i = 0; i < whole.whole.size(); ++i) {
      const float step = unit * scale.reals[scale.size() == 1 ? 0 : i];
      bias.reals.push_back(static_cast<float>(whole.whole[i]) * step);
    }
    inputs.push_back(call.weight(call.value(8).name, bias));
  }
  const std::string made = call.add("Conv", std::move(inputs), call.attributes());
  finish_layer(call, x, made, 6);
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

void convert_dynamic_quantization(OnnxCall& call) {
  call.node.fail(
      "rounds by what each batch holds; export the network without dynamic quantisation");
}

}  // namespace mnist
