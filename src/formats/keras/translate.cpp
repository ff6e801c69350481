#include "formats/keras/translate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"
#include "formats/pixel_graph.h"
#include "mnist/error.h"

namespace mnist {
namespace {

bool has_channels_first(const KerasNetwork& network) {
  return std::any_of(network.layers.begin(), network.layers.end(), [](const KerasLayer& layer) {
    return layer.class_name != "InputLayer" && layer.config.value().is_object() &&
           config_text(layer.config, "data_format", "") == "channels_first";
  });
}

// What the network reads: an image with its channels first, whatever Keras's order.
KerasValue input_value(const KerasNetwork& network, const KerasLayer& layer) {
  KerasValue value{.name = layer.name, .shape = layer.input_shape};
  value.is_planes = value.shape.size() == 3 && !has_channels_first(network);
  return value;
}

Shape document_input(const KerasValue& value) {
  const Shape& shape = value.shape;
  return value.is_planes ? Shape{shape[2], shape[0], shape[1]} : shape;
}

}  // namespace

Model translate_keras(const KerasNetwork& network, std::vector<KerasWeights> weights,
                      const std::string& version, const std::string& who) {
  const int major = version.empty() || version[0] != '3' ? 2 : 3;
  const KerasLayer& input = network.layers.at(0);
  std::vector<KerasValue> values = {input_value(network, input)};
  GraphBuilder graph(who, input.name, document_input(values[0]));
  for (size_t i = 1; i < network.layers.size(); ++i) {
    if (network.layers[i].first_call) weights[i] = weights[*network.layers[i].first_call];
  }
  for (size_t i = 1; i < network.layers.size(); ++i) {
    const KerasLayer& layer = network.layers[i];
    std::vector<KerasValue> inputs;
    for (size_t number : layer.inputs) inputs.push_back(values[number]);
    KerasTranslation translation(graph, layer, std::move(inputs), std::move(weights[i]), major);
    values.push_back(find_keras_class(layer.class_name)->translate(translation));
  }
  const KerasValue& output = values[network.output];
  if (output.name == graph.input())
    throw Error(fmt::format("{}: a network that does nothing", who));
  Model model = std::move(graph).finish(output.name);
  model.architecture = network.name;
  if (scales_pixels(model)) model.pixels = {1.0, 0.0};
  if (!version.empty()) model.metadata["keras_version"] = version;
  return model;
}

}  // namespace mnist
