#include "formats/graph_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"
#include "ops/op_list.h"

namespace mnist {
namespace {

constexpr size_t kMostNodes = 10'000;  // what check_model takes

std::string lower_case(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

}  // namespace

GraphBuilder::GraphBuilder(std::string who, std::string input, Shape input_shape)
    : who_(std::move(who)) {
  model_.input = std::move(input);
  model_.input_shape = std::move(input_shape);
  shapes_[model_.input] = model_.input_shape;
}

std::string GraphBuilder::unused_name(const std::string& wanted) const {
  std::string name = wanted;
  for (size_t number = 2; shapes_.contains(name); ++number) {
    name = fmt::format("{}_{}", wanted, number);
  }
  return name;
}

std::string GraphBuilder::add_weight(const std::string& name, Tensor tensor) {
  std::string unused = unused_name(name.empty() ? "weight" : name);
  shapes_[unused] = tensor.shape;
  model_.weights[unused] = std::move(tensor);
  return unused;
}

std::string GraphBuilder::add_shared_weight(const std::string& name, Tensor tensor) {
  if (model_.is_weight(name)) {
    const Tensor& known = model_.weight(name);
    if (known.shape == tensor.shape && known.values == tensor.values) return name;
  }
  return add_weight(name, std::move(tensor));
}

std::string GraphBuilder::add_node(const std::string& type, const std::string& name,
                                   std::vector<std::string> inputs,
                                   std::map<std::string, Attribute> attributes) {
  if (model_.nodes.size() >= kMostNodes) {
    throw Error(fmt::format("{}: a graph of over {} nodes", who_, kMostNodes));
  }
  std::string unused = unused_name(name.empty() ? lower_case(type) : name);
  Node node{type, unused, std::move(inputs), {unused}, std::move(attributes)};
  for (const std::string& value : node.inputs) {
    if (!value.empty()) shape(value);  // throws where it was never made
  }
  const OpSpec spec = op_spec(model_, node, shapes_);
  try {
    shapes_[unused] = make_op(spec)->output_shape();
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", who_, error.what()));
  }
  model_.nodes.push_back(std::move(node));
  return unused;
}

const Shape& GraphBuilder::shape(const std::string& value) const {
  const auto found = shapes_.find(value);
  if (found == shapes_.end()) {
    throw Error(fmt::format("{}: value '{}' is used but never made", who_, value));
  }
  return found->second;
}

Model GraphBuilder::finish(const std::string& output) && {
  shape(output);  // throws if it was never made
  std::set<std::string> needed = {output};
  std::vector<Node> nodes;
  for (auto node = model_.nodes.rbegin(); node != model_.nodes.rend(); ++node) {
    if (!needed.contains(node->outputs[0])) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    nodes.push_back(std::move(*node));
  }
  std::reverse(nodes.begin(), nodes.end());
  model_.nodes = std::move(nodes);
  std::erase_if(model_.weights, [&](const auto& weight) { return !needed.contains(weight.first); });
  model_.output = output;
  return std::move(model_);
}

}  // namespace mnist
