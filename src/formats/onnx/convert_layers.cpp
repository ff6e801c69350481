#include <fmt/format.h>

#include <algorithm>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

// `constant` without the extents of 1 before its last `rank` ones.
OnnxConstant without_leading_ones(OnnxConstant constant, size_t rank) {
  while (constant.shape.size() > rank && constant.shape[0] == 1) {
    constant.shape.erase(constant.shape.begin());
  }
  return constant;
}

// The bias of `outputs` values that `constant` is when it is added to a list of them; null if it is
// something else.
std::shared_ptr<const OnnxConstant> as_bias(const OnnxValue& value, int64_t outputs) {
  if (value.constant == nullptr || !is_real(value.constant->type)) return nullptr;
  OnnxConstant bias = without_leading_ones(*value.constant, 1);
  if (bias.size() == 1 && bias.shape.size() <= 1) {
    bias.shape = {outputs};
    bias.reals.assign(static_cast<size_t>(outputs), value.constant->reals[0]);
  }
  if (bias.shape != Shape{outputs}) return nullptr;
  return std::make_shared<OnnxConstant>(std::move(bias));
}

// The weight of a bias, under the constant's own name where its shape is right already.
std::string bias_weight(const OnnxCall& call, const OnnxValue& value, int64_t outputs) {
  if (value.constant == nullptr) call.node.fail("a bias that depends on the image");
  const std::shared_ptr<const OnnxConstant> bias = as_bias(value, outputs);
  if (bias == nullptr) {
    call.node.fail(fmt::format("a bias of {} values expected, got {}", outputs,
                               to_string(value.constant->shape)));
  }
  if (bias->shape == value.constant->shape) return call.graph.weight(call.node, value);
  return call.weight(value.name, *bias);
}

// An Add of a bias that follows this node and nothing else does: it becomes part of the layer.
struct Bias {
  const OnnxNode* node = nullptr;
  const OnnxValue* value = nullptr;
};
Bias following_bias(const OnnxCall& call, int64_t outputs) {
  const std::string& made = call.node.node().outputs[0];
  const OnnxNode* next = made.empty() ? nullptr : call.graph.only_user(made);
  if (next == nullptr || next->type != "Add" || !next->domain.empty() || next->inputs.size() != 2 ||
      next->inputs[0] == next->inputs[1] || next->outputs.size() != 1 ||
      !next->attributes.empty()) {
    return {};
  }
  const std::string& other = next->inputs[next->inputs[0] == made ? 1 : 0];
  const OnnxValue* value = call.graph.known_constant(other);
  if (value == nullptr || as_bias(*value, outputs) == nullptr) return {};
  return {next, value};
}

}  // namespace

std::string add_bias(const OnnxCall& call, size_t i, int64_t outputs) {
  return bias_weight(call, call.value(i), outputs);
}

void convert_constant(OnnxCall& call) {
  const auto& attributes = call.node.node().attributes;
  if (attributes.size() != 1) call.node.fail("one attribute, the value, expected");
  const auto& [name, value] = *attributes.begin();
  OnnxConstant constant;
  if (const auto* tensor = std::get_if<OnnxTensor>(&value)) {
    constant = call.graph.tensors().read(*tensor);
  } else if (const auto* whole = std::get_if<int64_t>(&value)) {
    constant = whole_constant({}, {*whole});
  } else if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value)) {
    constant = whole_constant({static_cast<int64_t>(wholes->size())}, *wholes);
  } else if (const auto* real = std::get_if<float>(&value)) {
    constant.reals = {*real};
  } else if (const auto* reals = std::get_if<std::vector<float>>(&value)) {
    constant.shape = {static_cast<int64_t>(reals->size())};
    constant.reals = *reals;
  } else {
    call.node.fail("numbers expected");
  }
  const OnnxType type = constant.type;
  const std::string& made = call.node.node().outputs.empty() ? "" : call.node.node().outputs[0];
  call.set({std::make_shared<OnnxConstant>(std::move(constant)), made, type, false});
}

void convert_convolution(OnnxCall& call) {
  if (is_of_rows(call)) {
    convert_of_rows(call);
    return;
  }
  const OnnxValue& x = call.activation(0);
  const OnnxConstant& weights = call.constant(1);
  const int64_t outputs = weights.shape.empty() ? 0 : weights.shape[0];
  const std::string bias = call.has(2) ? bias_weight(call, call.value(2), outputs) : "";
  call.set_like(x, call.add("Conv", {x.name, call.weight(1), bias}, call.attributes()));
}

