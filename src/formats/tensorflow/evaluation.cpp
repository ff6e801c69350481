#include "formats/tensorflow/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "formats/class_output.h"
#include "formats/fuse_bias.h"
#include "formats/pixel_graph.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kDeepestCall = 32;
// Networks of this field read far less; what a size may cost before weights refuse it is bounded.
constexpr uint64_t kLargestInput = uint64_t{1} << 22;

// What is fed: with its channels last, unless it looks like an image with its channels first.
ChannelLastValue input_value(const TfGraph& graph, const std::string& who) {
  const Shape& shape = graph.input_shape;
  if (shape.size() < 2 || shape.size() > 4) {
    throw Error(fmt::format("{}: an input of 1 to 3 extents and the batch expected, got {}", who,
                            to_string(shape)));
  }
  ChannelLastValue value{.name = parse_reference(graph.input).node, .shape = {}};
  value.shape.assign(shape.begin() + 1, shape.end());
  if (std::any_of(value.shape.begin(), value.shape.end(), [](int64_t e) { return e < 1; })) {
    throw Error(
        fmt::format("{}: an input of a fixed size expected, got {}", who, to_string(shape)));
  }
  uint64_t elements = 1;
  for (int64_t extent : value.shape) {
    elements *= std::min<uint64_t>(static_cast<uint64_t>(extent), kLargestInput + 1);
    if (elements > kLargestInput) {
      throw Error(fmt::format("{}: an input of at most {} elements expected, got {}", who,
                              kLargestInput, to_string(shape)));
    }
  }
  if (value.shape.size() == 3) {
    const auto is_depth = [](int64_t extent) { return extent == 1 || extent == 3; };
    value.is_planes = is_depth(value.shape[2]) || !is_depth(value.shape[0]);
  }
  return value;
}

Shape document_shape(const ChannelLastValue& value) {
  const Shape& shape = value.shape;
  return value.is_planes ? Shape{shape[2], shape[0], shape[1]} : shape;
}

// Of the operators that work within a dilation, or on positions that are in the batch.
bool is_elementwise(const std::string& op) {
  constexpr std::string_view kOps[] = {"BiasAdd",   "Relu",          "Relu6",
                                       "Tanh",      "Sigmoid",       "Elu",
                                       "LeakyRelu", "tfl.quantized", "tfl.relu_n1_to_1"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

// The zeros that surround a map are zeros behind it, too.
bool keeps_zeros(const std::string& op) {
  return is_elementwise(op) && op != "BiasAdd" && op != "Sigmoid";
}

bool is_call(const TfNode& node) {
  return node.op == "PartitionedCall" || node.op == "StatefulPartitionedCall";
}

}  // namespace

TfEvaluation::TfEvaluation(const TfGraph& graph, const std::string& who, TfLimits limits,
                           std::function<TfConstant(const std::string&)> read_variable)
    : graph_(graph),
      who_(who),
      limits_(limits),
      read_variable_(std::move(read_variable)),
      builder_(who, "input", {1}),
      order_(builder_, ""),
      input_(input_value(graph, who)) {
  builder_ = GraphBuilder(who, input_.name, document_shape(input_));
}

Model TfEvaluation::run() && {
  Frame frame{.nodes = &graph_.nodes, .prefix = ""};
  const std::vector<TfValue> results = evaluate(frame, {graph_.output});
  const auto* result = std::get_if<ChannelLastValue>(&results[0]);
  if (result == nullptr || result->name == input_.name) {
    throw Error(fmt::format("{}: its output does not depend on its input", who_));
  }
  order_.call_nodes("output");
  const std::string output =
      result->flattened.empty() ? result->name : order_.in_order(*result).name;
  Model model = ending_in_scores(fuse_bias(std::move(builder_).finish(output)));
  // Pixels as they are, where the network reads integers or scales them.
  const bool reads_numbers = graph_.input_type == kTfFloat || graph_.input_type == kTfDouble;
  if (!reads_numbers || scales_pixels(model)) model.pixels = {1.0, 0.0};
  return model;
}

void TfEvaluation::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: node '{}' ({}): {}", who_, printable(node_->name, 100),
                          printable(node_->op, 60), reason));
}

