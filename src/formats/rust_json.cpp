// The checkpoints of a network that was written from scratch in Rust, with serde and ndarray:
//
//   {"layers": [{"Conv": {"in_channels": 1, "out_channels": 8, "kernel_size": [3, 3], "stride": 1,
//                         "kernels_mat": (out, in*k*k), "b": (out)}},
//               {"ReLU": {}}, {"Pool": {"pool_size": [2, 2]}}, {"Flatten": {}},
//               {"FC": {"input_size": 1352, "output_size": 10,
//                       "weights": (in, out), "bias": (out)}},
//               {"Softmax": {}}]}
//
// with arrays as {"v": 1, "dim": [...], "data": [...]}. Further members are what the program kept
// for its backward pass; they are passed over. A convolution has no padding, the windows of a
// pooling do not overlap, and leave out what does not fill one. The size of the images is not said:
// it is the one with which the layers meet, MNIST's if they do with that.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "formats/format_list.h"
#include "formats/graph_builder.h"
#include "formats/layer_chain.h"
#include "formats/pixel_graph.h"
#include "mnist/error.h"
#include "ops/op_list.h"
#include "ops/pool.h"

namespace mnist {
namespace {

constexpr std::string_view kKinds[] = {"Conv", "ReLU", "Pool", "Flatten", "FC", "Softmax"};
constexpr size_t kMostLayers = 1'000;
constexpr int64_t kLargestSide = 1'024;
constexpr int64_t kUsualSide = 28;

// ---- reading ----

struct Layer {
  std::string kind;
  JsonView view;
  // Conv: kernel (out,in,k,k); FC: weights (out,in). Else empty.
  Tensor weights;
  Tensor bias;
  int64_t size = 1;    // of the Pool's window
  int64_t stride = 1;  // of the Conv
};

Tensor read_array(const JsonView& view, const Shape& shape) {
  if (view.at("v").integer() != 1) view.at("v").fail("version 1 of ndarray's arrays expected");
  const JsonView data = view.at("data");
  if (view.at("dim").integers() != shape) {
    view.at("dim").fail(fmt::format("[{}] expected", fmt::join(shape, ", ")));
  }
  Tensor tensor{shape, data.floats()};
  if (tensor.values.size() != element_count(shape)) {
    data.fail(
        fmt::format("{} numbers expected, got {}", element_count(shape), tensor.values.size()));
  }
  return tensor;
}

int64_t read_extent(const JsonView& view, int64_t most) {
  const int64_t value = view.integer();
  if (value < 1 || value > most) view.fail(fmt::format("1 to {} expected, got {}", most, value));
  return value;
}

// Both sides of a square window.
int64_t read_square(const JsonView& view) {
  const std::vector<JsonView> sides = view.elements();
  if (sides.size() != 2) view.fail("two sides expected");
  const int64_t side = read_extent(sides[0], kLargestSide);
  if (read_extent(sides[1], kLargestSide) != side) view.fail("a square expected");
  return side;
}

constexpr int64_t kMostUnits = int64_t{1} << 20;  // of a layer: keeps every product in 64 bits

void read_conv(Layer& layer) {
  const JsonView& view = layer.view;
  const int64_t inputs = read_extent(view.at("in_channels"), kMostUnits);
  const int64_t outputs = read_extent(view.at("out_channels"), kMostUnits);
  const int64_t side = read_square(view.at("kernel_size"));
  layer.stride = read_extent(view.at("stride"), kLargestSide);
  layer.weights = read_array(view.at("kernels_mat"), {outputs, inputs * side * side});
  layer.weights.shape = {outputs, inputs, side, side};
  layer.bias = read_array(view.at("b"), {outputs});
}

void read_dense(Layer& layer) {
  const JsonView& view = layer.view;
  const int64_t inputs = read_extent(view.at("input_size"), kMostUnits);
  const int64_t outputs = read_extent(view.at("output_size"), kMostUnits);
  const Tensor stored = read_array(view.at("weights"), {inputs, outputs});
  layer.weights.shape = {outputs, inputs};
  layer.weights.values.reserve(stored.values.size());
  for (int64_t out = 0; out < outputs; ++out) {
    for (int64_t in = 0; in < inputs; ++in) {
      layer.weights.values.push_back(stored.values[static_cast<size_t>(in * outputs + out)]);
    }
  }
  layer.bias = read_array(view.at("bias"), {outputs});
}

void expect_known(const JsonView& element, const std::string& kind) {
  if (std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds)) return;
  element.fail(fmt::format("unknown layer '{}': {} are known", printable(kind, 40),
                           fmt::join(kKinds, ", ")));
}

Layer read_layer(const JsonView& element) {
  if (element.value().is_string()) {  // serde's way to write a layer without members
    const std::string kind = element.text();
    expect_known(element, kind);
    if (kind == "Conv" || kind == "Pool" || kind == "FC") {
      element.fail(fmt::format("'{}' without its members", kind));
    }
    return {kind, element, {}, {}};
  }
  const auto members = element.members();
  if (members.size() != 1) element.fail("one layer, as {\"FC\": {...}}, expected");
  const auto& [kind, view] = members[0];
  expect_known(element, kind);
  Layer layer{kind, view, {}, {}};
  if (kind == "Conv") read_conv(layer);
  if (kind == "FC") read_dense(layer);
  if (kind == "Pool") layer.size = read_square(view.at("pool_size"));
  return layer;
}

std::vector<Layer> read_layers(const JsonView& document) {
  const JsonView list = document.at("layers");
  if (list.value().is_array() && list.value().size() > kMostLayers) {
    list.fail(fmt::format("at most {} layers expected", kMostLayers));
  }
  std::vector<Layer> layers;
  for (const JsonView& element : list.elements()) layers.push_back(read_layer(element));
  if (layers.empty()) list.fail("layers expected");
  return layers;
}

enum class Pooling { kExact, kLeavesOut };

// Whether the layers up to the first FC fit images of this size.
bool meets(const std::vector<Layer>& layers, int64_t channels, int64_t side, Pooling pooling) {
  for (const Layer& layer : layers) {
    if (layer.kind == "FC") return layer.weights.shape[1] == channels * side * side;
    if (layer.kind == "Pool") {
      if (side < layer.size || (pooling == Pooling::kExact && side % layer.size != 0)) return false;
      side /= layer.size;
    } else if (layer.kind == "Conv") {
      if (side < layer.weights.shape[2]) return false;
      side = (side - layer.weights.shape[2]) / layer.stride + 1;
      channels = layer.weights.shape[0];
    }
  }
  return true;
}

Shape solve_input_shape(const std::vector<Layer>& layers, const std::string& who) {
  const auto weighted = std::find_if(layers.begin(), layers.end(), [](const Layer& layer) {
    return !layer.weights.shape.empty();
  });
  if (weighted == layers.end()) {
    throw Error(fmt::format("{}: at /layers: no layer has weights", who));
  }
  const auto is = [](const char* kind) {
    return [kind](const Layer& layer) { return layer.kind == kind; };
  };
  const auto end = weighted + 1;
  const bool is_image =
      std::any_of(layers.begin(), end, is("Conv")) || std::any_of(layers.begin(), end, is("Pool"));
  const bool flattens = std::any_of(layers.begin(), end, is("Flatten"));
  if (!is_image && !flattens) return {weighted->weights.shape[1]};
  const int64_t channels = weighted->kind == "Conv" ? weighted->weights.shape[1] : 1;
  if (meets(layers, channels, kUsualSide, Pooling::kLeavesOut)) {
    return {channels, kUsualSide, kUsualSide};
  }
  for (const Pooling pooling : {Pooling::kExact, Pooling::kLeavesOut}) {
    for (int64_t side = 1; side <= kLargestSide; ++side) {
      if (meets(layers, channels, side, pooling)) return {channels, side, side};
    }
  }
  if (!is_image) return {weighted->weights.shape[1]};
  throw Error(
      fmt::format("{}: at /layers: there is no size of images with which the layers meet", who));
}

// Adds layers as nodes "conv1", "relu1", ...
class LayerNodes {
 public:
  explicit LayerNodes(GraphBuilder& builder) : builder_(builder), value_(builder.input()) {}

