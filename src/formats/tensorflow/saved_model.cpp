// TensorFlow's SavedModel, a folder: saved_model.pb with the graph, variables/ with the values.
#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "formats/format_list.h"
#include "formats/tensorflow/bundle.h"
#include "formats/tensorflow/evaluation.h"
#include "formats/tensorflow/graph_proto.h"
#include "formats/tensorflow/variable_keys.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Elements that a graph may compute beyond what its bytes hold: shapes, folded statistics.
constexpr size_t kSmallConstants = size_t{1} << 20;

FileContents read(const ModelSource& source) {
  const TfGraph graph = read_saved_model(source.bytes, source.who);
  const std::map<std::string, std::string> keys = variable_keys(graph);
  std::optional<TensorBundle> bundle;  // opened for the first variable: there may be none
  const auto read_variable = [&](const std::string& node) {
    if (!bundle) bundle.emplace(source, "variables/variables");
    const auto found = keys.find(node);
    return bundle->read(found == keys.end() ? node : found->second);
  };
  Model model = TfEvaluation(graph, source.who, {.elements = source.bytes.size() + kSmallConstants},
                             read_variable)
                    .run();
  model.architecture = "SavedModel";
  return model;
}

// A message whose first fields are a version and a graph.
bool recognises(std::span<const std::byte> head) {
  return head.size() > 4 && head[0] == std::byte{0x08} && head[1] == std::byte{0x01} &&
         head[2] == std::byte{0x12};
}

}  // namespace

extern const Format kSavedModel;
const Format kSavedModel = {
    .name = "saved-model",
    .description = "TensorFlow's SavedModel, a folder",
    .suffixes = {".pb"},
    .main_files = {"saved_model.pb"},
    .recognises = recognises,
    .read = read,
};

}  // namespace mnist