void add_dense(OnnxCall& call, const OnnxValue& x, const std::string& weights,
               const std::string& bias, Attributes attributes) {
  call.set_like(x, call.add("Gemm", {x.name, weights, bias}, std::move(attributes)));
}

void convert_gemm(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const OnnxConstant& weights = call.constant(1);
  if (call.node.integer("transA", 0) != 0) call.node.fail("transA: swaps images and features");
  if (weights.shape.size() != 2) {
    call.node.fail("weights of rank 2 expected, got " + to_string(weights.shape));
  }
  const bool transposed = call.node.integer("transB", 0) != 0;
  const int64_t outputs = weights.shape[transposed ? 0 : 1];
  Attributes attributes = call.attributes({"transA", "broadcast"});
  // What is 1 or 0 unless said otherwise need not be said.
  if (call.node.real("alpha", 1) == 1) attributes.erase("alpha");
  if (call.node.real("beta", 1) == 1) attributes.erase("beta");
  if (!transposed) attributes.erase("transB");
  if (call.has(2) && !call.is_constant(2)) {
    if (attributes.contains("beta")) call.node.fail("beta and an addend that is no constant");
    const std::string product = call.add("Gemm", {x.name, call.weight(1)}, std::move(attributes));
    call.set_like(x, call.add("Add", {product, call.value(2).name}));
    return;
  }
  const std::string bias = call.has(2) ? bias_weight(call, call.value(2), outputs) : "";
  add_dense(call, x, call.weight(1), bias, std::move(attributes));
}

void convert_matmul(OnnxCall& call) {
  if (call.is_constant(0)) {
    // A column of features for a single image: W x.
    const OnnxValue x = call.activation(1);
    const Shape full = call.full_shape(x);
    const bool is_column = !x.leads && (full.size() == 1 || (full.size() == 2 && full[1] == 1));
    if (!is_column || call.constant(0).shape.size() != 2) {
      call.node.fail("a product with the image on the right is only known for a single column");
    }
    const int64_t outputs = call.constant(0).shape[0];
    const OnnxValue row = call.reshaped(x, {1, full[0]});
    OnnxValue y = row;
    y.name = call.add("Gemm", {row.name, call.weight(0)}, {{"transB", int64_t{1}}});
    call.set(call.reshaped(y, full.size() == 1 ? Shape{outputs} : Shape{outputs, 1}));
    return;
  }
  const OnnxValue x = call.activation(0);
  if (call.has(1) && !call.is_constant(1)) {
    const OnnxValue& other = call.activation(1);
    if (other.leads != x.leads || x.batch_axis != 0 || other.batch_axis != 0)
      call.node.fail("inputs with and without a batch");
    call.set_like(x, call.add("MatMul", {x.name, other.name}));
    return;
  }
  const OnnxConstant& weights = call.constant(1);
  if (x.batch_axis != 0 && weights.shape.size() != 2) call.node.fail("one matrix expected");
  if (call.shape(x).size() != 1 || weights.shape.size() != 2) {
    const OnnxConstant matrix = without_leading_ones(weights, 2);
    const bool same_rank = call.full_shape(x).size() >= weights.shape.size();
    const std::string name = same_rank && matrix.shape != weights.shape
                                 ? call.weight(call.value(1).name, matrix)
                                 : call.weight(1);
    call.set_like(x, call.add("MatMul", {x.name, name}));
    return;
  }
  const Bias bias = following_bias(call, weights.shape[1]);
  const std::string addend =
      bias.node == nullptr ? "" : bias_weight(call, *bias.value, weights.shape[1]);
  add_dense(call, x, call.weight(1), addend, {});
  if (bias.node != nullptr) {
    call.graph.set_value(bias.node->outputs[0], call.graph.value(call.node.node().outputs[0]));
  }
}

void convert_batch_normalization(OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  std::vector<std::string> inputs = {x.name};
  for (size_t i = 1; i <= 4; ++i) {
    call.constant(i);
    inputs.push_back(call.weight(i));
  }
  // is_test and consumed_inputs are of operator sets before 7, and say nothing of inference.
  call.set_like(x, call.add("BatchNormalization", std::move(inputs),
                            call.attributes({"is_test", "consumed_inputs"})));
}

void convert_max_pool(OnnxCall& call) {
  if (is_of_rows(call)) {
    convert_of_rows(call);
    return;
  }
  const OnnxValue& x = call.activation(0);
  call.set_like(x, call.add("MaxPool", {x.name}, call.attributes({"storage_order"})));
}

}  // namespace mnist
