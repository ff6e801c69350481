#include "formats/gguf_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/layer_chain.h"
#include "mnist/error.h"
#include "model/architectures.h"
#include "ops/op_list.h"
#include "ops/pool.h"

namespace mnist {
namespace {

using Order = GgufLayout::Order;

// ggml, examples/mnist/mnist-common.cpp.
GgufLayout layout_fc() {
  return {.name = "",
          .architecture = "mnist-fc",
          .graph = architecture_graph("mnist-fc"),
          .rows = {{"fc1.weight", "fc1.weight", {500, 784}},
                   {"fc1.bias", "fc1.bias", {500}},
                   {"fc2.weight", "fc2.weight", {10, 500}},
                   {"fc2.bias", "fc2.bias", {10}}}};
}

GgufLayout layout_cnn() {
  return {.name = "",
          .architecture = "mnist-cnn",
          .graph = architecture_graph("mnist-cnn"),
          .rows = {{"conv1.kernel", "conv1.weight", {8, 1, 3, 3}},
                   {"conv1.bias", "conv1.bias", {8, 1, 1}},
                   {"conv2.kernel", "conv2.weight", {16, 8, 3, 3}},
                   {"conv2.bias", "conv2.bias", {16, 1, 1}},
                   {"dense.weight", "dense.weight", {10, 784}, Order::kChannelLast, {16, 7, 7}},
                   {"dense.bias", "dense.bias", {10}}}};
}

// ggml before September 2024, examples/mnist/mnist-cnn.py: Keras's network, which ends in a
// softmax.
GgufLayout layout_cnn_2023() {
  Model graph = architecture_graph("mnist-keras-cnn");
  std::erase_if(graph.nodes, [](const Node& node) { return node.type == "Dropout"; });
  Node& dense = graph.nodes.back();
  dense.inputs[0] = graph.nodes[graph.nodes.size() - 2].outputs[0];
  graph.nodes.push_back({"Softmax", "softmax", {dense.outputs[0]}, {"softmax"}, {}});
  graph.output = "softmax";
  return {.name = "2023",
          .architecture = "mnist-cnn",
          .graph = std::move(graph),
          .rows = {{"kernel1", "conv1.weight", {32, 1, 3, 3}, Order::kSame, {}, true},
                   {"bias1", "conv1.bias", {1, 32, 26, 26}, Order::kRepeated},
                   {"kernel2", "conv2.weight", {64, 32, 3, 3}, Order::kSame, {}, true},
                   {"bias2", "conv2.bias", {1, 64, 11, 11}, Order::kRepeated},
                   {"dense_w", "dense.weight", {10, 1600}, Order::kChannelLast, {64, 5, 5}},
                   {"dense_b", "dense.bias", {10}}}};
}

// The index of the feature (channel, position) in the stored order and in the document's.
struct FeatureOrder {
  size_t channels;
  size_t positions;

  explicit FeatureOrder(const Shape& features)
      : channels(static_cast<size_t>(features[0])),
        positions(static_cast<size_t>(features[1] * features[2])) {}

