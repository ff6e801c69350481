// TensorFlow.js's model.json: Keras's layers ("layers-model") or TensorFlow's graph
// ("graph-model"), with values in files beside it.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "formats/format_list.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"
#include "formats/keras/translate.h"
#include "formats/tensorflow/evaluation.h"
#include "formats/tfjs/graph_json.h"
#include "formats/tfjs/weights.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Weights = std::map<std::string, TfConstant>;

constexpr const char* kMarks[] = {"\"layers-model\"", "\"graph-model\"", "\"modelTopology\"",
                                  "\"weightsManifest\""};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whether `path` is of a part of the layer: "lstm/lstm_cell/kernel" its kernel and
// "both/forward_lstm/lstm_cell/kernel" its "forward_kernel".
bool is_of_part(const std::string& path, const KerasLayer& layer, std::string_view variable) {
  std::string_view direction;
  for (std::string_view prefix : {"forward_", "backward_"}) {
    if (variable.starts_with(prefix)) direction = prefix;
  }
  variable.remove_prefix(direction.size());
  const std::string start = fmt::format("/{}/", layer.name);
  const std::string whole = fmt::format("/{}", path);
  const size_t place = whole.find(start);
  if (place == std::string::npos || !whole.ends_with(fmt::format("/{}", variable))) return false;
  return direction.empty() || whole.find(fmt::format("/{}", direction), place) != std::string::npos;
}

// The weight NAME/VARIABLE, alone or within models' names, or that of a part of the layer; end() if
// there is none or several.
Weights::iterator find_weight(Weights& weights, const KerasLayer& layer,
                              const std::string& variable) {
  const auto exact = weights.find(fmt::format("{}/{}", layer.full_name(), variable));
  if (exact != weights.end()) return exact;
  const std::string name = fmt::format("{}/{}", layer.name, variable);
  const std::string end = fmt::format("/{}", name);
  const auto only = [&](auto fits) {
    auto found = weights.end();
    for (auto each = weights.begin(); each != weights.end(); ++each) {
      if (!fits(each->first)) continue;
      if (found != weights.end()) return weights.end();
      found = each;
    }
    return found;
  };
  const auto found =
      only([&](const std::string& path) { return path == name || path.ends_with(end); });
  if (found != weights.end()) return found;
  return only([&](const std::string& path) { return is_of_part(path, layer, variable); });
}

Model read_layers(const JsonView& document, Weights weights, const std::string& who) {
  const JsonView topology = document.at("modelTopology");
  const JsonView config = topology.has("model_config") ? topology.at("model_config") : topology;
  const KerasNetwork network = read_keras_topology(config);
  std::vector<KerasWeights> assigned(network.layers.size());
  for (size_t i = 1; i < network.layers.size(); ++i) {
    const KerasLayer& layer = network.layers[i];
    if (layer.first_call) continue;
    for (const KerasVariable& variable : keras_variables(layer)) {
      const auto found = find_weight(weights, layer, variable.name);
      if (found == weights.end()) {
        throw Error(fmt::format("{}: layer '{}': weight '{}' is missing", who,
                                printable(layer.full_name(), 80), variable.name));
      }
      TfConstant& constant = found->second;
      if (constant.kind != TfConstant::Kind::kFloat) {
        constant.floats.assign(constant.integers.begin(), constant.integers.end());
      }
      assigned[i][variable.name] = {constant.shape, std::move(constant.floats)};
      weights.erase(found);
    }
  }
  return translate_keras(network, std::move(assigned), config_text(topology, "keras_version", ""),
                         who);
}

FileContents read(const ModelSource& source) {
  const Json json = parse_json(text_of(source.bytes), source.who);
  const JsonView document(json, source.who);
  const JsonView topology = document.at("modelTopology");
  Weights weights = read_tfjs_weights(document.at("weightsManifest"), source);
  if (!topology.has("node")) return read_layers(document, std::move(weights), source.who);
  size_t elements = source.bytes.size();
  for (const auto& [name, constant] : weights) elements += 2 * element_count(constant.shape);
  const TfGraph graph = read_tfjs_graph(document, std::move(weights));
  const auto no_variable = [&](const std::string& node) -> TfConstant {
    throw Error(fmt::format("{}: variable '{}' has no values", source.who, printable(node, 80)));
  };
  Model model = TfEvaluation(graph, source.who, {.elements = elements}, no_variable).run();
  model.architecture = "graph-model";
  return model;
}

// A JSON object that says in its first lines that it is such a model.
bool recognises(std::span<const std::byte> head) {
  const std::string_view text = text_of(head.first(std::min(head.size(), kHeadBytes)));
  if (!text.starts_with('{')) return false;
  return std::any_of(std::begin(kMarks), std::end(kMarks),
                     [&](const char* mark) { return text.find(mark) != std::string_view::npos; });
}

}  // namespace

extern const Format kTfjs;
const Format kTfjs = {
    .name = "tfjs",
    .description = "TensorFlow.js's model.json and the files beside it",
    .suffixes = {".json"},
    .main_files = {"model.json"},
    .recognises = recognises,
    .read = read,
};

}  // namespace mnist
