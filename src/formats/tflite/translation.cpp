#include "formats/tflite/translation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr int32_t kDequantize = 6;
constexpr int32_t kCustom = 32;
constexpr size_t kLongestName = 100;

TfAttribute real(double value) {
  TfAttribute attribute;
  attribute.real = value;
  return attribute;
}

TfAttribute text(std::string value) {
  TfAttribute attribute;
  attribute.text = std::move(value);
  return attribute;
}

// The type's name in ONNX's words, null where no activations are quantised to it.
const char* quantized_type(TfliteType type) {
  if (type == TfliteType::kInt8) return "int8";
  if (type == TfliteType::kUint8) return "uint8";
  if (type == TfliteType::kInt16) return "int16";
  return nullptr;
}

bool says_nothing(const std::string& name) {
  return name.empty() || name.starts_with("tfl.") || name.starts_with("arith.") ||
         name.starts_with("std.") || name.starts_with("constant");
}

// "dense/Relu", "dense/quantized"
std::string with_suffix(const std::string& base, std::string_view op) {
  return fmt::format("{}/{}", base, op.substr(op.find('.') + 1));
}

}  // namespace

std::string tflite_name(std::string_view name) {
  // "net/dense/MatMul;net/dense/Relu": what was fused. "input:0": which of a node's outputs.
  name = name.substr(0, name.find_first_of(";:"));
  return printable(name, kLongestName);
}

void TfliteTranslation::fail(const std::string& reason) const {
  const TfliteOperatorEntry* entry = find_tflite_operator(op_->code);
  const std::string name =
      op_->code == kCustom ? fmt::format("custom operator '{}'", printable(op_->custom_code, 60))
      : entry == nullptr   ? fmt::format("operator {}", op_->code)
                           : entry->name;
  throw Error(fmt::format("{}: '{}' ({}): {}", model_.who, printable(base_, 80), name, reason));
}

const TfliteTensor& TfliteTranslation::input_tensor(size_t input) const {
  if (!has_input(input)) fail(fmt::format("input {} is missing", input));
  return model_.tensors[static_cast<size_t>(op_->inputs[input])];
}

const TfliteTensor& TfliteTranslation::output_tensor(size_t output) const {
  if (output >= op_->outputs.size()) fail(fmt::format("output {} is missing", output));
  return model_.tensors[static_cast<size_t>(op_->outputs[output])];
}

std::string TfliteTranslation::unused_name(const std::string& wanted) const {
  std::string name = wanted.empty() ? "node" : wanted;
  if (!graph_.nodes.contains(name)) return name;
  // As many as there are nodes cannot all be taken; where this begins, few are.
  for (size_t number = graph_.nodes.size();; ++number) {
    std::string numbered = fmt::format("{}_{}", name, number);
    if (!graph_.nodes.contains(numbered)) return numbered;
  }
}

std::string TfliteTranslation::constant_name(size_t input, const char* role) const {
  const std::string name = tflite_name(input_tensor(input).name);
  return says_nothing(name) ? fmt::format("{}/{}", base_, role) : name;
}

TfConstant TfliteTranslation::constant(size_t input) const {
  const TfliteTensor* tensor = &input_tensor(input);
  const auto source = dequantized_.find(op_->inputs[input]);
  if (source != dequantized_.end()) tensor = &model_.tensors[static_cast<size_t>(source->second)];
  if (!tensor->is_constant()) fail(fmt::format("input {} should be a constant", input));
  return tflite_constant(*tensor, model_.who);
}

std::string TfliteTranslation::add_constant(const std::string& wanted_name, TfConstant constant) {
  const size_t elements = element_count(constant.shape);
  if (elements > elements_left_) {
    throw Error(
        fmt::format("{}: its constants, computed, are far larger than the file", model_.who));
  }
  elements_left_ -= elements;
  TfNode node{.name = unused_name(wanted_name), .op = "Const"};
  node.attributes["value"].constant = std::make_shared<const TfConstant>(std::move(constant));
  std::string name = node.name;
  graph_.nodes[name] = std::move(node);
  return name;
}

std::string TfliteTranslation::add_integers(std::vector<int64_t> values) {
  TfConstant constant{.kind = TfConstant::Kind::kInteger,
                      .shape = {static_cast<int64_t>(values.size())}};
  constant.integers = std::move(values);
  return add_constant(base_ + "/integers", std::move(constant));
}

std::string TfliteTranslation::input(size_t input, const char* role) {
  const TfliteTensor& tensor = input_tensor(input);
  const int32_t number = op_->inputs[input];
  const auto made = made_.find(number);
  if (made != made_.end()) return made->second;
  if (!tensor.is_constant() && !dequantized_.contains(number)) {
    fail(fmt::format("input {}, '{}', is used but never made", input, printable(tensor.name, 80)));
  }
  std::string node = add_constant(constant_name(input, role), constant(input));
  made_[number] = node;
  return node;
}

TfNode& TfliteTranslation::add_node(const std::string& tensorflow_op,
                                    std::vector<std::string> inputs) {
  last_ = unused_name(last_.empty() ? base_ : with_suffix(base_, tensorflow_op));
  TfNode& node = graph_.nodes[last_];
  node = {.name = last_, .op = tensorflow_op, .inputs = std::move(inputs)};
  return node;
}

std::string TfliteTranslation::add_inner_node(const std::string& tensorflow_op,
                                              std::vector<std::string> inputs) {
  std::string name = unused_name(with_suffix(base_, tensorflow_op));
  graph_.nodes[name] = {.name = name, .op = tensorflow_op, .inputs = std::move(inputs)};
  return name;
}