  // Calls move(stored index, document index) for every value of `rows` rows.
  template <typename Move>
  void each(size_t rows, Move move) const {
    const size_t width = channels * positions;
    for (size_t row = 0; row < rows; ++row) {
      for (size_t channel = 0; channel < channels; ++channel) {
        for (size_t position = 0; position < positions; ++position) {
          move(row * width + position * channels + channel,
               row * width + channel * positions + position);
        }
      }
    }
  }
};

// The layers that compute something, without the softmax that makes probabilities of the result.
std::vector<ChainLayer> working_layers(const Model& model) {
  std::vector<ChainLayer> layers = layer_chain(model);
  if (!layers.empty() && layers.back().node->type == "Softmax") layers.pop_back();
  return layers;
}

bool same_window(const Model& a, const ChainLayer& layer_a, const Model& b,
                 const ChainLayer& layer_b) {
  const auto window = [](const Model& model, const ChainLayer& layer) {
    const OpSpec spec = op_spec(model, *layer.node, {{layer.node->inputs[0], layer.input}});
    if (layer.node->type == "MaxPool") return make_pooling(spec).window;
    const Shape& kernel = spec.inputs[1].shape;
    return make_window(spec, layer.input, {kernel[2], kernel[3]}, false);
  };
  const Window first = window(a, layer_a);
  const Window second = window(b, layer_b);
  for (size_t axis : {0U, 1U}) {
    if (first.kernel[axis] != second.kernel[axis] || first.stride[axis] != second.stride[axis] ||
        first.dilation[axis] != second.dilation[axis] ||
        first.pad_begin[axis] != second.pad_begin[axis]) {
      return false;
    }
  }
  return true;
}

bool same_layer(const Model& a, const ChainLayer& layer_a, const Model& b,
                const ChainLayer& layer_b) {
  const std::string& type = layer_a.node->type;
  return type == layer_b.node->type && layer_a.input == layer_b.input &&
         layer_a.output == layer_b.output &&
         ((type != "Conv" && type != "MaxPool") || same_window(a, layer_a, b, layer_b)) &&
         layer_a.node->integer("group", 1) == 1;
}

bool same_node(const Node& a, const Node& b) {
  return a.type == b.type && a.inputs == b.inputs && a.outputs == b.outputs &&
         a.attributes == b.attributes;
}

}  // namespace

const std::vector<GgufLayout>& gguf_layouts() {
  static const std::vector<GgufLayout> layouts = {layout_fc(), layout_cnn(), layout_cnn_2023()};
  return layouts;
}

const GgufLayout* recognise_gguf_layout(const GgufFile& file, std::string_view architecture) {
  for (const GgufLayout& layout : gguf_layouts()) {
    if (layout.architecture != architecture) continue;
    // The first name that only this layout has decides; what else is wrong is said by name.
    if (file.tensors.contains(layout.rows.front().tensor)) return &layout;
  }
  return nullptr;
}

const GgufLayout* layout_for_writing(const Model& model) {
  for (const GgufLayout& layout : gguf_layouts()) {
    const Model& graph = layout.graph;
    const bool same = layout.name.empty() && model.architecture == layout.architecture &&
                      model.input == graph.input && model.input_shape == graph.input_shape &&
                      model.output == graph.output &&
                      std::equal(model.nodes.begin(), model.nodes.end(), graph.nodes.begin(),
                                 graph.nodes.end(), same_node) &&
                      std::equal(model.weights.begin(), model.weights.end(), graph.weights.begin(),
                                 graph.weights.end(), [](const auto& a, const auto& b) {
                                   return a.first == b.first && a.second.shape == b.second.shape;
                                 });
    if (same) return &layout;
  }
  return nullptr;
}

ModelInLayout model_in_layout(const Model& model, const std::string& name) {
  const auto layout = std::find_if(gguf_layouts().begin(), gguf_layouts().end(),
                                   [&](const GgufLayout& each) { return each.name == name; });
  Model result = layout->graph;
  const std::vector<ChainLayer> layers = working_layers(model);
  const std::vector<ChainLayer> wanted = working_layers(result);
  for (size_t i = 0; i < std::max(layers.size(), wanted.size()); ++i) {
    if (i < layers.size() && i < wanted.size() && same_layer(model, layers[i], result, wanted[i])) {
      continue;
    }
    throw Error(fmt::format("layout {} holds mnist-keras-cnn only: {}", name,
                            i < layers.size() ? "node '" + layers[i].node->name + "' differs"
                                              : "its last layers are missing"));
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool is_conv = layers[i].node->type == "Conv";
    if (!is_conv && layers[i].node->type != "Gemm") continue;
    LayerWeights weights =
        is_conv ? conv_weights(model, *layers[i].node) : dense_weights(model, *layers[i].node);
    result.weights[wanted[i].node->inputs[1]].values = std::move(weights.weights);
    result.weights[wanted[i].node->inputs[2]].values = std::move(weights.bias);
  }
  result.pixels = model.pixels;
  result.class_names = model.class_names;
  result.metadata = model.metadata;
  return {&*layout, std::move(result)};
}

std::vector<float> weight_from_stored(const GgufLayout::Row& row, std::vector<float> stored,
                                      const std::string& who) {
  if (row.order == Order::kSame) return stored;
  if (row.order == Order::kChannelLast) {
    std::vector<float> weight(stored.size());
    FeatureOrder(row.features)
        .each(static_cast<size_t>(row.stored_shape[0]),
              [&](size_t from, size_t to) { weight[to] = stored[from]; });
    return weight;
  }
  const auto channels = static_cast<size_t>(row.stored_shape[1]);
  const size_t positions = stored.size() / channels;
  std::vector<float> weight(channels);
  for (size_t i = 0; i < stored.size(); ++i) {
    float& value = weight[i / positions];
    if (i % positions == 0) value = stored[i];
    if (value != stored[i]) {
      throw Error(fmt::format("{}: tensor '{}': one value for channel {} expected, got {} and {}",
                              who, row.tensor, i / positions, value, stored[i]));
    }
  }
  return weight;
}

std::vector<float> stored_from_weight(const GgufLayout::Row& row,
                                      const std::vector<float>& weight) {
  if (row.order == Order::kSame) return weight;
  std::vector<float> stored(element_count(row.stored_shape));
  if (row.order == Order::kRepeated) {
    const size_t positions = stored.size() / weight.size();
    for (size_t i = 0; i < stored.size(); ++i) stored[i] = weight[i / positions];
    return stored;
  }
  FeatureOrder(row.features)
      .each(static_cast<size_t>(row.stored_shape[0]),
            [&](size_t to, size_t from) { stored[to] = weight[from]; });
  return stored;
}

}  // namespace mnist
