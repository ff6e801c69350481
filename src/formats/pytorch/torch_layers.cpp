// PyTorch's layers as ONNX's nodes.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/pytorch/torch_weights.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;

// A layer's attributes, as Python keeps them.
class Attributes {
 public:
  Attributes(const TorchLayer& layer, const std::string& who) : layer_(layer), who_(who) {}

  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("{}: layer '{}' ({}): {}", who_, printable(layer_.name, 80),
                            layer_type(layer_.type), reason));
  }

  bool flag(std::string_view name) const {
    const PickleRef value = find_item(*layer_.state, name);
    const bool* found = value == nullptr ? nullptr : value->as<bool>();
    return found != nullptr && *found;
  }

  double number(std::string_view name, double otherwise) const {
    const PickleRef value = find_item(*layer_.state, name);
    if (value == nullptr || value->as<std::monostate>() != nullptr) return otherwise;
    if (const auto* real = value->as<double>()) return *real;
    if (const auto* integer = value->as<int64_t>()) return static_cast<double>(*integer);
    fail(fmt::format("{}: a number expected", name));
  }

  // A tuple of integers, or one integer alone. Throws where there is none.
  Integers integers(std::string_view name) const {
    const PickleRef value = find_item(*layer_.state, name);
    if (value == nullptr) fail(fmt::format("{} is not known", name));
    if (const auto* single = value->as<int64_t>()) return {*single};
    const auto* tuple = value->as<PickleTuple>();
    Integers result;
    for (size_t i = 0; tuple != nullptr && i < tuple->items.size(); ++i) {
      const auto* item = tuple->items[i]->as<int64_t>();
      if (item == nullptr) break;
      result.push_back(*item);
    }
    if (result.empty() || result.size() != tuple->items.size()) {
      fail(fmt::format("{}: integers expected", name));
    }
    return result;
  }

  // One integer for both axes, or two. Throws where there is none.
  Integers pair(std::string_view name) const {
    Integers result = integers(name);
    if (result.size() == 1) result.push_back(result[0]);
    if (result.size() != 2) fail(fmt::format("{}: one or two integers expected", name));
    return result;
  }

  bool is_text(std::string_view name, std::string_view text) const {
    const PickleRef value = find_item(*layer_.state, name);
    const auto* found = value == nullptr ? nullptr : value->as<PickleText>();
    return found != nullptr && found->text == text;
  }

  bool is_none(std::string_view name) const {
    const PickleRef value = find_item(*layer_.state, name);
    return value == nullptr || value->as<std::monostate>() != nullptr;
  }

 private:
  const TorchLayer& layer_;
  const std::string& who_;
};

Attribute pads(const Integers& padding) {
  return Integers{padding[0], padding[1], padding[0], padding[1]};
}

Node conv(const Attributes& layer) {
  Node node{"Conv", "", {}, {}, {}};
  // Of TorchScript only the weights are known; whoever builds on it finds out.
  node.attributes["kernel_shape"] = layer.pair("kernel_size");
  node.attributes["strides"] = layer.pair("stride");
  node.attributes["dilations"] = layer.pair("dilation");
  node.attributes["group"] = static_cast<int64_t>(layer.number("groups", 1));
  if (layer.is_text("padding", "same")) {
    node.attributes["auto_pad"] = std::string("SAME_UPPER");
  } else if (!layer.is_text("padding", "valid")) {
    node.attributes["pads"] = pads(layer.pair("padding"));
  }
  if (!layer.is_none("padding_mode") && !layer.is_text("padding_mode", "zeros")) {
    layer.fail("padding with zeros expected");
  }
  if (layer.flag("transposed")) layer.fail("transposed convolutions are not supported");
  return node;
}

Node pool(const Attributes& layer, const char* type) {
  Node node{type, "", {}, {}, {}};
  const Integers kernel = layer.pair("kernel_size");
  node.attributes["kernel_shape"] = kernel;
  node.attributes["strides"] = layer.is_none("stride") ? kernel : layer.pair("stride");
  node.attributes["pads"] = pads(layer.is_none("padding") ? Integers{0, 0} : layer.pair("padding"));
  if (layer.flag("ceil_mode")) node.attributes["ceil_mode"] = int64_t{1};
  if (node.type == "AveragePool") {
    node.attributes["count_include_pad"] = int64_t{layer.flag("count_include_pad") ? 1 : 0};
  } else if (!layer.is_none("dilation")) {
    node.attributes["dilations"] = layer.pair("dilation");
  }
  return node;
}

// To maps of a given size: whoever builds on it knows from which.
Node adaptive_pool(const Attributes& layer, const char* global, const char* window) {
  const Integers size = layer.pair("output_size");
  if (size == Integers{1, 1}) return {global, "", {}, {}, {}};
  return {window, "", {}, {}, {{kMapSize, size}}};
}

Node norm(const Attributes& layer, const char* type) {
  return {type, "", {}, {}, {{"epsilon", layer.number("eps", 1e-5)}}};
}

Node group_norm(const Attributes& layer) {
  Node node = norm(layer, "GroupNormalization");
  node.attributes["num_groups"] = static_cast<int64_t>(layer.number("num_groups", 0));
  return node;
}

