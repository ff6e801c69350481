// Sums, products, activations.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formats/tensorflow/constants.h"
#include "formats/tensorflow/evaluation.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Function = double (*)(double, double);

TfValue folded(TfEvaluation& evaluation, Function function) {
  try {
    return evaluation.keep(combine(evaluation.constant(0), evaluation.constant(1), function));
  } catch (const Error& error) {
    evaluation.fail(error.what());
  }
}

// A constant beside a value, as a weight that is broadcast in the document as it is here.
Tensor as_weight(const TfEvaluation& evaluation, const TfConstant& constant,
                 const ChannelLastValue& value) {
  if (constant.kind != TfConstant::Kind::kFloat) evaluation.fail("floats expected");
  if (constant.floats.size() == 1) return {{1}, constant.floats};
  Shape shape = constant.shape;
  const Shape& image = value.shape;
  while (shape.size() > image.size() && shape[0] == 1) shape.erase(shape.begin());
  if (shape.size() > image.size()) evaluation.fail("a constant for each image");
  shape.insert(shape.begin(), image.size() - shape.size(), 1);
  if (!value.flattened.empty()) {
    if (shape != image) evaluation.fail("a constant for each element expected");
    return {shape, to_planes(constant.floats, value.flattened)};
  }
  if (!value.is_planes) return {shape, constant.floats};
  return {{shape[2], shape[0], shape[1]}, to_planes(constant.floats, shape)};
}

// `type` of a value and a weight.
ChannelLastValue with_weight(TfEvaluation& evaluation, const char* type, ChannelLastValue value,
                             Tensor weight, size_t input) {
  const bool is_product = type == std::string_view("Mul");
  const float neutral = is_product ? 1.0F : 0.0F;
  const bool is_neutral = std::all_of(weight.values.begin(), weight.values.end(),
                                      [&](float x) { return x == neutral; });
  if (is_neutral && (is_product || type == std::string_view("Add"))) return value;
  const std::string name = evaluation.add_weight(evaluation.weight_name(input), std::move(weight));
  value.name = evaluation.add_node(type, {value.name, name});
  // It may have been broadcast to the weight.
  value.shape = value.is_planes ? evaluation.order().planes(value.name).shape
                                : evaluation.order().document_shape(value);
  return value;
}

// `type` of two values.
ChannelLastValue of_values(TfEvaluation& evaluation, const char* type, ChannelLastValue first,
                           ChannelLastValue second) {
  if (first.shape.size() != second.shape.size())
    evaluation.fail("values of as many extents expected");
  if (first.shape != second.shape) {  // one is broadcast: their elements do not correspond
    if (first.shape.size() == 3 && (first.is_planes || second.is_planes)) {
      first = evaluation.order().as_planes(first);
      second = evaluation.order().as_planes(second);
    } else {
      first = evaluation.order().in_order(first);
      second = evaluation.order().in_order(second);
    }
  }
  const std::vector<ChannelLastValue> values = evaluation.order().alike({first, second});
  ChannelLastValue result = values[0];
  result.name = evaluation.add_node(type, {values[0].name, values[1].name});
  result.shape = result.is_planes ? evaluation.order().planes(result.name).shape
                                  : evaluation.order().document_shape(result);
  return result;
}

// Of two values, or a value and a constant in any order.
TfValue binary(TfEvaluation& evaluation, const char* type, Function function) {
  if (evaluation.inputs().size() != 2) evaluation.fail("two inputs expected");
  if (evaluation.is_constant(0) && evaluation.is_constant(1)) return folded(evaluation, function);
  if (evaluation.is_constant(0) || evaluation.is_constant(1)) {
    const size_t constant = evaluation.is_constant(0) ? 0 : 1;
    const ChannelLastValue& value = evaluation.value(1 - constant);
    return with_weight(evaluation, type, value,
                       as_weight(evaluation, evaluation.constant(constant), value), constant);
  }
  return of_values(evaluation, type, evaluation.value(0), evaluation.value(1));
}

// The greater or the lesser of the two.
TfValue extreme(TfEvaluation& evaluation, const char* type, Function function) {
  if (evaluation.inputs().size() != 2) evaluation.fail("two inputs expected");
  const size_t constant = evaluation.is_constant(0) ? 0 : 1;
  if (type == std::string_view("Max") && evaluation.is_constant(constant) &&
      !evaluation.is_constant(1 - constant) &&
      evaluation.constant(constant).floats == std::vector<float>{0.0F}) {
    ChannelLastValue value = evaluation.value(1 - constant);
    value.name = evaluation.add_node("Relu", {value.name});
    return value;
  }
  return binary(evaluation, type, function);
}