  const std::string& value() const { return value_; }

  void add(Layer& layer) {
    if (layer.kind == "Conv") {
      add_weighted("Conv", "conv", layer, {{"strides", std::vector<int64_t>(2, layer.stride)}});
    } else if (layer.kind == "FC") {
      add_weighted("Gemm", "fc", layer, {{"transB", int64_t{1}}});
    } else if (layer.kind == "Pool") {
      const std::vector<int64_t> window(2, layer.size);
      add_node("MaxPool", "pool", {{"kernel_shape", window}, {"strides", window}});
    } else if (layer.kind == "ReLU") {
      add_node("Relu", "relu", {});
    } else {
      add_node(layer.kind, layer.kind == "Flatten" ? "flatten" : "softmax", {});
    }
  }

 private:
  std::string numbered(const std::string& name) {
    return fmt::format("{}{}", name, ++counts_[name]);
  }
  void add_node(const std::string& type, const std::string& name,
                std::map<std::string, Attribute> attributes) {
    value_ = builder_.add_node(type, numbered(name), {value_}, std::move(attributes));
  }
  void add_weighted(const std::string& type, const std::string& kind, Layer& layer,
                    std::map<std::string, Attribute> attributes) {
    const std::string name = numbered(kind);
    const std::string weight = builder_.add_weight(name + ".weight", std::move(layer.weights));
    const std::string bias = builder_.add_weight(name + ".bias", std::move(layer.bias));
    value_ = builder_.add_node(type, name, {value_, weight, bias}, std::move(attributes));
  }