// Over the last axes.
Node layer_norm(const Attributes& layer) {
  Node node = norm(layer, "LayerNormalization");
  node.attributes["axis"] = -static_cast<int64_t>(layer.integers("normalized_shape").size());
  return node;
}

// Left, right, top and bottom, or one for all.
Node constant_pad(const Attributes& layer) {
  Integers sides = layer.integers("padding");
  if (sides.size() == 1) sides.resize(4, sides[0]);
  if (sides.size() != 4) layer.fail("padding: one or four integers expected");
  Node node{"Pad", "", {}, {}, {}};
  node.attributes["pads"] = Integers{0, 0, sides[2], sides[0], 0, 0, sides[3], sides[1]};
  if (const double value = layer.number("value", 0); value != 0) node.attributes["value"] = value;
  return node;
}

Node gelu(const Attributes& layer) {
  Node node{"Gelu", "", {}, {}, {}};
  if (layer.is_text("approximate", "tanh")) node.attributes["approximate"] = std::string("tanh");
  return node;
}

Node clip(double low, double high) { return {"Clip", "", {}, {}, {{"min", low}, {"max", high}}}; }

// Layers that compute nothing, or nothing in a trained network.
constexpr std::string_view kPassedOver[] = {"Dropout",      "Dropout1d",      "Dropout2d",
                                            "AlphaDropout", "FeatureDropout", "FeatureAlphaDropout",
                                            "Identity",     "Sequential"};

// Layers that are one node of the same attributes.
struct Plain {
  std::string_view layer;
  const char* node;
};
constexpr Plain kPlain[] = {{"ReLU", "Relu"},         {"Tanh", "Tanh"},
                            {"Sigmoid", "Sigmoid"},   {"Flatten", "Flatten"},
                            {"Linear", "Gemm"},       {"Softmax", "Softmax"},
                            {"Softmax2d", "Softmax"}, {"LogSoftmax", "LogSoftmax"},
                            {"SiLU", "Swish"},        {"Hardswish", "HardSwish"},
                            {"Mish", "Mish"},         {"SELU", "Selu"},
                            {"Softsign", "Softsign"}, {"PReLU", "PRelu"}};

Node node_of_layer(const TorchLayer& layer, const std::string& who) {
  const std::string_view type = layer_type(layer.type);
  const Attributes attributes(layer, who);
  for (const Plain& plain : kPlain) {
    if (plain.layer == type) return {plain.node, "", {}, {}, {}};
  }
  if (type == "Conv2d") return conv(attributes);
  if (type == "MaxPool2d") return pool(attributes, "MaxPool");
  if (type == "AvgPool2d") return pool(attributes, "AveragePool");
  if (type == "AdaptiveAvgPool2d") {
    return adaptive_pool(attributes, "GlobalAveragePool", "AveragePool");
  }
  if (type == "AdaptiveMaxPool2d") return adaptive_pool(attributes, "GlobalMaxPool", "MaxPool");
  if (type == "BatchNorm1d" || type == "BatchNorm2d") return norm(attributes, "BatchNormalization");
  if (type == "InstanceNorm2d" && !attributes.flag("track_running_stats")) {
    return norm(attributes, "InstanceNormalization");
  }
  if (type == "GroupNorm") return group_norm(attributes);
  if (type == "LayerNorm") return layer_norm(attributes);
  if (type == "ZeroPad2d" || type == "ConstantPad2d") return constant_pad(attributes);
  if (type == "GELU") return gelu(attributes);
  if (type == "ReLU6") return clip(0, 6);
  if (type == "Hardtanh") {
    return clip(attributes.number("min_val", -1), attributes.number("max_val", 1));
  }
  if (type == "Hardsigmoid") {
    return {"HardSigmoid", "", {}, {}, {{"alpha", 1.0 / 6.0}, {"beta", 0.5}}};
  }
  if (type == "CELU") return {"Celu", "", {}, {}, {{"alpha", attributes.number("alpha", 1.0)}}};
  if (type == "Softplus" && attributes.number("beta", 1) == 1) {
    return {"Softplus", "", {}, {}, {}};
  }
  if (type == "LeakyReLU") {
    return {"LeakyRelu", "", {}, {}, {{"alpha", attributes.number("negative_slope", 0.01)}}};
  }
  if (type == "ELU") return {"Elu", "", {}, {}, {{"alpha", attributes.number("alpha", 1.0)}}};
  throw Error(fmt::format("{}: layer '{}': class '{}' is not known", who, printable(layer.name, 80),
                          printable(layer.type, 120)));
}

}  // namespace

std::vector<Node> nodes_of_layers(const std::vector<TorchLayer>& layers, bool all,
                                  const std::string& who) {
  std::vector<Node> nodes;
  for (const TorchLayer& layer : layers) {
    const std::string_view type = layer_type(layer.type);
    if (std::find(std::begin(kPassedOver), std::end(kPassedOver), type) != std::end(kPassedOver)) {
      continue;
    }
    try {
      nodes.push_back(node_of_layer(layer, who));
      nodes.back().name = layer.name;
    } catch (const Error&) {
      if (all) throw;
    }
  }
  return nodes;
}

}  // namespace mnist
