#include "formats/class_output.h"

#include <algorithm>
#include <set>

namespace mnist {
namespace {

const Node* maker_of(const Model& model, const std::string& value) {
  const auto found = std::find_if(model.nodes.begin(), model.nodes.end(),
                                  [&](const Node& node) { return node.outputs[0] == value; });
  return found == model.nodes.end() ? nullptr : &*found;
}

// Nodes that only change how a class is written down.
bool only_rewrites(const Node& node) {
  constexpr const char* kTypes[] = {"Squeeze", "Unsqueeze", "Reshape", "Flatten", "Identity"};
  return std::any_of(std::begin(kTypes), std::end(kTypes),
                     [&](const char* type) { return node.type == type; });
}

// Leaves out what does not lead to the output.
void drop_unneeded(Model& model) {
  std::set<std::string> needed = {model.output};
  for (auto node = model.nodes.rbegin(); node != model.nodes.rend(); ++node) {
    if (needed.contains(node->outputs[0])) needed.insert(node->inputs.begin(), node->inputs.end());
  }
  std::erase_if(model.nodes, [&](const Node& node) { return !needed.contains(node.outputs[0]); });
  std::erase_if(model.weights, [&](const auto& weight) { return !needed.contains(weight.first); });
}

}  // namespace

Model ending_in_scores(Model model) {
  const Node* node = maker_of(model, model.output);
  while (node != nullptr && only_rewrites(*node)) node = maker_of(model, node->inputs[0]);
  if (node == nullptr || node->type != "ArgMax" || node->inputs[0] == model.input) return model;
  model.output = node->inputs[0];
  model.metadata[kClassOutputKey] = "the scores before ArgMax, which is left out";
  drop_unneeded(model);
  return model;
}

}  // namespace mnist
