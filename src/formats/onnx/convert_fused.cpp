// What ONNX Runtime's optimiser makes of a layer and what is behind it: operators of com.microsoft.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// The activation's parameters, the first of which Gemm calls otherwise than Conv does.
std::vector<float> parameters(const OnnxCall& call) {
  std::vector<float> result = call.node.reals("activation_params");
  for (const char* name : {"activation_alpha", "activation_beta"}) {
    if (call.node.has(name)) result.push_back(call.node.real(name, 0));
  }
  return result;
}

void add_activation(OnnxCall& call) {
  const std::string type = call.node.text("activation", "");
  if (type.empty()) return;
  const std::vector<float> given = parameters(call);
  std::vector<const char*> names;
  if (type == "LeakyRelu" || type == "Elu" || type == "ThresholdedRelu") names = {"alpha"};
  if (type == "HardSigmoid") names = {"alpha", "beta"};
  if (type == "Clip") names = {"min", "max"};
  if (given.size() > names.size() && !names.empty()) {
    call.node.fail(
        fmt::format("activation '{}': {} parameters", printable(type, 40), given.size()));
  }
  Attributes attributes;
  for (size_t i = 0; i < names.size() && i < given.size(); ++i) {
    attributes[names[i]] = double{given[i]};
  }
  const OnnxValue made = call.graph.value(call.node.node().outputs[0]);
  call.set_like(made, call.add(type, {made.name}, std::move(attributes)));
}

}  // namespace

// Conv, the sum with another input, the activation.
void convert_fused_convolution(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  call.constant(1);
  const std::string bias = call.has(2) ? call.weight(2) : "";
  std::string made = call.add("Conv", {x.name, call.weight(1), bias},
                              call.attributes({"activation", "activation_params"}));
  if (call.has(3)) made = call.add("Add", {made, call.activation(3).name});
  call.set_like(x, made);
  add_activation(call);
}

void convert_fused_gemm(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const OnnxConstant& weights = call.constant(1);
  if (weights.shape.size() != 2) call.node.fail("weights of rank 2 expected");
  const int64_t outputs = weights.shape[call.node.integer("transB", 0) != 0 ? 0 : 1];
  add_dense(call, x, call.weight(1), call.has(2) ? add_bias(call, 2, outputs) : "",
            call.attributes({"activation", "activation_alpha", "activation_beta",
                             "activation_gamma", "transA"}));
  add_activation(call);
}

// alpha x a b, of which b may be transposed.
void convert_fused_matmul(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  for (const char* name : {"transA", "transBatchA", "transBatchB"}) {
    if (call.node.integer(name, 0) != 0) call.node.fail(fmt::format("{}: 0 expected", name));
  }
  const bool transposed = call.node.integer("transB", 0) != 0;
  std::string made;
  if (call.is_constant(1) && call.shape(x).size() == 1 && call.constant(1).shape.size() == 2) {
    Attributes attributes;
    if (transposed) attributes["transB"] = int64_t{1};
    made = call.add("Gemm", {x.name, call.weight(1)}, std::move(attributes));
  } else if (call.is_constant(1)) {
    if (transposed) call.node.fail("transB: 0 expected for weights of several matrices");
    made = call.add("MatMul", {x.name, call.weight(1)});
  } else {
    std::string other = call.activation(1).name;
    const size_t rank = call.shape(call.activation(1)).size();
    if (transposed && rank < 2) call.node.fail("transB: a matrix expected");
    if (transposed) {
      std::vector<int64_t> axes;
      for (size_t axis = 0; axis <= rank; ++axis) axes.push_back(static_cast<int64_t>(axis));
      std::swap(axes[rank - 1], axes[rank]);
      other = call.add("Transpose", {other}, {{"perm", axes}});
    }
    made = call.add("MatMul", {x.name, other});
  }
  if (const float alpha = call.node.real("alpha", 1); alpha != 1) {
    OnnxConstant factor;
    factor.shape = {1};
    factor.reals = {alpha};
    made = call.add("Mul", {made, call.weight(call.node.label() + ".alpha", factor)});
  }
  call.set_like(x, made);
}

void convert_bias_gelu(OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  call.set_like(x, call.add("Gelu", {call.add("Add", {x.name, call.weight(1)})}));
}

void convert_fast_gelu(OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  const std::string sum = call.has(1) ? call.add("Add", {x.name, call.weight(1)}) : x.name;
  call.set_like(x, call.add("Gelu", {sum}, {{"approximate", std::string("tanh")}}));
}

// x sigmoid(alpha x)
void convert_quick_gelu(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const double alpha = call.node.real("alpha", 1.702F);
  call.set_like(x, call.add("Swish", {x.name}, {{"alpha", alpha}}));
}

}  // namespace mnist