void TfEvaluation::spend(size_t elements) {
  if (elements > limits_.elements) {
    throw Error(
        fmt::format("{}: its constants and weights, computed, are far larger than the file", who_));
  }
  limits_.elements -= elements;
}

TfConstantRef TfEvaluation::keep(TfConstant constant) {
  spend(element_count(constant.shape));
  return std::make_shared<const TfConstant>(std::move(constant));
}

TfConstantRef TfEvaluation::variable(const std::string& node) {
  TfConstantRef& found = variables_[node];
  if (found == nullptr) {
    found = std::make_shared<const TfConstant>(read_variable_(node));
    limits_.elements += 2 * element_count(found->shape);  // what may be made of it
    names_[found.get()] = node;
  }
  return found;
}

std::string TfEvaluation::add_weight(const std::string& name, Tensor tensor) {
  spend(tensor.values.size());
  return builder_.add_weight(name, std::move(tensor));
}

std::string TfEvaluation::weight_name(size_t input) const {
  const auto* constant = std::get_if<TfConstantRef>(&inputs().at(input));
  const auto found = constant == nullptr ? names_.end() : names_.find(constant->get());
  if (found != names_.end()) return found->second;
  return fmt::format("{}/input_{}", node_->name, input);
}

bool TfEvaluation::is_constant(size_t input) const {
  return input < inputs().size() && std::holds_alternative<TfConstantRef>(inputs()[input]);
}

TfConstantRef TfEvaluation::constant_ref(size_t input) const {
  if (!is_constant(input)) fail(fmt::format("input {} should be a constant", input));
  return std::get<TfConstantRef>(inputs()[input]);
}

const TfConstant& TfEvaluation::constant(size_t input) const {
  return *constant_ref(input);  // which the inputs hold
}

std::vector<int64_t> TfEvaluation::integers(size_t input) const {
  const TfConstant& found = constant(input);
  if (found.kind != TfConstant::Kind::kInteger)
    fail(fmt::format("input {}: integers expected", input));
  return found.integers;
}

const ChannelLastValue& TfEvaluation::value(size_t input) const {
  if (input >= inputs().size() || !std::holds_alternative<ChannelLastValue>(inputs()[input])) {
    fail(fmt::format("input {} should depend on the network's input", input));
  }
  return std::get<ChannelLastValue>(inputs()[input]);
}

const TfDilated* TfEvaluation::dilated(size_t input) const {
  return input < inputs().size() ? std::get_if<TfDilated>(&inputs()[input]) : nullptr;
}

const TfPositions* TfEvaluation::positions(size_t input) const {
  return input < inputs().size() ? std::get_if<TfPositions>(&inputs()[input]) : nullptr;
}

TfValue TfEvaluation::find(const Frame& frame, const std::string& text) const {
  const TfReference reference = parse_reference(text);
  const auto argument = frame.arguments.find(reference.node);
  if (argument != frame.arguments.end()) return argument->second;
  const auto made = frame.made.find(reference.node);
  // The only first output that others may be taken for: statistics beside what is normalised.
  const bool is_statistic = reference.result.find("batch_") != std::string::npos ||
                            reference.result.find("reserve_") != std::string::npos;
  if (made == frame.made.end() || reference.number >= made->second.size() || is_statistic) {
    throw Error(fmt::format("{}: '{}' is not made", who_, printable(text, 100)));
  }
  return made->second[reference.number];
}

std::vector<TfValue> TfEvaluation::evaluate(Frame& frame,
                                            const std::vector<std::string>& references) {
  std::vector<TfValue> results;
  for (const std::string& reference : references) {
    evaluate_in_order(frame, parse_reference(reference).node);
    results.push_back(find(frame, reference));
  }
  return results;
}

