#include "formats/fuse_bias.h"

#include <algorithm>

namespace mnist {
namespace {

// The weight of `add` that is a bias for a node with `outputs` outputs; empty if there is none.
std::string bias_of(const Model& model, const Node& add, bool is_map, int64_t outputs) {
  const Shape as_map = {outputs, 1, 1};
  for (const std::string& input : add.inputs) {
    if (!model.is_weight(input)) continue;
    const Shape& shape = model.weight(input).shape;
    if (is_map ? shape == as_map : shape == Shape{outputs}) return input;
  }
  return "";
}

bool is_plain(const Node& node) {
  return node.inputs.size() == 2 &&
         (node.type == "Conv" ||
          (node.type == "Gemm" && node.real("alpha", 1.0) == 1.0 && node.real("beta", 1.0) == 1.0));
}

int64_t outputs_of(const Model& model, const Node& node) {
  const Shape& shape = model.weight(node.inputs[1]).shape;
  const bool is_transposed = node.type == "Conv" || node.integer("transB", 0) != 0;
  return shape[is_transposed ? 0 : 1];
}

}  // namespace

Model fuse_bias(Model model) {
  std::map<std::string, size_t> readers;
  std::map<std::string, size_t> makers;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    for (const std::string& input : model.nodes[i].inputs) ++readers[input];
    makers[model.nodes[i].outputs[0]] = i;
  }
  ++readers[model.output];
  std::vector<bool> is_fused(model.nodes.size(), false);
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    Node& add = model.nodes[i];
    if (add.type != "Add") continue;
    const auto value = std::find_if(add.inputs.begin(), add.inputs.end(),
                                    [&](const auto& input) { return makers.contains(input); });
    if (value == add.inputs.end() || readers[*value] != 1) continue;
    const size_t maker = makers[*value];
    const Node& node = model.nodes[maker];
    if (!is_plain(node)) continue;
    const std::string bias = bias_of(model, add, node.type == "Conv", outputs_of(model, node));
    if (bias.empty()) continue;
    if (readers[bias] == 1) model.weights[bias].shape = {outputs_of(model, node)};
    if (model.weight(bias).shape.size() != 1) continue;
    Node fused{node.type, add.name, node.inputs, add.outputs, node.attributes};
    fused.inputs.push_back(bias);
    add = std::move(fused);
    is_fused[maker] = true;
  }
  std::vector<Node> nodes;
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    if (!is_fused[i]) nodes.push_back(std::move(model.nodes[i]));
  }
  model.nodes = std::move(nodes);
  return model;
}

}  // namespace mnist
