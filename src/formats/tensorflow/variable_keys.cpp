#include "formats/tensorflow/variable_keys.h"

namespace mnist {
namespace {

const TfNode* find_node(const TfNodes& nodes, const std::string& reference) {
  const auto found = nodes.find(parse_reference(reference).node);
  return found == nodes.end() ? nullptr : &found->second;
}

// The name whose value `reference` is, through Identity nodes; empty if it is something else.
std::string restored_name(const TfNodes& nodes, std::string reference) {
  constexpr int kMostSteps = 8;
  for (int step = 0; step < kMostSteps; ++step) {
    const TfNode* node = find_node(nodes, reference);
    if (node == nullptr || node->inputs.empty()) return "";
    if (node->op == "Identity") {
      reference = node->inputs[0];
      continue;
    }
    if (node->op != "RestoreV2" || node->inputs.size() < 2) return "";
    const TfNode* names = find_node(nodes, node->inputs[1]);
    const TfAttribute* list = names == nullptr ? nullptr : names->find("value");
    const size_t number = parse_reference(reference).number;
    if (list == nullptr || list->constant == nullptr) return "";
    return number < list->constant->texts.size() ? list->constant->texts[number] : "";
  }
  return "";
}

// What is assigned within `nodes`: variable (a node or a function's argument) to name.
std::map<std::string, std::string> assigned(const TfNodes& nodes) {
  std::map<std::string, std::string> result;
  for (const auto& [name, node] : nodes) {
    if ((node.op != "AssignVariableOp" && node.op != "Assign") || node.inputs.size() < 2) continue;
    const std::string key = restored_name(nodes, node.inputs[1]);
    if (!key.empty()) result[parse_reference(node.inputs[0]).node] = key;
  }
  return result;
}

// The variable whose value `reference` is; empty if it is something else.
std::string read_variable(const TfNodes& nodes, const std::string& reference) {
  const TfNode* node = find_node(nodes, reference);
  const bool reads = node != nullptr && node->op == "ReadVariableOp" && !node->inputs.empty();
  return reads ? parse_reference(node->inputs[0]).node : "";
}

// Keras 3 restores copies: `Variable = kernel` in the graph, and values for Variable alone.
void add_copied(const TfNodes& nodes, std::map<std::string, std::string>& keys) {
  for (const auto& [name, node] : nodes) {
    if (node.op != "AssignVariableOp" || node.inputs.size() < 2) continue;
    const auto copy = keys.find(parse_reference(node.inputs[0]).node);
    const std::string original = read_variable(nodes, node.inputs[1]);
    if (copy != keys.end() && !original.empty()) keys.try_emplace(original, copy->second);
  }
}

}  // namespace

std::map<std::string, std::string> variable_keys(const TfGraph& graph) {
  std::map<std::string, std::string> keys = assigned(graph.nodes);
  std::map<std::string, std::map<std::string, std::string>> restoring;  // functions
  for (const auto& [name, function] : graph.functions) {
    std::map<std::string, std::string> found = assigned(function.nodes);
    if (!found.empty()) restoring[name] = std::move(found);
  }
  for (const auto& [name, node] : graph.nodes) {
    const auto restore = restoring.find(node.text("f", ""));
    if (restore == restoring.end()) continue;
    const std::vector<std::string>& arguments = graph.functions.at(restore->first).arguments;
    for (size_t i = 0; i < std::min(arguments.size(), node.inputs.size()); ++i) {
      const auto key = restore->second.find(arguments[i]);
      if (key != restore->second.end()) keys[parse_reference(node.inputs[i]).node] = key->second;
    }
  }
  add_copied(graph.nodes, keys);
  return keys;
}

}  // namespace mnist