  GraphBuilder& builder_;
  std::string value_;
  std::map<std::string, int> counts_;
};

FileContents read(const ModelSource& source) {
  const Json json = parse_json(as_text(source.bytes), source.who);
  std::vector<Layer> layers = read_layers({json, source.who});
  GraphBuilder builder(source.who, "input", solve_input_shape(layers, source.who));
  LayerNodes nodes(builder);
  for (Layer& layer : layers) nodes.add(layer);
  Model model = std::move(builder).finish(nodes.value());
  model.architecture = "rsnet";
  return model;
}

// ---- writing ----

[[noreturn]] void refuse(const Node& node, const char* reason) {
  throw Error(fmt::format("node '{}' ({}): {}", node.name, node.type, reason));
}

std::string array_text(const Shape& shape, const std::vector<float>& values) {
  std::string text = fmt::format("{{\"v\": 1, \"dim\": [{}], \"data\": [", fmt::join(shape, ", "));
  char buffer[64];
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) text += ',';
    text += shortest_json(values[i], buffer);
  }
  return text + "]}";
}

OpSpec spec_of(const Model& model, const ChainLayer& layer) {
  return op_spec(model, *layer.node, {{layer.node->inputs[0], layer.input}});
}

std::string conv_text(const Model& model, const ChainLayer& layer, const LayerWeights& weights) {
  const Shape& kernel = model.weight(layer.node->inputs[1]).shape;
  const Window w = make_window(spec_of(model, layer), layer.input, {kernel[2], kernel[3]}, false);
  for (size_t axis : {0U, 1U}) {
    if (w.pad_begin[axis] != 0 || w.pad_end[axis] != 0) refuse(*layer.node, "has padding");
    if (w.stride[axis] != 1 || w.dilation[axis] != 1) refuse(*layer.node, "stride 1 expected");
  }
  if (kernel[2] != kernel[3] || layer.input[1] != layer.input[2]) {
    refuse(*layer.node, "a square image and kernel expected");
  }
  if (kernel[1] != layer.input[0]) refuse(*layer.node, "has groups");
  return fmt::format(
      "{{\"Conv\": {{\"in_channels\": {}, \"out_channels\": {}, \"kernel_size\": "
      "[{}, {}], \"stride\": 1,\n      \"kernels_mat\": {},\n      \"b\": {}}}}}",
      kernel[1], kernel[0], kernel[2], kernel[3],
      array_text({weights.outputs, weights.inputs}, weights.weights),
      array_text({weights.outputs}, weights.bias));
}

