#include "formats/keras/keras_write.h"

#include <fmt/format.h>

#include "base/text.h"
#include "formats/hdf5/hdf5.h"
#include "formats/keras/save_plan.h"
#include "formats/pixel_graph.h"
#include "mnist/error.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr char kGraphKey[] = "mnist.graph";
constexpr char kPixelsKey[] = "mnist.pixels";  // whether the network begins with Rescaling
constexpr char kVersion[] = "3.0.0";           // whose layout this is

Tensor saved_tensor(const Model& model, const KerasVariablePlan& variable) {
  const std::vector<float>& values = model.weight(variable.weight).values;
  const std::vector<size_t> places = variable.places();
  Tensor tensor{variable.shape, std::vector<float>(places.size())};
  for (size_t i = 0; i < places.size(); ++i) tensor.values[i] = values[places[i]];
  return tensor;
}

Hdf5Group saved_weights(const Model& model, const KerasPlan& plan) {
  Hdf5Group root;
  root.groups["vars"];
  Hdf5Group& layers = root.groups["layers"];
  for (const KerasLayerPlan& layer : plan.layers) {
    Hdf5Group& vars = layers.groups[layer.saved_name].groups["vars"];
    for (size_t i = 0; i < layer.variables.size(); ++i) {
      vars.tensors[std::to_string(i)] = saved_tensor(model, layer.variables[i]);
    }
  }
  return root;
}

std::string content_text(const ZipArchive& archive, const char* name) {
  const ZipEntry* entry = archive.find(name);
  if (entry == nullptr) throw Error(fmt::format("{}: '{}' is missing", archive.who(), name));
  const std::vector<std::byte> content = archive.content(*entry);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

void read_values(const KerasPlan& plan, const Hdf5Group& root, const std::string& who,
                 Model& model) {
  for (const KerasLayerPlan& layer : plan.layers) {
    for (size_t i = 0; i < layer.variables.size(); ++i) {
      const KerasVariablePlan& variable = layer.variables[i];
      const std::string path = fmt::format("layers/{}/vars/{}", layer.saved_name, i);
      const Tensor* tensor = root.tensor(path);
      if (tensor == nullptr || tensor->shape != variable.shape) {
        throw Error(fmt::format("{}: {}: values of shape {} expected", who, printable(path, 100),
                                to_string(variable.shape)));
      }
      const std::vector<size_t> places = variable.places();
      std::vector<float>& values = model.weights.at(variable.weight).values;
      values.resize(places.size());
      for (size_t k = 0; k < places.size(); ++k) values[places[k]] = tensor->values[k];
    }
  }
}

}  // namespace

void write_keras(const Model& network, const SaveOptions& options, Sink& sink) {
  // What the graph does to pixels as they are is a Rescaling layer.
  const bool reads_pixels = network.pixels.scale == 1.0 && network.pixels.offset == 0.0;
  const bool may_fold = reads_pixels || options.with_preprocessing;
  const Model model = may_fold ? scaling_as_pixels(network) : network;
  const bool rescales = model.nodes.size() < network.nodes.size() || options.with_preprocessing;
  const KerasPlan plan = plan_keras(model, rescales);
  const Json metadata = {
      {"keras_version", kVersion}, {kGraphKey, graph_to_json(model)}, {kPixelsKey, rescales}};
  const std::vector<std::byte> weights = write_hdf5(saved_weights(model, plan), "model.weights.h5");
  ZipWriter archive(sink);
  archive.add("metadata.json", metadata.dump());
  archive.add("config.json", keras_config(plan).dump());
  archive.add("model.weights.h5", std::span<const std::byte>(weights));
  archive.finish();
}

std::optional<Model> model_from_metadata(const Json& metadata, const ZipArchive& archive) {
  const std::string who = fmt::format("{}: metadata.json", archive.who());
  const JsonView view(metadata, who);
  if (!view.has(kGraphKey)) return std::nullopt;
  const Json document =
      parse_json(view.at(kGraphKey).text(), fmt::format("{}: {}", who, kGraphKey));
  Model model = graph_from_document({document, who}, kGraphFormat, shape_from_json);
  const JsonView pixels = view.at(kPixelsKey);
  if (!pixels.value().is_boolean()) pixels.fail("true or false expected");
  const KerasPlan plan = plan_keras(model, pixels.value().get<bool>());
  const std::string config = content_text(archive, "config.json");
  if (parse_json(config, archive.who() + ": config.json") != keras_config(plan))
    return std::nullopt;
  const ZipEntry* entry = archive.find("model.weights.h5");
  if (entry == nullptr)
    throw Error(fmt::format("{}: 'model.weights.h5' is missing", archive.who()));
  const std::string place = fmt::format("{}: model.weights.h5", archive.who());
  read_values(plan, read_hdf5(archive.content(*entry), place), place, model);
  return model;
}

}  // namespace mnist