bool is_zero(const TfEvaluation& evaluation, size_t input) {
  if (!evaluation.is_constant(input)) return false;
  const TfConstant& constant = evaluation.constant(input);
  return constant.kind == TfConstant::Kind::kFloat &&
         std::all_of(constant.floats.begin(), constant.floats.end(),
                     [](float value) { return value == 0.0F; });
}

// A branch of a selection where `mask` is 1, and 0 elsewhere.
ChannelLastValue masked(TfEvaluation& evaluation, const ChannelLastValue& mask, size_t branch) {
  if (!evaluation.is_constant(branch)) {
    return of_values(evaluation, "Mul", mask, evaluation.value(branch));
  }
  return with_weight(evaluation, "Mul", mask,
                     as_weight(evaluation, evaluation.constant(branch), mask), branch);
}

struct Activation {
  const char* tensorflow;
  const char* type;
};
constexpr Activation kActivations[] = {
    {"Abs", "Abs"},           {"Erf", "Erf"},           {"Log", "Log"},     {"Elu", "Elu"},
    {"Ceil", "Ceil"},         {"Exp", "Exp"},           {"Floor", "Floor"}, {"Round", "Round"},
    {"Sign", "Sign"},         {"Relu", "Relu"},         {"Selu", "Selu"},   {"Sigmoid", "Sigmoid"},
    {"Softplus", "Softplus"}, {"Softsign", "Softsign"}, {"Tanh", "Tanh"},
};

}  // namespace

TfValue tf_add(TfEvaluation& evaluation) {
  return binary(evaluation, "Add", [](double a, double b) { return a + b; });
}

TfValue tf_multiply(TfEvaluation& evaluation) {
  return binary(evaluation, "Mul", [](double a, double b) { return a * b; });
}

TfValue tf_subtract(TfEvaluation& evaluation) {
  if (evaluation.inputs().size() == 2 && !evaluation.is_constant(0) && evaluation.is_constant(1)) {
    const ChannelLastValue& value = evaluation.value(0);
    Tensor weight = as_weight(evaluation, evaluation.constant(1), value);
    for (float& each : weight.values) each = -each;
    return with_weight(evaluation, "Add", value, std::move(weight), 1);
  }
  if (evaluation.is_constant(0) && !evaluation.is_constant(1)) {
    ChannelLastValue value = evaluation.value(1);
    const std::string minus =
        evaluation.add_weight(evaluation.node().name + "/minus", {{1}, {-1.0F}});
    value.name = evaluation.order().add_node("Mul", {value.name, minus}, {}, "negative");
    return with_weight(evaluation, "Add", value,
                       as_weight(evaluation, evaluation.constant(0), value), 0);
  }
  return binary(evaluation, "Sub", [](double a, double b) { return a - b; });
}

TfValue tf_divide(TfEvaluation& evaluation) {
  if (evaluation.inputs().size() == 2 && !evaluation.is_constant(0) && evaluation.is_constant(1)) {
    const ChannelLastValue& value = evaluation.value(0);
    Tensor weight = as_weight(evaluation, evaluation.constant(1), value);
    for (float& each : weight.values) each = 1.0F / each;
    return with_weight(evaluation, "Mul", value, std::move(weight), 1);
  }
  if (evaluation.inputs().size() == 2 && evaluation.is_constant(0) && !evaluation.is_constant(1)) {
    ChannelLastValue value = evaluation.value(1);
    value.name = evaluation.order().add_node("Reciprocal", {value.name}, {}, "reciprocal");
    return with_weight(evaluation, "Mul", value,
                       as_weight(evaluation, evaluation.constant(0), value), 0);
  }
  return binary(evaluation, "Div", [](double a, double b) { return a / b; });
}

// 1 where it holds, else 0: a Cast behind it changes nothing.
TfValue tf_compare(TfEvaluation& evaluation) {
  const std::string& op = evaluation.node().op;
  if (op == "Greater") {
    return binary(evaluation, "Greater", [](double a, double b) { return a > b ? 1.0 : 0.0; });
  }
  if (op == "GreaterEqual") {
    return binary(evaluation, "GreaterOrEqual",
                  [](double a, double b) { return a >= b ? 1.0 : 0.0; });
  }
  if (op == "Less") {
    return binary(evaluation, "Less", [](double a, double b) { return a < b ? 1.0 : 0.0; });
  }
  return binary(evaluation, "LessOrEqual", [](double a, double b) { return a <= b ? 1.0 : 0.0; });
}

