// Sums, products, activations.
#include <fmt/format.h>

#include <algorithm>

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
  if (!value.flattened.empty()) return {shape, to_planes(constant.floats, value.flattened)};
  if (!value.is_planes) return {shape, constant.floats};
  return {{shape[2], shape[0], shape[1]}, to_planes(constant.floats, shape)};
}

// `type` of a value and a weight.
ChannelLastValue with_weight(TfEvaluation& evaluation, const char* type, ChannelLastValue value,
                             Tensor weight, size_t input) {
  const float neutral = type == std::string("Mul") ? 1.0F : 0.0F;
  if (std::all_of(weight.values.begin(), weight.values.end(),
                  [&](float x) { return x == neutral; })) {
    return value;
  }
  const std::string name = evaluation.add_weight(evaluation.weight_name(input), std::move(weight));
  value.name = evaluation.add_node(type, {value.name, name});
  return value;
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
  const std::vector<ChannelLastValue> values =
      evaluation.order().alike({evaluation.value(0), evaluation.value(1)});
  ChannelLastValue result = values[0];
  result.name = evaluation.add_node(type, {values[0].name, values[1].name});
  return result;
}

struct Activation {
  const char* tensorflow;
  const char* type;
};
constexpr Activation kActivations[] = {
    {"Abs", "Abs"},           {"Erf", "Erf"},           {"Log", "Log"},   {"Elu", "Elu"},
    {"Exp", "Exp"},           {"Relu", "Relu"},         {"Selu", "Selu"}, {"Sigmoid", "Sigmoid"},
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
  if (!evaluation.is_constant(0) || !evaluation.is_constant(1)) {
    evaluation.fail("a division by a constant expected");
  }
  return binary(evaluation, "Div", [](double a, double b) { return a / b; });
}

// With 0 it is what Relu does.
TfValue tf_maximum(TfEvaluation& evaluation) {
  if (evaluation.inputs().size() != 2) evaluation.fail("two inputs expected");
  if (evaluation.is_constant(0) && evaluation.is_constant(1)) {
    return folded(evaluation, [](double a, double b) { return std::max(a, b); });
  }
  const size_t constant = evaluation.is_constant(0) ? 0 : 1;
  const TfConstant& least = evaluation.constant(constant);
  if (least.floats.size() != 1 || least.floats[0] != 0.0F)
    evaluation.fail("the constant 0 expected");
  ChannelLastValue value = evaluation.value(1 - constant);
  value.name = evaluation.add_node("Relu", {value.name});
  return value;
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
