// What a file calls its classes: exporters and training programs have several habits.
#include <algorithm>

#include "base/json.h"
#include "formats/onnx/export.h"
#include "formats/onnx/import.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr const char* kKeys[] = {kOnnxClassNamesKey, "class_names",  "classes",    "names",
                                 "labels",           "class_labels", "label_names"};

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

// The texts within quotes of either kind, as Python prints lists and dictionaries.
std::vector<std::string> quoted_texts(std::string_view text) {
  std::vector<std::string> result;
  for (size_t at = text.find_first_of("'\""); at != std::string_view::npos;
       at = text.find_first_of("'\"", at)) {
    const size_t end = text.find(text[at], at + 1);
    if (end == std::string_view::npos) break;
    result.emplace_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return result;
}

// JSON's list of texts, or an object whose keys are the classes' numbers.
std::vector<std::string> json_texts(const std::string& text) {
  std::vector<std::string> result;
  try {
    const Json json = parse_json(text, "class names");
    for (const Json& each : json) {
      if (each.is_string()) result.push_back(each.get<std::string>());
    }
    if (!json.is_object()) return result;
    for (size_t i = 0; i < result.size(); ++i) {
      const auto found = json.find(std::to_string(i));
      if (found == json.end() || !found->is_string()) return {};
      result[i] = found->get<std::string>();
    }
  } catch (const Error&) {
    return {};
  }
  return result;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> result;
  while (true) {
    const size_t end = std::min(text.find_first_of(",\n"), text.size());
    result.push_back(trimmed(text.substr(0, end)));
    if (end == text.size()) return result;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> names_in(const std::string& text, size_t classes) {
  std::vector<std::string> names = json_texts(text);
  if (names.size() != classes) names = quoted_texts(text);
  if (names.size() != classes) names = split(text);
  const bool fits =
      names.size() == classes &&
      std::none_of(names.begin(), names.end(), [](const auto& n) { return n.empty(); });
  return fits ? names : std::vector<std::string>();
}

}  // namespace

std::vector<std::string> onnx_class_names(const OnnxModel& file, size_t classes) {
  for (const char* key : kKeys) {
    for (const auto& [name, value] : file.metadata) {
      if (name != key) continue;
      if (std::vector<std::string> names = names_in(value, classes); !names.empty()) return names;
    }
  }
  for (const OnnxNode& node : file.graph.nodes) {
    const auto labels = node.attributes.find("classlabels_strings");
    if (labels == node.attributes.end()) continue;
    const auto* texts = std::get_if<std::vector<std::string>>(&labels->second);
    if (texts != nullptr && texts->size() == classes) return *texts;
  }
  return {};
}

}  // namespace mnist
