#include "formats/recognise/layer_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "formats/adaptive_window.h"
#include "formats/graph_builder.h"
#include "formats/recognise/geometry.h"
#include "formats/recognise/weight_layer.h"
#include "mnist/error.h"

namespace mnist {
namespace {

class ChainBuilder {
 public:
  ChainBuilder(const LooseWeights& weights, const Shape& input_shape, const std::string& who)
      : weights_(weights), builder_(who, "input", input_shape), value_(builder_.input()) {
    for (const auto& [name, tensor] : weights.tensors) by_name_[name] = &tensor;
  }

  Model build() && {
    for (const Node& layer : weights_.layers) add(layer);
    Model model = std::move(builder_).finish(value_);
    model.architecture = "custom";
    model.metadata = weights_.metadata;
    if (weights_.pixels) model.pixels = *weights_.pixels;
    return model;
  }

 private:
  void add(const Node& layer) {
    Node node = layer;
    std::vector<std::string> inputs;
    if (node.type == "Gemm") {
      if (builder_.shape(value_).size() > 1) add_flatten();
      node.attributes["transB"] = int64_t{1};
      inputs = {part(node, "weight"), part(node, "bias")};
    } else if (node.type == "Conv") {
      inputs = {part(node, "weight"), part(node, "bias")};
    } else if (node.type == "PRelu") {
      inputs = {slopes(node)};
    } else if (node.type == "LayerNormalization") {
      const Shape last = last_axes(node);
      inputs = {part_or(node, "weight", last, 1.0F), part_or(node, "bias", last, 0.0F)};
    } else if (node.type == "InstanceNormalization" || node.type == "GroupNormalization") {
      const Shape channels = {builder_.shape(value_)[0]};
      inputs = {part_or(node, "weight", channels, 1.0F), part_or(node, "bias", channels, 0.0F)};
    } else if (node.type == "BatchNormalization") {
      const std::string mean = part(node, "running_mean");
      const Shape channels = mean.empty() ? Shape{0} : builder_.shape(mean);
      inputs = {part_or(node, "weight", channels, 1.0F), part_or(node, "bias", channels, 0.0F),
                mean, part(node, "running_var")};
    }
    if (node.attributes.contains(kMapSize)) set_windows(node);
    if (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
    inputs.insert(inputs.begin(), value_);
    value_ = builder_.add_node(node.type, without_wrapping(node.name), inputs, node.attributes);
  }

  void add_flatten() { value_ = builder_.add_node("Flatten", "flatten", {value_}); }

  // Adds a layer's weight; an empty name where it has none.
  std::string part(const Node& node, const char* what) {
    const std::string name = node.name.empty() ? what : fmt::format("{}.{}", node.name, what);
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return "";
    return builder_.add_weight(without_wrapping(name), *found->second);
  }

  std::string part_or(const Node& node, const char* what, const Shape& shape, float value) {
    std::string name = part(node, what);
    if (!name.empty()) return name;
    return builder_.add_weight(fmt::format("{}.{}", without_wrapping(node.name), what),
                               {shape, std::vector<float>(element_count(shape), value)});
  }

  // The extents that a layer normalisation takes together.
  Shape last_axes(const Node& node) const {
    const Shape& shape = builder_.shape(value_);
    const auto count = static_cast<size_t>(-node.integer("axis", -1));
    return {shape.end() - static_cast<std::ptrdiff_t>(std::min(count, shape.size())), shape.end()};
  }

  // One slope, or one for each channel.
  std::string slopes(const Node& node) {
    std::string name = part(node, "weight");
    const size_t maps = builder_.shape(value_).size() - 1;
    if (!name.empty() && builder_.shape(name).size() == 1) {
      Tensor& weight = builder_.editable_weight(name);
      weight.shape.insert(weight.shape.end(), maps, 1);
    }
    return name;
  }

  // The windows of a pooling to maps of a given size, where all are of one size.
  void set_windows(Node& node) const {
    const Shape& maps = builder_.shape(value_);
    const std::vector<int64_t> size = node.integers(kMapSize, {});
    node.attributes.erase(kMapSize);
    std::vector<int64_t> window;
    std::vector<int64_t> strides;
    for (size_t axis = 0; axis < 2 && maps.size() == 3 && size.size() == 2; ++axis) {
      const int64_t extent = maps[axis + 1];
      if (const auto found = adaptive_window(extent, size[axis])) {
        window.push_back(found->size);
        strides.push_back(found->stride);
      }
    }
    if (window.size() != 2) {
      throw Error(
          fmt::format("{}: layer '{}': adaptive pooling from {} needs windows of several "
                      "sizes, which is not supported",
                      builder_.who(), printable(node.name, 80), to_string(maps)));
    }
    node.attributes["kernel_shape"] = window;
    node.attributes["strides"] = strides;
  }

  const LooseWeights& weights_;
  GraphBuilder builder_;
  std::string value_;
  std::map<std::string, const Tensor*> by_name_;
};

// The images that the first layer with a weight can read.
std::vector<Shape> possible_images(const LooseWeights& weights) {
  for (const Node& layer : weights.layers) {
    for (const auto& [name, tensor] : weights.tensors) {
      if (name != layer.name + ".weight") continue;
      if (layer.type == "Gemm" && tensor.shape.size() == 2) {
        const auto image = image_of(tensor.shape[1]);
        if (!image) return {};
        return std::vector<Shape>(1, *image);
      }
      if (layer.type == "Conv" && tensor.shape.size() == 4) {
        std::vector<Shape> shapes;
        for (const ImageSide& image : image_sides()) {
          shapes.push_back({tensor.shape[1], image.side, image.side});
        }
        return shapes;
      }
    }
  }
  return {};
}

}  // namespace

std::optional<Model> chain_of_layers(const LooseWeights& weights, const std::string& who) {
  if (weights.layers.empty()) return std::nullopt;
  for (const Shape& shape : possible_images(weights)) {
    try {
      return ChainBuilder(weights, shape, who).build();
    } catch (const Error&) {
      // Images of this size do not fit; the next may.
    }
  }
  return std::nullopt;
}

std::optional<Shape> image_of(int64_t inputs) {
  for (int64_t channels : {1, 3}) {
    for (const ImageSide& image : image_sides()) {
      if (channels * image.side * image.side == inputs) {
        return Shape{channels, image.side, image.side};
      }
    }
  }
  return std::nullopt;
}

}  // namespace mnist
