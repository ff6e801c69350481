// Layers that work on each element, or on all of a channel.
#include <fmt/format.h>

#include <cmath>

#include "formats/keras/save_layers.h"

namespace mnist {
namespace {

struct Function {
  const char* type;
  const char* keras;
};
constexpr Function kFunctions[] = {
    {"Exp", "exponential"},     {"Gelu", "gelu"},         {"HardSigmoid", "hard_sigmoid"},
    {"Identity", "linear"},     {"Relu", "relu"},         {"Selu", "selu"},
    {"Sigmoid", "sigmoid"},     {"Softplus", "softplus"}, {"Softsign", "softsign"},
    {"Tanh", "tanh"},           {"Swish", "silu"},        {"Mish", "mish"},
    {"HardSwish", "hard_silu"}, {"Celu", "celu"},
};

// A layer that leaves shape and order as they are.
KerasPlanned same_shape(KerasPlanner& planner, const std::string& class_name, const Json& config,
                        std::vector<KerasVariablePlan> variables = {}) {
  const KerasPlanned value = planner.input(0);
  KerasPlanned result =
      planner.add_layer(class_name, config, {value}, value.shape, std::move(variables));
  result.flattened = value.flattened;
  return result;
}

bool is_near(double a, double b) { return std::abs(a - b) < 1e-6; }

}  // namespace

KerasPlanned save_activation(KerasPlanner& planner) {
  const Node& node = planner.node();
  const std::string& type = node.type;
  if (type == "LeakyRelu") {
    return same_shape(planner, "LeakyReLU", {{"negative_slope", node.real("alpha", 0.01)}});
  }
  if (type == "Elu") return same_shape(planner, "ELU", {{"alpha", node.real("alpha", 1.0)}});
  if (type == "Clip") {
    const double most = node.real("max", 0.0);
    if (planner.inputs() != 1 || node.real("min", -1.0) != 0.0 || !(most > 0.0)) {
      planner.fail("a range from 0 expected");
    }
    return same_shape(planner, "ReLU", {{"max_value", most}});
  }
  if (type == "HardSigmoid" &&
      !(is_near(node.real("alpha", 0.2), 1.0 / 6.0) && is_near(node.real("beta", 0.5), 0.5))) {
    planner.fail("alpha 1/6 and beta 0.5 expected");
  }
  if (type == "Gelu" && node.text("approximate", "none") != "none") {
    planner.fail("the exact form expected");
  }
  for (const Function& function : kFunctions) {
    if (type == function.type) {
      return same_shape(planner, "Activation", {{"activation", function.keras}});
    }
  }
  planner.fail("it has no such function");
}

KerasPlanned save_softmax(KerasPlanner& planner) {
  const KerasPlanned value = planner.input(0);
  const auto rank = static_cast<int64_t>(value.shape.size());
  int64_t axis = planner.node().integer("axis", -1);
  if (axis < 0) axis += rank + 1;
  if (value.is_planes) axis = axis == 1 ? 3 : axis - 1;
  if (planner.node().type == "Softmax") return same_shape(planner, "Softmax", {{"axis", axis}});
  if (axis != rank) planner.fail("the last axis expected");
  return same_shape(planner, "Activation", {{"activation", "log_softmax"}});
}

KerasPlanned save_dropout(KerasPlanner& planner) {
  return same_shape(planner, "Dropout", {{"rate", planner.node().real("ratio", 0.5)}});
}

KerasPlanned save_batch_normalization(KerasPlanner& planner) {
  const KerasPlanned value = planner.input(0);
  if (value.shape.size() == 2) planner.fail("a vector or a feature map expected");
  std::vector<KerasVariablePlan> variables;
  for (size_t i = 1; i <= 4; ++i) {
    variables.push_back({.weight = planner.node().inputs[i],
                         .shape = planner.weight(i).shape,
                         .flattened = value.flattened});
  }
  return same_shape(planner, "BatchNormalization",
                    {{"axis", -1},
                     {"epsilon", planner.node().real("epsilon", 1e-5)},
                     {"momentum", planner.node().real("momentum", 0.9)}},
                    variables);
}

// Two values of one shape.
KerasPlanned save_elementwise(KerasPlanner& planner) {
  const std::string& type = planner.node().type;
  if (planner.inputs() != 2) planner.fail("two inputs expected");
  if (planner.is_weight(0) || planner.is_weight(1)) planner.fail("a weight among its inputs");
  KerasPlanned a = planner.input(0);
  KerasPlanned b = planner.input(1);
  if (a.flattened != b.flattened) {
    a = planner.in_document_order(a);
    b = planner.in_document_order(b);
  }
  const std::map<std::string, std::string> names = {{"Add", "Add"},
                                                    {"Max", "Maximum"},
                                                    {"Min", "Minimum"},
                                                    {"Mul", "Multiply"},
                                                    {"Sub", "Subtract"}};
  KerasPlanned result =
      planner.add_layer(names.at(type), Json::object(), {a, b}, planner.output_shape());
  result.flattened = a.flattened;
  return result;
}

// A slope for each channel, or for each element.
KerasPlanned save_prelu(KerasPlanner& planner) {
  const KerasPlanned value = planner.input(0);
  const Shape& slope = planner.weight(1).shape;
  Json config = Json::object();
  KerasVariablePlan variable{.weight = planner.node().inputs[1], .shape = slope};
  if (value.is_planes) {
    if (slope != Shape{value.shape[0], 1, 1}) planner.fail("a slope for each channel expected");
    config["shared_axes"] = {1, 2};
    variable.shape = {1, 1, value.shape[0]};
  } else if (slope == value.shape) {
    variable.flattened = value.flattened;
  } else {
    planner.fail("a slope for each element expected");
  }
  return same_shape(planner, "PReLU", config, {variable});
}

}  // namespace mnist