// Runs what `last` needs, then it: by a stack of our own, since a file decides how long a chain is.
void TfEvaluation::evaluate_in_order(Frame& frame, const std::string& last) {
  std::vector<std::string> stack = {last};
  std::set<std::string> waiting;
  while (!stack.empty()) {
    const std::string name = stack.back();
    if (frame.arguments.contains(name) || frame.made.contains(name)) {
      stack.pop_back();
      continue;
    }
    const auto found = frame.nodes->find(name);
    if (found == frame.nodes->end()) {
      throw Error(fmt::format("{}: node '{}' is missing", who_, printable(name, 100)));
    }
    const TfNode& node = found->second;
    const size_t before = stack.size();
    if (waiting.insert(name).second) {
      const bool is_input = frame.depth == 0 && name == input_.name;
      for (const std::string& input : node.inputs) {
        const std::string needed = parse_reference(input).node;
        if (!is_input && !frame.made.contains(needed) && !frame.arguments.contains(needed)) {
          if (waiting.contains(needed)) {
            throw Error(fmt::format("{}: node '{}' depends on itself", who_, printable(name, 100)));
          }
          stack.push_back(needed);
        }
      }
    }
    if (stack.size() != before) continue;
    if (limits_.nodes-- == 0)
      throw Error(fmt::format("{}: more than {} nodes to run", who_, kMostTfNodes));
    frame.made[name] = run_node(frame, node);
    stack.pop_back();
  }
}

std::vector<TfValue> TfEvaluation::run_node(Frame& frame, const TfNode& node) {
  std::vector<TfValue> inputs;
  const bool is_input = frame.depth == 0 && node.name == input_.name;
  for (const std::string& input : node.inputs) {
    if (!is_input) inputs.push_back(find(frame, input));
  }
  node_ = &node;
  inputs_ = &inputs;
  if (is_input) return {input_};
  if (node.op == "IdentityN") return inputs;
  if (is_call(node)) return call(frame, node, inputs);
  order_.call_nodes(frame.prefix + node.name);
  std::vector<TfValue> result = {run_op(node)};
  if (const auto* constant = std::get_if<TfConstantRef>(&result[0]); constant != nullptr) {
    if (node.op == "Const") names_[constant->get()] = frame.prefix + node.name;
    kept_.push_back(*constant);
  }
  return result;
}

// Runs with a first input that is a value of its own, where the node's is within something.
ChannelLastValue TfEvaluation::run_with(RunTfNode function, const ChannelLastValue& first) {
  const std::vector<TfValue>* given = inputs_;
  std::vector<TfValue> plain = *given;
  plain[0] = first;
  inputs_ = &plain;
  auto result = std::get<ChannelLastValue>(function(*this));
  inputs_ = given;
  return result;
}

TfValue TfEvaluation::run_op(const TfNode& node) {
  const RunTfNode function = find_tf_op(node.op);
  if (function == nullptr) fail("this operator is not known");
  const TfDilated* within = dilated(0);
  if (within != nullptr && (within->is_convolved ? is_elementwise : keeps_zeros)(node.op)) {
    TfDilated result = *within;
    result.value = run_with(function, within->value);
    return result;
  }
  if (const TfPositions* each = positions(0)) {
    const bool is_product = node.op == "MatMul" || node.op == "_FusedMatMul";
    if (is_product) return TfPositions{run_with(find_tf_op("tfl.dense"), each->value)};
    if (is_elementwise(node.op)) return TfPositions{run_with(function, each->value)};
  }
  return function(*this);
}

std::vector<TfValue> TfEvaluation::call(Frame& frame, const TfNode& node,
                                        const std::vector<TfValue>& inputs) {
  const auto found = graph_.functions.find(node.text("f", ""));
  if (found == graph_.functions.end()) fail("the function that it calls is missing");
  const TfFunction& function = found->second;
  if (function.arguments.size() != inputs.size()) fail("a call with too few or too many inputs");
  if (frame.depth + 1 >= kDeepestCall) fail("functions that call one another too deep");
  // Calls around a whole network have names that say nothing.
  const bool says_nothing = node.name.find("PartitionedCall") != std::string::npos;
  Frame inner{.nodes = &function.nodes,
              .prefix = says_nothing ? frame.prefix : fmt::format("{}{}/", frame.prefix, node.name),
              .depth = frame.depth + 1};
  for (size_t i = 0; i < inputs.size(); ++i) inner.arguments[function.arguments[i]] = inputs[i];
  return evaluate(inner, function.results);
}

}  // namespace mnist
