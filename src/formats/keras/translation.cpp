#include "formats/keras/translation.h"

#include <fmt/format.h>

#include "base/text.h"
#include "formats/keras/config.h"
#include "mnist/error.h"

namespace mnist {
namespace {

bool fits(const Shape& shape, const Shape& wanted) {
  if (shape.size() != wanted.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (wanted[i] != -1 && shape[i] != wanted[i]) return false;
  }
  return true;
}

}  // namespace

void KerasTranslation::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: layer '{}' ({}): {}", graph_.who(),
                          printable(layer_.full_name(), 80), printable(layer_.class_name, 40),
                          reason));
}

const KerasValue& KerasTranslation::input() const {
  if (inputs_.size() != 1) fail(fmt::format("one input expected, got {}", inputs_.size()));
  return inputs_[0];
}

Tensor KerasTranslation::take(const std::string& name) {
  auto node = weights_.extract(name);
  if (node.empty()) fail(fmt::format("its weight '{}' is missing", name));
  return std::move(node.mapped());
}

Tensor KerasTranslation::take(const std::string& name, const Shape& shape) {
  Tensor tensor = take(name);
  if (!fits(tensor.shape, shape)) {
    fail(fmt::format("its weight '{}' has the shape {}, {} expected", name, to_string(tensor.shape),
                     to_string(shape)));
  }
  return tensor;
}

std::string KerasTranslation::add_weight(const std::string& name, Tensor tensor) {
  return graph_.add_shared_weight(fmt::format("{}/{}", layer_.full_name(), name),
                                  std::move(tensor));
}

KerasTranslation KerasTranslation::within(const KerasLayer& inner, KerasValue value,
                                          const std::string& prefix) const {
  KerasWeights weights;
  for (const auto& [name, tensor] : weights_) {
    if (name.starts_with(prefix)) weights[name.substr(prefix.size())] = tensor;
  }
  return {graph_, inner, {std::move(value)}, std::move(weights), keras_version_};
}

std::string KerasTranslation::add_node(const std::string& type, std::vector<std::string> inputs,
                                       std::map<std::string, Attribute> attributes,
                                       const std::string& suffix) {
  const std::string name = layer_.full_name();
  return graph_.add_node(type, suffix.empty() ? name : fmt::format("{}/{}", name, suffix),
                         std::move(inputs), std::move(attributes));
}

KerasValue KerasTranslation::map_elements(const std::string& type, KerasValue value,
                                          std::map<std::string, Attribute> attributes,
                                          const std::string& suffix) {
  value.name = add_node(type, {value.name}, std::move(attributes), suffix);
  return value;
}

bool KerasTranslation::is_channels_first() const {
  return config_text(config(), "data_format", "channels_last") == "channels_first";
}

KerasValue KerasTranslation::as_planes(const KerasValue& value) {
  if (value.shape.size() != 3) {
    fail(fmt::format("an input of 3 extents expected, got {}", to_string(value.shape)));
  }
  return is_channels_first() ? order_.in_order(value) : order_.as_planes(value);
}

KerasValue KerasTranslation::planes(const std::string& name) const {
  if (is_channels_first()) return {.name = name, .shape = graph_.shape(name)};
  return order_.planes(name);
}

std::map<std::string, Attribute> KerasTranslation::window_attributes(
    const KerasValue& planes, std::pair<int64_t, int64_t> kernel,
    std::pair<int64_t, int64_t> strides) const {
  const std::string padding = config_text(config(), "padding", "valid");
  if (padding != "same" && padding != "valid") {
    fail(fmt::format("padding '{}': 'same' or 'valid' expected", printable(padding, 40)));
  }
  return order_.window_attributes(planes,
                                  {.kernel = kernel,
                                   .strides = config_pair(config(), "strides", strides),
                                   .dilations = config_pair(config(), "dilation_rate", {1, 1}),
                                   .is_same = padding == "same"});
}

}  // namespace mnist
