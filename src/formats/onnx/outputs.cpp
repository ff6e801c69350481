// Which of a graph's values are the classes' scores.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/onnx/import.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kUsualClasses = 10;

const OnnxNode* maker_of(const OnnxModel& file, const std::string& value) {
  for (const OnnxNode& node : file.graph.nodes) {
    if (std::find(node.outputs.begin(), node.outputs.end(), value) != node.outputs.end()) {
      return &node;
    }
  }
  return nullptr;
}

// Nodes that only change how a class is written down.
bool only_rewrites(const OnnxNode& node) {
  constexpr const char* kTypes[] = {"Cast",    "Squeeze", "Unsqueeze",
                                    "Reshape", "Flatten", "Identity"};
  return std::any_of(std::begin(kTypes), std::end(kTypes),
                     [&](const char* type) { return node.type == type; });
}

// Where `value` is a class, or a table of classes with their scores, the value of the scores; else
// `value`.
std::string without_class(const OnnxModel& file, const std::string& value, std::string& note) {
  std::string at = value;
  // At most as many steps as there are nodes: a circle is for the importer to find.
  for (size_t step = 0; step < file.graph.nodes.size(); ++step) {
    const OnnxNode* node = maker_of(file, at);
    if (node == nullptr || node->inputs.empty()) return value;
    const std::string& type = node->type;
    if (type == "ArgMax" || type == "TopK" || type == "ZipMap") {
      note = fmt::format("the scores before {}, which is left out", type);
      return node->inputs[0];
    }
    if (type == "LinearClassifier" && node->outputs[0] == at) {
      note = "the scores, not the class";
      return at;
    }
    // Labels picked from a list by the class's number.
    const bool picks = (type == "ArrayFeatureExtractor" || type == "Gather") &&
                       node->inputs.size() == 2 && maker_of(file, node->inputs[1]) != nullptr;
    if (!picks && !only_rewrites(*node)) return value;
    at = node->inputs[picks ? 1 : 0];
  }
  return value;
}

// The larger, the more an output looks like scores of classes.
int likeness(const OnnxValueInfo& output) {
  if (!output.is_tensor) return 1;  // a ZipMap's list
  if (!is_real(output.type)) return 0;
  const bool is_list = output.has_shape && !output.shape.empty();
  const int64_t classes = is_list ? output.shape.back().value : -1;
  return classes == static_cast<int64_t>(kUsualClasses) ? 3 : 2;
}

}  // namespace

std::string onnx_scores(const OnnxModel& file, const std::string& who, std::string& note) {
  const std::vector<OnnxValueInfo>& outputs = file.graph.outputs;
  if (outputs.empty()) throw Error(fmt::format("{}: the graph has no output", who));
  const auto best =
      std::max_element(outputs.begin(), outputs.end(),
                       [](const auto& a, const auto& b) { return likeness(a) < likeness(b); });
  std::string scores = without_class(file, best->name, note);
  if (note.empty() && outputs.size() > 1) {
    note = fmt::format("'{}', of {} outputs", printable(best->name, 80), outputs.size());
  }
  return scores;
}

}  // namespace mnist
