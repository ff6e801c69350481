// Keras's .h5, of Keras 1 to 3: the model's config as JSON in an attribute, and a group of weights
// a layer, or the weights alone.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "formats/format_list.h"
#include "formats/hdf5/hdf5.h"
#include "formats/keras/layer_list.h"
#include "formats/keras/translate.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr char kConfig[] = "model_config";
constexpr char kWeights[] = "model_weights";

// A layer's weights in Keras's order, with their names there: "dense_1/kernel:0".
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// The last part of a path, without TensorFlow's ":0".
std::string_view last_part(std::string_view name) {
  name = name.substr(0, name.rfind(':'));
  return name.substr(name.rfind('/') + 1);
}

std::string_view without_last_part(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? "" : name.substr(0, slash);
}

std::string only_text(const Hdf5Group& group, const std::string& name) {
  const std::vector<std::string> texts = group.text_list(name);
  return texts.size() == 1 ? texts[0] : "";
}

NamedTensors read_layer(const Hdf5Group& weights, const std::string& layer,
                        const std::string& who) {
  const auto group = weights.groups.find(layer);
  if (group == weights.groups.end()) {
    throw Error(
        fmt::format("{}: the weights of layer '{}' are missing", who, printable(layer, 60)));
  }
  NamedTensors tensors;
  std::set<std::string> seen;
  for (const std::string& name : group->second.text_list("weight_names")) {
    const Tensor* tensor = group->second.tensor(name);
    if (tensor == nullptr || !seen.insert(name).second) {
      throw Error(fmt::format("{}: layer '{}': weight '{}' is missing or named twice", who,
                              printable(layer, 60), printable(name, 80)));
    }
    tensors.emplace_back(name, *tensor);
  }
  return tensors;
}

// A weight that the network expects in a layer's group.
struct Wanted {
  size_t layer = 0;
  std::string name;
};

// Of the layers within one group (several if it is a model's), in the order in which Keras lists
// them: first what is trained, then the rest.
std::vector<Wanted> wanted_weights(const KerasNetwork& network, const std::vector<size_t>& layers) {
  std::vector<Wanted> trained;
  std::vector<Wanted> rest;
  for (size_t number : layers) {
    const KerasLayer& layer = network.layers[number];
    for (const KerasVariable& variable : keras_variables(layer)) {
      (variable.trainable && layer.trainable ? trained : rest).push_back({number, variable.name});
    }
  }
  trained.insert(trained.end(), rest.begin(), rest.end());
  return trained;
}

// For each wanted weight the place in `tensors` of the only one that is named so; empty where that
// does not hold for all.
std::vector<size_t> match_names(const KerasNetwork& network, const std::vector<Wanted>& wanted,
                                const NamedTensors& tensors) {
  // Within one layer its own name need not be there, and may be another's.
  const bool one_layer = wanted.front().layer == wanted.back().layer;
  std::map<std::pair<std::string_view, std::string_view>, std::vector<size_t>> places;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::string_view name = tensors[i].first;
    const std::string_view layer = one_layer ? "" : last_part(without_last_part(name));
    places[{layer, last_part(name)}].push_back(i);
  }
  std::vector<size_t> result;
  for (const Wanted& each : wanted) {
    const std::string_view layer =
        one_layer ? "" : std::string_view(network.layers[each.layer].name);
    const auto found = places.find({layer, each.name});
    if (found == places.end() || found->second.size() != 1) return {};
    result.push_back(found->second[0]);
  }
  return result;
}

void assign(const KerasNetwork& network, const std::string& group,
            const std::vector<size_t>& layers, NamedTensors tensors, const std::string& who,
            std::vector<KerasWeights>& weights) {
  const std::vector<Wanted> wanted = wanted_weights(network, layers);
  if (wanted.size() != tensors.size()) {
    throw Error(fmt::format("{}: layer '{}': {} weights expected, {} are there", who,
                            printable(group, 60), wanted.size(), tensors.size()));
  }
  if (wanted.empty()) return;
  std::vector<size_t> places = match_names(network, wanted, tensors);
  for (size_t i = 0; i < wanted.size(); ++i) {
    Tensor& tensor = tensors[places.empty() ? i : places[i]].second;
    weights[wanted[i].layer][wanted[i].name] = std::move(tensor);
  }
}

Model read_model(const Hdf5Group& root, const std::string& config, const std::string& who) {
  const Json json = parse_json(config, fmt::format("{}: {}", who, kConfig));
  const KerasNetwork network =
      read_keras_topology(JsonView(json, fmt::format("{}: {}", who, kConfig)));
  const auto group = root.groups.find(kWeights);
  if (group == root.groups.end()) throw Error(fmt::format("{}: '{}' is missing", who, kWeights));
  std::vector<std::string> order;  // groups: layers, and models that are layers
  std::map<std::string, std::vector<size_t>> members;
  for (size_t i = 1; i < network.layers.size(); ++i) {
    const KerasLayer& layer = network.layers[i];
    if (layer.first_call) continue;
    const std::string& outermost = layer.models.empty() ? layer.name : layer.models[0];
    if (members[outermost].empty()) order.push_back(outermost);
    members[outermost].push_back(i);
  }
  std::vector<KerasWeights> weights(network.layers.size());
  for (const std::string& name : order) {
    if (wanted_weights(network, members[name]).empty()) continue;
    assign(network, name, members[name], read_layer(group->second, name, who), who, weights);
  }
  std::string version = only_text(root, "keras_version");
  if (version.empty()) version = only_text(group->second, "keras_version");
  return translate_keras(network, std::move(weights), version, who);
}

