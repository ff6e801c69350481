// BatchNormalization, Normalization, Rescaling, and what does nothing in inference.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

// The shape with which one value a channel is broadcast to `value` in the document.
Shape channel_shape(const KerasTranslation& layer, const KerasValue& value, int64_t channels) {
  if (value.shape.size() == 1) return {channels};
  if (value.is_planes) return {channels, 1, 1};
  if (value.shape.back() == channels) {
    Shape shape(value.shape.size(), 1);
    shape.back() = channels;
    return shape;
  }
  layer.fail("one value for each channel expected, on the last axis");
}

KerasValue scale_and_add(KerasTranslation& layer, KerasValue value, const Tensor& scale,
                         const Tensor& offset) {
  value.name = layer.add_node("Mul", {value.name, layer.add_weight("scale", scale)}, {}, "scale");
  value.name = layer.add_node("Add", {value.name, layer.add_weight("offset", offset)});
  return value;
}

// The axes that Keras's config names, one or a list, in rising order; 0 is the batch.
std::vector<int64_t> read_axes(const JsonView& config, int64_t rank) {
  std::vector<int64_t> axes = {-1};
  if (const auto given = config_value(config, "axis")) {
    axes = given->value().is_array() ? given->integers() : std::vector{given->integer()};
    if (axes.empty()) given->fail("an axis expected");
  }
  for (int64_t& axis : axes) axis += axis < 0 ? rank + 1 : 0;
  std::sort(axes.begin(), axes.end());
  return axes;
}

int64_t read_axis(const JsonView& config, int64_t rank) {
  const std::vector<int64_t> axes = read_axes(config, rank);
  if (axes.size() != 1) config.fail("axis: one expected");
  return axes[0];
}

}  // namespace

std::vector<KerasVariable> keras_batch_normalization_variables(const JsonView& config) {
  std::vector<KerasVariable> variables;
  if (config_flag(config, "scale", true)) variables.push_back({"gamma"});
  if (config_flag(config, "center", true)) variables.push_back({"beta"});
  variables.push_back({"moving_mean", false});
  variables.push_back({"moving_variance", false});
  return variables;
}

// The document's normalises the first axis, which planes and vectors have the channels on.
KerasValue keras_batch_normalization(KerasTranslation& layer) {
  KerasValue value = layer.input();
  const auto rank = static_cast<int64_t>(value.shape.size());
  const int64_t axis = read_axis(layer.config(), rank);
  if (axis == rank && rank == 3 && !value.is_planes) value = layer.order().as_planes(value);
  if (axis == 1 && rank == 3) value = layer.order().in_order(value);
  const bool first = (rank == 1 && axis == 1) || (rank == 3 && axis == (value.is_planes ? 3 : 1));
  if (!first) layer.fail(fmt::format("axis {} of {} extents is not read", axis, rank));
  const int64_t channels = layer.document_shape(value)[0];
  std::vector<std::string> names = {value.name};
  for (const char* name : {"gamma", "beta", "moving_mean", "moving_variance"}) {
    const bool is_left_out =
        !layer.has(name) && (name == std::string("gamma") || name == std::string("beta"));
    Tensor tensor =
        is_left_out ? Tensor{{channels}, std::vector<float>(channels, *name == 'g' ? 1.0F : 0.0F)}
                    : layer.take(name, {channels});
    if (!value.flattened.empty()) tensor.values = to_planes(tensor.values, value.flattened);
    names.push_back(layer.add_weight(name, std::move(tensor)));
  }
  value.name = layer.add_node("BatchNormalization", names,
                              {{"epsilon", config_number(layer.config(), "epsilon", 1e-3)},
                               {"momentum", config_number(layer.config(), "momentum", 0.99)}});
  return value;
}

std::vector<KerasVariable> keras_scaled_variables(const JsonView& config) {
  std::vector<KerasVariable> variables;
  if (config_flag(config, "scale", true)) variables.push_back({"gamma"});
  if (config_flag(config, "center", true)) variables.push_back({"beta"});
  return variables;
}

// Over the last axis, or over all of them.
KerasValue keras_layer_normalization(KerasTranslation& layer) {
  KerasValue value = layer.input();
  const JsonView& config = layer.config();
  if (config_flag(config, "rms_scaling", false)) layer.fail("rms_scaling: false expected");
  const auto rank = static_cast<int64_t>(value.shape.size());
  const std::vector<int64_t> axes = read_axes(config, rank);
  const bool is_all = axes.size() == value.shape.size() && axes.front() == 1;
  if (!is_all && axes != std::vector<int64_t>{rank})
    layer.fail("axis: the last one, or all, expected");
  if (!is_all) value = layer.order().in_order(value);
  const Shape shape = is_all ? value.shape : Shape{value.shape.back()};
  std::vector<std::string> names = {value.name};
  for (const char* name : {"gamma", "beta"}) {
    Tensor tensor{shape, std::vector<float>(element_count(shape), *name == 'g' ? 1.0F : 0.0F)};
    if (layer.has(name)) tensor = layer.take(name, shape);
    const Shape& hwc = value.is_planes ? value.shape : value.flattened;
    if (!hwc.empty()) tensor.values = to_planes(tensor.values, hwc);
    if (value.is_planes) tensor.shape = layer.document_shape(value);
    names.push_back(layer.add_weight(name, std::move(tensor)));
  }
  value.name = layer.add_node(
      "LayerNormalization", names,
      {{"axis", is_all ? int64_t{1} : rank}, {"epsilon", config_number(config, "epsilon", 1e-3)}});
  return value;
}

