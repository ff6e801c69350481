#include "formats/torch_names.h"

#include <map>
#include <set>

namespace mnist {
namespace {

constexpr const char* kNormNames[] = {"weight", "bias", "running_mean", "running_var"};

// What a node's weights are to be called, by their own names.
std::map<std::string, std::string> wanted_names(const Node& node, const Model& model) {
  std::map<std::string, std::string> wanted;
  if (node.type != "BatchNormalization" || node.inputs.size() != 5) return wanted;
  const std::string& first = node.inputs[1];
  const size_t dot = first.rfind('.');
  if (dot == std::string::npos) return wanted;
  for (size_t i = 0; i < 4; ++i) {
    const std::string& name = node.inputs[i + 1];
    const std::string stored = first.substr(0, dot + 1) + kNormNames[i];
    const bool is_free = model.is_weight(name) && (stored == name || !model.is_weight(stored));
    if (!is_free || !wanted.emplace(name, stored).second) return {};
  }
  return wanted;
}

}  // namespace

std::vector<NamedWeight> torch_names(const Model& model) {
  std::vector<NamedWeight> result;
  std::set<std::string> seen;
  std::set<std::string> taken;
  for (const Node& node : model.nodes) {
    std::map<std::string, std::string> wanted = wanted_names(node, model);
    for (const std::string& input : node.inputs) {
      if (!model.is_weight(input) || !seen.insert(input).second) continue;
      const auto found = wanted.find(input);
      std::string stored = found == wanted.end() ? input : found->second;
      if (!taken.insert(stored).second) stored = input;  // two nodes share statistics
      result.push_back({stored, input});
    }
  }
  return result;
}

}  // namespace mnist
