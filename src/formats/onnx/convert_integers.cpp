// Dynamic quantisation: a layer's input is rounded to 256 steps of its own range, the products are
// whole numbers, and what follows makes them real again. All of them are floats here, which hold
// them exactly. ONNX Runtime takes the range of all images that it is given at once; here it is
// each image's own, as if it were given one.
#include <fmt/format.h>

#include <cfloat>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

std::string number(const OnnxCall& call, const char* name, float value) {
  OnnxConstant constant;
  constant.shape = {1};
  constant.reals = {value};
  return call.weight(fmt::format("{}.{}", call.node.label(), name), constant);
}

// A single number of each image under a shape with which it meets `value`.
std::string aligned(const OnnxCall& call, const std::string& number, const OnnxValue& value) {
  const Shape ones(call.shape(value).size(), 1);
  if (call.graph.builder().shape(number) == ones) return number;
  return call.add("Reshape", {number}, {{"shape", ones}});
}

struct Quantized {
  OnnxValue values;  // 0 to 255
  OnnxValue scale;   // one number an image
  OnnxValue zero;
};

// The steps that DynamicQuantizeLinear rounds to: round(x / scale) + zero, where the scale makes
// 255 of them of the range from the least to the greatest value, 0 included.
Quantized quantized(OnnxCall& call, const OnnxValue& x) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < call.shape(x).size(); ++i) axes.push_back(static_cast<int64_t>(i) + 1);
  const Attributes all = {{"axes", axes}, {"keepdims", int64_t{1}}};
  const std::string none = number(call, "none", 0);
  const std::string most = call.add("Max", {call.add("ReduceMax", {x.name}, all), none});
  const std::string least = call.add("Min", {call.add("ReduceMin", {x.name}, all), none});
  const std::string step = number(call, "step", 1.0F / 255.0F);
  const std::string range = call.add("Mul", {call.add("Sub", {most, least}), step});
  // An image of zeros has no range; what it is divided by does not matter then.
  const std::string scale = call.add("Max", {range, number(call, "least_scale", FLT_MIN)});
  const std::string from = call.add("Neg", {call.add("Div", {least, scale})});
  const Attributes bytes = {{"min", 0.0}, {"max", 255.0}};
  const std::string zero = call.add("Round", {call.add("Clip", {from}, bytes)});
  const std::string steps = call.add("Round", {call.add("Div", {x.name, scale})});
  const std::string shifted = call.add("Clip", {call.add("Add", {steps, zero})}, bytes);
  const OnnxValue one{nullptr, "", OnnxType::kFloat, false};
  Quantized result{x, one, one};
  result.values.name = shifted;
  result.values.type = OnnxType::kUint8;
  result.scale.name = call.add("Reshape", {scale}, {{"shape", Shape{1}}});
  result.zero.name = call.add("Reshape", {zero}, {{"shape", Shape{1}}});
  result.zero.type = OnnxType::kUint8;
  return result;
}

// Input `at` less its zero point, input `zero_at`.
std::string without_zero(const OnnxCall& call, size_t at, size_t zero_at) {
  const OnnxValue& x = call.activation(at);
  if (!call.has(zero_at)) return x.name;
  if (!call.is_constant(zero_at)) {
    return call.add("Sub", {x.name, aligned(call, call.activation(zero_at).name, x)});
  }
  return call.add("Sub", {x.name, call.weight(zero_at)});
}

// Whole weights at `at` less their zero points at `zero_at`, one or one for each position of
// `axis`, in units of the scale at `scale_at`, if there is one.
std::string weights(const OnnxCall& call, size_t at, size_t zero_at, int64_t axis,
                    size_t scale_at = SIZE_MAX) {
  OnnxNode node;
  node.name = call.node.label();
  node.type = "DequantizeLinear";
  node.attributes["axis"] = axis;
  const OnnxNodeView view(node, call.node.who(), call.node.opset());
  OnnxConstant one;
  one.reals = {1.0F};
  const bool has_scale = scale_at != SIZE_MAX;
  if (!has_scale && call.has(zero_at)) {
    one.shape = call.constant(zero_at).shape;
    one.reals.assign(call.constant(zero_at).size(), 1.0F);
  }
  const OnnxConstant& scale = has_scale ? call.constant(scale_at) : one;
  std::vector<const OnnxConstant*> inputs = {&call.constant(at), &scale};
  if (call.has(zero_at)) inputs.push_back(&call.constant(zero_at));
  const OnnxFold fold = find_onnx_fold(node.type);
  const OnnxConstant result = fold({view, std::move(inputs), call.graph.budget()});
  return call.weight(call.value(at).name, result);
}

std::string product(const OnnxCall& call, const OnnxValue& x, const std::string& values,
                    const std::string& matrix) {
  const bool is_dense = call.shape(x).size() == 1 && call.graph.builder().shape(matrix).size() == 2;
  return call.add(is_dense ? "Gemm" : "MatMul", {values, matrix});
}

void set_as(OnnxCall& call, OnnxValue value, const std::string& name, OnnxType type) {
  value.name = name;
  value.type = type;
  call.set(std::move(value));
}

}  // namespace

void convert_dynamic_quantization(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  call.graph.note("onnx.batch", "rounded by each image's own range");
  Quantized result = quantized(call, x);
  call.set(std::move(result.values), 0);
  call.set(std::move(result.scale), 1);
  call.set(std::move(result.zero), 2);
}

// a, b, a_zero, b_zero
void convert_matmul_integer(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const std::string matrix = weights(call, 1, 3, -1);
  set_as(call, x, product(call, x, without_zero(call, 0, 2), matrix), OnnxType::kInt32);
}

// x, w, x_zero, w_zero
void convert_conv_integer(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const std::string kernel = weights(call, 1, 3, 0);
  const std::string values = without_zero(call, 0, 2);
  set_as(call, x, call.add("Conv", {values, kernel}, call.attributes()), OnnxType::kInt32);
}

// com.microsoft: a, b, a_scale, b_scale, a_zero, b_zero, bias
void convert_matmul_integer_to_float(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const std::string matrix = weights(call, 1, 5, -1, 3);
  std::string made = product(call, x, without_zero(call, 0, 4), matrix);
  const std::string scale =
      call.is_constant(2) ? call.weight(2) : aligned(call, call.activation(2).name, x);
  made = call.add("Mul", {made, scale});
  if (call.has(6)) made = call.add("Add", {made, call.weight(6)});
  set_as(call, x, made, OnnxType::kFloat);
}

// com.microsoft: a, b, b_scale, b_zero, bias
void convert_dynamic_quantize_matmul(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  call.graph.note("onnx.batch", "rounded by each image's own range");
  const Quantized input = quantized(call, x);
  const std::string matrix = weights(call, 1, 3, -1, 2);
  const std::string values =
      call.add("Sub", {input.values.name, aligned(call, input.zero.name, x)});
  std::string made = product(call, x, values, matrix);
  made = call.add("Mul", {made, aligned(call, input.scale.name, x)});
  if (call.has(4)) made = call.add("Add", {made, call.weight(4)});
  set_as(call, x, made, OnnxType::kFloat);
}

}  // namespace mnist
