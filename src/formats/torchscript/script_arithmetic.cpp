// PyTorch's functions of numbers: of one, of two, and of those along an axis.
#include <map>

#include "formats/torchscript/script_call.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;
using Attributes = std::map<std::string, Attribute>;

struct Unary {
  const char* node;
  // The attributes that the arguments behind the first give.
  Attributes (*attributes)(const ScriptCall& call) = nullptr;
};

constexpr double kLargest = 3.4028234663852886e38;  // float32's

Attributes slope(const ScriptCall& call) { return {{"alpha", call.real(1, 0.01)}}; }
Attributes alpha(const ScriptCall& call) { return {{"alpha", call.real(1, 1.0)}}; }
Attributes bounds(const ScriptCall& call) {
  return {{"min", call.real(1, -kLargest, "min")}, {"max", call.real(2, kLargest, "max")}};
}
Attributes hard_bounds(const ScriptCall& call) {
  return {{"min", call.real(1, -1.0)}, {"max", call.real(2, 1.0)}};
}
Attributes six(const ScriptCall&) { return {{"min", 0.0}, {"max", 6.0}}; }
Attributes sixth(const ScriptCall&) { return {{"alpha", 1.0 / 6.0}, {"beta", 0.5}}; }
Attributes approximation(const ScriptCall& call) {
  if (call.text(1, "approximate") != "tanh") return {};
  return {{"approximate", std::string("tanh")}};
}
Attributes elu(const ScriptCall& call) {
  if (call.real(2, 1.0) != 1 || call.real(3, 1.0) != 1) call.fail("scales of 1 expected");
  return alpha(call);
}
Attributes softplus(const ScriptCall& call) {
  if (call.real(1, 1.0) != 1) call.fail("beta of 1 expected");
  return {};
}
Attributes axis(const ScriptCall& call) { return {{"axis", call.integer(1, std::nullopt, "dim")}}; }
Attributes axis_that_goes(const ScriptCall& call) {
  return {{"axis", call.integer(1, std::nullopt, "dim")},
          {"keepdims", int64_t{call.flag(2, false, "keepdim") ? 1 : 0}}};
}
Attributes axes_that_go(const ScriptCall& call) {
  return {{"axes", call.list(1)}, {"keepdims", int64_t{call.flag(2, false, "keepdim") ? 1 : 0}}};
}

const std::map<std::string, Unary>& unaries() {
  static const std::map<std::string, Unary> all = {
      {"relu", {"Relu"}},
      {"relu6", {"Clip", six}},
      {"hardtanh", {"Clip", hard_bounds}},
      {"clamp", {"Clip", bounds}},
      {"tanh", {"Tanh"}},
      {"sigmoid", {"Sigmoid"}},
      {"hardsigmoid", {"HardSigmoid", sixth}},
      {"leaky_relu", {"LeakyRelu", slope}},
      {"elu", {"Elu", elu}},
      {"celu", {"Celu", alpha}},
      {"selu", {"Selu"}},
      {"gelu", {"Gelu", approximation}},
      {"silu", {"Swish"}},
      {"hardswish", {"HardSwish"}},
      {"mish", {"Mish"}},
      {"softplus", {"Softplus", softplus}},
      {"softsign", {"Softsign"}},
      {"exp", {"Exp"}},
      {"log", {"Log"}},
      {"sqrt", {"Sqrt"}},
      {"abs", {"Abs"}},
      {"neg", {"Neg"}},
      {"reciprocal", {"Reciprocal"}},
      {"erf", {"Erf"}},
      {"softmax", {"Softmax", axis}},
      {"log_softmax", {"LogSoftmax", axis}},
      {"argmax", {"ArgMax", axis_that_goes}},
      {"mean", {"ReduceMean", axes_that_go}},
      {"sum", {"ReduceSum", axes_that_go}},
      {"amax", {"ReduceMax", axes_that_go}},
  };
  return all;
}

// A number as a weight, or the activation that stands there.
std::string operand(const ScriptCall& call, size_t place) {
  if (call.is_activation(place)) return call.activation(place);
  if (call.argument(place).as<ScriptWeight>() != nullptr) return call.weight(place);
  const auto value = static_cast<float>(call.real(place));
  return call.builder().add_weight("constant", {{1}, {value}});
}

ScriptValue binary(const ScriptCall& call, const char* type) {
  const bool scales = call.function() == "add" || call.function() == "sub";
  if (scales && call.real(2, 1.0, "alpha") != 1) call.fail("alpha of 1 expected");
  return call.node(type, {operand(call, 0), operand(call, 1)});
}

const std::map<std::string, const char*>& binaries() {
  static const std::map<std::string, const char*> all = {
      {"add", "Add"}, {"sub", "Sub"}, {"mul", "Mul"},     {"div", "Div"},
      {"pow", "Pow"}, {"max", "Max"}, {"maximum", "Max"}, {"minimum", "Min"}};
  return all;
}

}  // namespace

std::optional<ScriptValue> call_arithmetic(const ScriptCall& call) {
  // "relu_" writes into its argument, which is not looked at again.
  std::string name = call.function();
  if (name.ends_with('_') && !name.ends_with("__")) name.pop_back();
  if (const auto found = unaries().find(name); found != unaries().end() && call.is_activation(0)) {
    const Unary& unary = found->second;
    return call.node(unary.node, {call.activation(0)},
                     unary.attributes == nullptr ? Attributes() : unary.attributes(call));
  }
  const auto found = binaries().find(name);
  const bool has_activation = call.is_activation(0) || call.is_activation(1);
  if (found == binaries().end() || !has_activation) return std::nullopt;
  return binary(call, found->second);
}

}  // namespace mnist