std::string dense_text(const LayerWeights& layer) {
  std::vector<float> transposed;
  transposed.reserve(layer.weights.size());
  for (int64_t in = 0; in < layer.inputs; ++in) {
    for (int64_t out = 0; out < layer.outputs; ++out) {
      transposed.push_back(layer.weights[static_cast<size_t>(out * layer.inputs + in)]);
    }
  }
  return fmt::format(
      "{{\"FC\": {{\"input_size\": {}, \"output_size\": {},\n      \"weights\": {},\n"
      "      \"bias\": {}}}}}",
      layer.inputs, layer.outputs, array_text({layer.inputs, layer.outputs}, transposed),
      array_text({layer.outputs}, layer.bias));
}

std::string pool_text(const Model& model, const ChainLayer& layer) {
  const Window window = make_pooling(spec_of(model, layer)).window;
  for (size_t axis : {0U, 1U}) {
    const int64_t side = window.kernel[axis];
    if (side != window.kernel[0] || window.stride[axis] != side || window.dilation[axis] != 1 ||
        window.pad_begin[axis] != 0 || window.output[axis] * side != window.input[axis]) {
      refuse(*layer.node, "square windows that neither overlap nor leave a pixel out expected");
    }
  }
  return fmt::format("{{\"Pool\": {{\"pool_size\": [{}, {}]}}}}", window.kernel[0],
                     window.kernel[0]);
}

constexpr const char* kSoftmax = "{\"Softmax\": {}}";

// The layers' texts, in order; what changes nothing has none.
class LayerTexts {
 public:
  explicit LayerTexts(const Model& model) : model_(model) {}

  std::string text(const ChainLayer& layer) {
    const Node& node = *layer.node;
    if (node.type == "Flatten" || node.type == "Reshape") return flatten_text(layer);
    const bool is_first = std::exchange(is_first_, false);
    if (node.type == "Conv" || node.type == "Gemm") {
      const bool is_conv = node.type == "Conv";
      LayerWeights weights = is_conv ? conv_weights(model_, node) : dense_weights(model_, node);
      if (is_first) read_plain_pixels(weights, model_.pixels);
      return is_conv ? conv_text(model_, layer, weights) : dense_text(weights);
    }
    // The program divides pixels by 255; another scaling becomes part of the first weights.
    const PixelScaling plain;
    if (is_first && (model_.pixels.scale != plain.scale || model_.pixels.offset != plain.offset)) {
      refuse(node, "pixels that are not just divided by 255 need weights in the first layer");
    }
    if (node.type == "Softmax" && node.outputs[0] == model_.output) return kSoftmax;
    if (node.type == "Relu") return "{\"ReLU\": {}}";
    if (node.type == "MaxPool") return pool_text(model_, layer);
    refuse(node, "the Rust network has no such layer");
  }

 private:
  static std::string flatten_text(const ChainLayer& layer) {
    if (layer.output.size() != 1) refuse(*layer.node, "it must flatten");
    return layer.input.size() == 1 ? "" : "{\"Flatten\": {}}";
  }

  const Model& model_;
  bool is_first_ = true;
};

void write(const Model& network, const SaveOptions&, Sink& sink) {
  const Model model = scaling_as_pixels(network);
  LayerTexts texts(model);
  std::vector<std::string> written;
  for (const ChainLayer& layer : layer_chain(model)) {
    std::string text = texts.text(layer);
    if (!text.empty()) written.push_back(std::move(text));
  }
  // Its networks end in one; without it the program would show logits as probabilities.
  if (written.empty() || written.back() != kSoftmax) written.emplace_back(kSoftmax);
  sink.write(fmt::format("{{\n  \"layers\": [\n    {}\n  ]\n}}\n", fmt::join(written, ",\n    ")));
}

// {"layers": [{"Conv": and so on, whatever white space is between them.
bool recognises(std::span<const std::byte> head) {
  std::string text(as_text(head.first(std::min(head.size(), kHeadBytes))));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return std::any_of(std::begin(kKinds), std::end(kKinds), [&](std::string_view kind) {
    return text.starts_with(fmt::format("{{\"layers\":[{{\"{}\":", kind)) ||
           text.starts_with(fmt::format("{{\"layers\":[\"{}\"", kind));
  });
}

}  // namespace

extern const Format kRustJson;
const Format kRustJson = {
    .name = "rsnet",
    .description = "checkpoints of a network from scratch in Rust (serde, ndarray)",
    .suffixes = {".rsnet.json"},
    .recognises = recognises,
    .read = read,
    .write = write,
};

}  // namespace mnist