// The groups within one of Keras 3's, in the order in which they were made.
std::vector<std::string> saved_order(const Hdf5Group& container) {
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [name, group] : container.groups) order.emplace_back(group.position, name);
  std::sort(order.begin(), order.end());
  std::vector<std::string> names;
  names.reserve(order.size());
  for (auto& [position, name] : order) names.push_back(std::move(name));
  return names;
}

void add_saved_parts(const Hdf5Group& group, const std::string& path, LooseWeights& weights);

// A layer's own weights, vars/0 and so on, and those of its parts.
void add_saved_layer(const Hdf5Group& layer, const std::string& path, const std::string& class_name,
                     LooseWeights& weights) {
  const Hdf5Group* variables = layer.group("vars");
  const std::vector<KerasVariable> known =
      usual_keras_variables(class_name.substr(0, class_name.find_last_not_of("0123456789_") + 1));
  for (size_t i = 0; variables != nullptr && i < variables->tensors.size(); ++i) {
    const Tensor* tensor = variables->tensor(std::to_string(i));
    if (tensor == nullptr) continue;
    const std::string variable = i < known.size() ? known[i].name : std::to_string(i);
    weights.tensors.emplace_back(fmt::format("{}/{}", path, variable), *tensor);
  }
  add_saved_parts(layer, path + "/", weights);
}

// What Keras 3's save_weights() writes: layers/dense_1/vars/0, as in a .keras, and below the
// attribute's name what is no list of layers: the layers of a class of one's own, or of a layer.
void add_saved_parts(const Hdf5Group& group, const std::string& path, LooseWeights& weights) {
  for (const std::string& name : saved_order(group)) {
    const Hdf5Group& part = group.groups.at(name);
    if (name == "layers" || name == "_layer_checkpoint_dependencies") {
      for (const std::string& layer : saved_order(part)) {
        add_saved_layer(part.groups.at(layer), path + layer, layer, weights);
      }
    } else if (name != "vars" && name != "seed_generator") {  // whose state is no weight
      const Hdf5Group* variables = part.group("vars");
      const std::string layer = variables == nullptr ? "" : only_text(*variables, "name");
      add_saved_layer(part, path + name, layer, weights);
    }
  }
}

// What save_weights() writes.
LooseWeights read_weights(const Hdf5Group& group, const std::string& who) {
  LooseWeights weights;
  weights.dense = LooseWeights::Dense::kInOut;
  weights.kernel = LooseWeights::Kernel::kHWIO;
  weights.features = LooseWeights::Features::kChannelLast;
  add_saved_parts(group, "", weights);
  if (const std::string version = only_text(group, "keras_version"); !version.empty()) {
    weights.metadata["keras_version"] = version;
  }
  std::set<std::string> names;
  for (const std::string& layer : group.text_list("layer_names")) {
    for (auto& [name, tensor] : read_layer(group, layer, who)) {
      const std::string full = fmt::format("{}/{}", layer, last_part(name));
      // A model within the model has several weights of one name.
      std::string unique = names.contains(full) ? fmt::format("{}/{}", layer, name) : full;
      if (!names.insert(unique).second) {
        throw Error(fmt::format("{}: weight '{}' is there twice", who, printable(unique, 80)));
      }
      weights.tensors.emplace_back(std::move(unique), std::move(tensor));
    }
  }
  return weights;
}

FileContents read(const ModelSource& source) {
  const Hdf5Group root = read_hdf5(source.bytes, source.who, {"optimizer_weights", "optimizer"});
  if (const std::string config = only_text(root, kConfig); !config.empty()) {
    return read_model(root, config, source.who);
  }
  const auto inside = root.groups.find(kWeights);
  const Hdf5Group& group = inside == root.groups.end() ? root : inside->second;
  LooseWeights weights = read_weights(group, source.who);
  if (weights.tensors.empty()) {
    throw Error(fmt::format("{}: an HDF5 file that is not Keras's: neither '{}' nor 'layer_names'",
                            source.who, kConfig));
  }
  return weights;
}

}  // namespace

extern const Format kKerasH5;
const Format kKerasH5 = {
    .name = "keras-h5",
    .description = "Keras's HDF5 files: models, and weights alone",
    .suffixes = {".h5", ".hdf5"},
    .recognises = is_hdf5,
    .read = read,
};

}  // namespace mnist
