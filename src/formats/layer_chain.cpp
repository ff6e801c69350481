#include "formats/layer_chain.h"

#include <fmt/format.h>

#include <map>

#include "mnist/error.h"
#include "ops/op_list.h"

namespace mnist {
namespace {

// Null where the node has none.
const Tensor* bias_of(const Model& model, const Node& node) {
  const bool has_bias = node.inputs.size() > 2 && !node.inputs[2].empty();
  return has_bias ? &model.weight(node.inputs[2]) : nullptr;
}

std::vector<float> bias_values(const Tensor* bias, int64_t outputs, float scale) {
  std::vector<float> values(static_cast<size_t>(outputs), 0.0F);
  if (bias == nullptr) return values;
  for (size_t i = 0; i < values.size(); ++i) values[i] = scale * bias->values[i];
  return values;
}

}  // namespace

std::vector<ChainLayer> layer_chain(const Model& model) {
  std::map<std::string, Shape> shapes = {{model.input, model.input_shape}};
  std::vector<ChainLayer> layers;
  std::string last = model.input;
  for (const Node& node : model.nodes) {
    if (node.inputs.empty() || node.inputs[0] != last) {
      throw Error(
          fmt::format("node '{}' ({}): it must read '{}': only a chain of layers can be said",
                      node.name, node.type, last));
    }
    const Shape shape = make_op(op_spec(model, node, shapes))->output_shape();
    if (node.type != "Identity" && node.type != "Dropout") {
      layers.push_back({&node, shapes.at(last), shape});
    }
    last = node.outputs[0];
    shapes[last] = shape;
  }
  if (last != model.output) {
    throw Error(fmt::format("node '{}' comes behind the network's output '{}'",
                            model.nodes.back().name, model.output));
  }
  return layers;
}

LayerWeights dense_weights(const Model& model, const Node& gemm) {
  return dense_weights(gemm, model.weight(gemm.inputs[1]), bias_of(model, gemm));
}

LayerWeights dense_weights(const Node& gemm, const Tensor& stored, const Tensor* bias) {
  const bool is_transposed = gemm.integer("transB", 0) != 0;
  LayerWeights layer;
  layer.outputs = stored.shape[is_transposed ? 0 : 1];
  layer.inputs = stored.shape[is_transposed ? 1 : 0];
  const auto outputs = static_cast<size_t>(layer.outputs);
  const auto inputs = static_cast<size_t>(layer.inputs);
  const auto alpha = static_cast<float>(gemm.real("alpha", 1.0));
  layer.weights.resize(stored.values.size());
  for (size_t out = 0; out < outputs; ++out) {
    for (size_t in = 0; in < inputs; ++in) {
      const size_t from = is_transposed ? out * inputs + in : in * outputs + out;
      layer.weights[out * inputs + in] = alpha * stored.values[from];
    }
  }
  layer.bias = bias_values(bias, layer.outputs, static_cast<float>(gemm.real("beta", 1.0)));
  return layer;
}

LayerWeights conv_weights(const Model& model, const Node& conv) {
  const Tensor& stored = model.weight(conv.inputs[1]);
  LayerWeights layer;
  layer.outputs = stored.shape[0];
  layer.inputs = static_cast<int64_t>(stored.values.size()) / layer.outputs;
  layer.weights = stored.values;
  layer.bias = bias_values(bias_of(model, conv), layer.outputs, 1.0F);
  return layer;
}

void read_plain_pixels(LayerWeights& first, const PixelScaling& pixels) {
  const PixelScaling plain;
  if (pixels.scale == plain.scale && pixels.offset == plain.offset) return;
  const double factor = pixels.scale / plain.scale;
  const auto inputs = static_cast<size_t>(first.inputs);
  for (size_t out = 0; out < first.bias.size(); ++out) {
    double sum = 0.0;
    for (size_t in = 0; in < inputs; ++in) {
      float& weight = first.weights[out * inputs + in];
      sum += weight;
      weight = static_cast<float>(weight * factor);
    }
    first.bias[out] = static_cast<float>(first.bias[out] + sum * pixels.offset);
  }
}

}  // namespace mnist