KerasValue keras_group_normalization(KerasTranslation& layer) {
  const JsonView& config = layer.config();
  KerasValue value = layer.input();
  const auto rank = static_cast<int64_t>(value.shape.size());
  if (rank != 3 || read_axes(config, rank) != std::vector<int64_t>{rank}) {
    layer.fail("the channels of a feature map expected");
  }
  value = layer.order().as_planes(value);
  const int64_t channels = layer.document_shape(value)[0];
  const int64_t groups = config_integer(config, "groups", 32);
  std::vector<std::string> names = {value.name};
  for (const char* name : {"gamma", "beta"}) {
    Tensor tensor{{channels}, std::vector<float>(channels, *name == 'g' ? 1.0F : 0.0F)};
    if (layer.has(name)) tensor = layer.take(name, {channels});
    names.push_back(layer.add_weight(name, std::move(tensor)));
  }
  value.name = layer.add_node("GroupNormalization", names,
                              {{"num_groups", groups == -1 ? channels : groups},
                               {"epsilon", config_number(config, "epsilon", 1e-3)}});
  return value;
}

// Divided by the length of the vector along the last axis.
KerasValue keras_unit_normalization(KerasTranslation& layer) {
  KerasValue value = layer.input();
  const auto rank = static_cast<int64_t>(value.shape.size());
  if (read_axes(layer.config(), rank) != std::vector<int64_t>{rank}) {
    layer.fail("axis: the last one expected");
  }
  value.name = layer.add_node("LpNormalization", {value.name},
                              {{"axis", value.is_planes ? int64_t{1} : rank}, {"p", int64_t{2}}});
  return value;
}

std::vector<KerasVariable> keras_normalization_variables(const JsonView& config) {
  if (config_value(config, "mean")) return {};
  return {{"mean", false}, {"variance", false}, {"count", false}};
}

// (x - mean) / max(sqrt(variance), 1e-7); mean and variance are numbers of the config, or weights.
KerasValue keras_normalization(KerasTranslation& layer) {
  constexpr float kLeastDeviation = 1e-7F;
  const KerasValue& value = layer.input();
  if (config_flag(layer.config(), "invert", false)) layer.fail("invert: false expected");
  Tensor mean;
  Tensor variance;
  if (config_value(layer.config(), "mean")) {
    mean.values = {static_cast<float>(config_number(layer.config(), "mean", 0.0))};
    variance.values = {static_cast<float>(config_number(layer.config(), "variance", 1.0))};
  } else {
    mean = layer.take("mean");
    variance = layer.take("variance");
  }
  if (mean.values.empty() || mean.values.size() != variance.values.size()) {
    layer.fail("as many means as variances expected");
  }
  const auto count = static_cast<int64_t>(mean.values.size());
  if (count > 1 && !value.flattened.empty()) {
    if (Shape{count} != value.shape) layer.fail("a mean for each element expected");
    mean.values = to_planes(mean.values, value.flattened);
    variance.values = to_planes(variance.values, value.flattened);
  }
  const Shape shape = count == 1 ? Shape{1} : channel_shape(layer, value, count);
  Tensor scale{shape, variance.values};
  Tensor offset{shape, mean.values};
  for (size_t i = 0; i < scale.values.size(); ++i) {
    scale.values[i] = 1.0F / std::max(std::sqrt(variance.values[i]), kLeastDeviation);
    offset.values[i] = -mean.values[i] * scale.values[i];
  }
  return scale_and_add(layer, value, scale, offset);
}

KerasValue keras_rescaling(KerasTranslation& layer) {
  const KerasValue& value = layer.input();
  const JsonView& config = layer.config();
  const auto number = [&](const char* key, double otherwise) {
    const std::optional<JsonView> given = config_value(config, key);
    if (given && given->value().is_array()) layer.fail("one scale and offset expected");
    return config_number(config, key, otherwise);
  };
  const double scale = number("scale", 1.0);
  const double offset = number("offset", 0.0);
  if (offset == 0.0) {
    KerasValue scaled = value;
    const std::string factor = layer.add_weight("scale", {{1}, {static_cast<float>(scale)}});
    scaled.name = layer.add_node("Mul", {value.name, factor});
    return scaled;
  }
  return scale_and_add(layer, value, {{1}, {static_cast<float>(scale)}},
                       {{1}, {static_cast<float>(offset)}});
}

KerasValue keras_dropout(KerasTranslation& layer) {
  const double rate = config_number(layer.config(), "rate", 0.5);
  return layer.map_elements("Dropout", layer.input(), {{"ratio", rate}});
}

KerasValue keras_identity(KerasTranslation& layer) { return layer.input(); }

}  // namespace mnist