TfNode& TfliteTranslation::add_node_of_inputs(const std::string& tensorflow_op) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < op_->inputs.size(); ++i) inputs.push_back(input(i));
  return add_node(tensorflow_op, std::move(inputs));
}

void TfliteTranslation::activate(int8_t function) {
  const char* const names[] = {nullptr, "Relu", "tfl.relu_n1_to_1", "Relu6", "Tanh"};
  if (function == 0) return;
  if (function < 0 || static_cast<size_t>(function) >= std::size(names)) {
    fail(fmt::format("fused activation {} is not known", function));
  }
  add_node(names[function], {last_});
}

void TfliteTranslation::set_output(size_t output, const std::string& node) {
  const TfliteTensor& tensor = output_tensor(output);
  made_[op_->outputs[output]] = keeps_quantization() ? node : quantized(node, tensor);
}

void TfliteTranslation::call_output(size_t output) {
  base_ = tflite_name(output_tensor(output).name);
  last_.clear();
}

std::string TfliteTranslation::quantized(const std::string& node, const TfliteTensor& tensor) {
  const char* type = quantized_type(tensor.type);
  if (type == nullptr) return node;
  const TfliteQuantization quantization = tensor.quantization();
  if (quantization.scales.empty()) return node;
  const float scale = quantization.scales[0];
  if (quantization.scales.size() != 1 || !(scale > 0.0F) || !std::isfinite(scale) ||
      quantization.zero_points.size() > 1) {
    throw Error(fmt::format("{}: tensor '{}': one scale above 0 expected", model_.who,
                            printable(tensor.name, 80)));
  }
  const int64_t zero_point = quantization.zero_points.empty() ? 0 : quantization.zero_points[0];
  TfNode& rounded = add_node("tfl.quantized", {node});
  rounded.attributes["scale"] = real(static_cast<double>(scale));
  rounded.attributes["zero_point"] = real(static_cast<double>(zero_point));
  rounded.attributes["type"] = text(type);
  return rounded.name;
}

// What only moves elements leaves them rounded as they are.
bool TfliteTranslation::keeps_quantization() const {
  constexpr int32_t kMoving[] = {17 /* MAX_POOL_2D */,
                                 22 /* RESHAPE */,
                                 39 /* TRANSPOSE */,
                                 43 /* SQUEEZE */,
                                 45 /* STRIDED_SLICE */,
                                 65 /* SLICE */,
                                 70 /* EXPAND_DIMS */};
  if (std::find(std::begin(kMoving), std::end(kMoving), op_->code) == std::end(kMoving))
    return false;
  const TfliteQuantization before = input_tensor(0).quantization();
  const TfliteQuantization after = output_tensor().quantization();
  return before.scales == after.scales && before.zero_points == after.zero_points;
}

std::string TfliteTranslation::add_input() {
  const TfliteTensor& tensor = model_.tensors[static_cast<size_t>(model_.inputs[0])];
  const int64_t batch =
      tensor.signature.empty() ? (tensor.shape.empty() ? 0 : tensor.shape[0]) : tensor.signature[0];
  if (batch != -1 && batch != 1) {
    throw Error(fmt::format("{}: an input of one image expected, got {}", model_.who,
                            to_string(tensor.shape)));
  }
  graph_.input_shape = tensor.shape;
  const bool is_quantized = !tensor.quantization().scales.empty();
  const bool is_float = tensor.type == TfliteType::kFloat32 || is_quantized;
  graph_.input_type = is_float ? kTfFloat : kTfUint8;
  base_ = "input";
  TfNode& node = add_node("Placeholder", {});
  graph_.input = node.name;
  return quantized(node.name, tensor);
}

void TfliteTranslation::run_operator(const TfliteOperator& op) {
  op_ = &op;
  if (op.outputs.empty()) fail("it has no output");
  call_output(0);
  const TfliteOperatorEntry* entry = find_tflite_operator(op.code);
  if (entry == nullptr || entry->translate == nullptr) fail("this operator is not known");
  for (int32_t output : op.outputs) {
    if (made_.contains(output) || dequantized_.contains(output))
      fail("what it makes is made already");
  }
  if (op.code == kDequantize && has_input(0) && !made_.contains(op.inputs[0]) &&
      input_tensor(0).is_constant()) {
    dequantized_[op.outputs[0]] = op.inputs[0];
    return;
  }
  entry->translate(*this);
  if (!made_.contains(op.outputs[0])) set_output(0, last_);
}

// Probabilities that are rounded last of all: the document ends in a softmax, so that logits and
// losses can be had.
std::string TfliteTranslation::without_rounding(const std::string& node) const {
  const TfNode* last = &graph_.nodes.at(node);
  while (last->op == "tfl.quantized") last = &graph_.nodes.at(last->inputs[0]);
  return last->op == "Softmax" || last->op == "LogSoftmax" ? last->name : node;
}

TfGraph TfliteTranslation::run() && {
  if (model_.inputs.size() != 1 || model_.outputs.size() != 1) {
    throw Error(fmt::format("{}: one input and one output expected, got {} and {}", model_.who,
                            model_.inputs.size(), model_.outputs.size()));
  }
  made_[model_.inputs[0]] = add_input();
  for (const TfliteOperator& op : model_.operators) run_operator(op);
  const auto output = made_.find(model_.outputs[0]);
  if (output == made_.end()) throw Error(model_.who + ": its output is never made");
  graph_.output = without_rounding(output->second);
  return std::move(graph_);
}

}  // namespace mnist