// The branches' sum, each where the condition chooses it: what is chosen elsewhere must be finite.
TfValue tf_select(TfEvaluation& evaluation) {
  if (evaluation.inputs().size() != 3) evaluation.fail("three inputs expected");
  const ChannelLastValue& condition = evaluation.value(0);
  if (is_zero(evaluation, 2)) return masked(evaluation, condition, 1);
  ChannelLastValue otherwise = condition;
  const std::string zero = evaluation.add_weight(evaluation.node().name + "/zero", {{1}, {0.0F}});
  otherwise.name = evaluation.order().add_node("Equal", {condition.name, zero}, {}, "otherwise");
  const ChannelLastValue other = masked(evaluation, otherwise, 2);
  if (is_zero(evaluation, 1)) return other;
  return of_values(evaluation, "Add", masked(evaluation, condition, 1), other);
}

// Whatever the values are.
TfValue tf_zeros_like(TfEvaluation& evaluation) {
  TfConstant zero;
  zero.kind = TfConstant::Kind::kFloat;
  zero.floats = {0.0F};
  return evaluation.keep(std::move(zero));
}

// With 0 it is what Relu does.
TfValue tf_maximum(TfEvaluation& evaluation) {
  return extreme(evaluation, "Max", [](double a, double b) { return std::max(a, b); });
}

TfValue tf_minimum(TfEvaluation& evaluation) {
  return extreme(evaluation, "Min", [](double a, double b) { return std::min(a, b); });
}

TfValue tf_power(TfEvaluation& evaluation) {
  if (evaluation.is_constant(0) != evaluation.is_constant(1) && evaluation.is_constant(0)) {
    evaluation.fail("a constant exponent expected");
  }
  return binary(evaluation, "Pow", [](double a, double b) { return std::pow(a, b); });
}

TfValue tf_squared_difference(TfEvaluation& evaluation) {
  if (evaluation.is_constant(0) && evaluation.is_constant(1)) {
    return folded(evaluation, [](double a, double b) { return (a - b) * (a - b); });
  }
  auto difference = std::get<ChannelLastValue>(tf_subtract(evaluation));
  difference.name =
      evaluation.order().add_node("Mul", {difference.name, difference.name}, {}, "square");
  return difference;
}

TfValue tf_bias_add(TfEvaluation& evaluation) {
  const ChannelLastValue& value = evaluation.value(0);
  if (evaluation.constant(1).shape.size() != 1) evaluation.fail("a vector expected");
  if (evaluation.node().text("data_format", "NHWC") != "NCHW" || value.shape.size() < 2) {
    return tf_add(evaluation);
  }
  Tensor bias{{static_cast<int64_t>(evaluation.constant(1).floats.size()), 1, 1},
              evaluation.constant(1).floats};
  return with_weight(evaluation, "Add", evaluation.order().in_order(value), std::move(bias), 1);
}

TfValue tf_activation(TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  ChannelLastValue value = evaluation.value(0);
  if (node.op == "Relu6") {
    value.name = evaluation.add_node("Clip", {value.name}, {{"min", 0.0}, {"max", 6.0}});
    return value;
  }
  if (node.op == "Erfc") {  // 1 - erf(x)
    const std::string minus = evaluation.add_weight(node.name + "/minus", {{1}, {-1.0F}});
    const std::string one = evaluation.add_weight(node.name + "/one", {{1}, {1.0F}});
    const std::string erf = evaluation.order().add_node("Erf", {value.name}, {}, "erf");
    const std::string negative = evaluation.order().add_node("Mul", {erf, minus}, {}, "negative");
    value.name = evaluation.add_node("Add", {negative, one});
    return value;
  }
  if (node.op == "LeakyRelu") {
    value.name =
        evaluation.add_node("LeakyRelu", {value.name}, {{"alpha", node.real("alpha", 0.2)}});
    return value;
  }
  for (const Activation& activation : kActivations) {
    if (node.op == activation.tensorflow)
      value.name = evaluation.add_node(activation.type, {value.name});
  }
  return value;
}

TfValue tf_softmax(TfEvaluation& evaluation) {
  const ChannelLastValue& value = evaluation.value(0);
  if (value.shape.empty()) evaluation.fail("a vector expected");
  const char* type = evaluation.node().op == "Softmax" ? "Softmax" : "LogSoftmax";
  return evaluation.order().softmax(type, value, value.shape.size() - 1);
}

}  // namespace mnist
