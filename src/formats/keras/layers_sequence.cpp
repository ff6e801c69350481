// Layers of sequences (length, channels): what those of feature maps do, on maps of one column.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

// An integer, alone or in a list.
int64_t config_single(const JsonView& config, const char* key, int64_t otherwise) {
  const std::optional<JsonView> value = config_value(config, key);
  if (!value) return otherwise;
  if (!value->value().is_array()) return value->integer();
  const std::vector<int64_t> list = value->integers();
  if (list.size() != 1) value->fail("one integer expected");
  return list[0];
}

std::pair<int64_t, int64_t> config_ends(const JsonView& config, const char* key) {
  constexpr int64_t kLargest = 1024;
  const auto [begin, end] = config_pair(config, key, {1, 1});
  if (begin < 0 || end < 0 || begin > kLargest || end > kLargest) {
    config.fail(fmt::format("{}: two integers of 0 to {} expected", key, kLargest));
  }
  return {begin, end};
}

// (length, channels) as a map of one column.
KerasValue as_column(KerasTranslation& layer) {
  const KerasValue& value = layer.input();
  if (value.shape.size() != 2 || layer.is_channels_first()) {
    layer.fail(fmt::format("(length, channels) expected, got {}", to_string(value.shape)));
  }
  return layer.order().as_planes(
      layer.order().reshaped(value, {value.shape[0], 1, value.shape[1]}));
}

KerasValue from_column(KerasTranslation& layer, const std::string& name) {
  const KerasValue planes = layer.planes(name);
  return layer.order().reshaped(planes, {planes.shape[0], planes.shape[2]});
}

std::map<std::string, Attribute> window(KerasTranslation& layer, const KerasValue& planes,
                                        int64_t size, int64_t stride) {
  const JsonView& config = layer.config();
  const std::string padding = config_text(config, "padding", "valid");
  if (padding != "same" && padding != "valid" && padding != "causal") {
    layer.fail(
        fmt::format("padding '{}': 'same', 'valid' or 'causal' expected", printable(padding, 40)));
  }
  const int64_t dilation = config_single(config, "dilation_rate", 1);
  std::map<std::string, Attribute> attributes = layer.order().window_attributes(
      planes, {.kernel = {size, 1},
               .strides = {config_single(config, "strides", stride), 1},
               .dilations = {dilation, 1},
               .is_same = padding == "same"});
  if (padding == "causal")
    attributes["pads"] = std::vector<int64_t>{(size - 1) * dilation, 0, 0, 0};
  return attributes;
}

// A kernel (length, ...) as one of a single column.
Tensor as_column_kernel(Tensor kernel) {
  kernel.shape.insert(kernel.shape.begin() + 1, 1);
  return kernel;
}

KerasValue convolution(KerasTranslation& layer, const KerasValue& planes, const Tensor& kernel,
                       std::map<std::string, Attribute> attributes, const char* weight) {
  const int64_t outputs = kernel.shape[0];
  std::vector<std::string> names = {planes.name, layer.add_weight(weight, kernel)};
  if (layer.has("bias")) names.push_back(layer.add_weight("bias", layer.take("bias", {outputs})));
  const KerasValue value = layer.planes(layer.add_node("Conv", names, std::move(attributes)));
  return from_column(layer, activate(layer, value, layer.config()).name);
}

KerasValue pool(KerasTranslation& layer, const char* type) {
  const KerasValue planes = as_column(layer);
  const int64_t size = config_single(layer.config(), "pool_size", 2);
  return from_column(layer, layer.add_node(type, {planes.name}, window(layer, planes, size, size)));
}

KerasValue global_pool(KerasTranslation& layer, const char* type) {
  KerasValue value = layer.order().in_order(layer.input());
  if (value.shape.size() != 2 || layer.is_channels_first()) {
    layer.fail(fmt::format("(length, channels) expected, got {}", to_string(value.shape)));
  }
  const bool keeps = config_flag(layer.config(), "keepdims", false);
  value.name =
      layer.add_node(type, {value.name},
                     {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{keeps ? 1 : 0}}});
  value.shape = keeps ? Shape{1, value.shape[1]} : Shape{value.shape[1]};
  return value;
}

KerasValue padded(KerasTranslation& layer, int64_t begin, int64_t end) {
  KerasValue value = layer.order().in_order(layer.input());
  if (value.shape.size() != 2) {
    layer.fail(fmt::format("(length, channels) expected, got {}", to_string(value.shape)));
  }
  value.name =
      layer.add_node("Pad", {value.name}, {{"pads", std::vector<int64_t>{0, begin, 0, 0, end, 0}}});
  value.shape = layer.document_shape(value);
  return value;
}

}  // namespace

KerasValue keras_conv_1d(KerasTranslation& layer) {
  const KerasValue planes = as_column(layer);
  const int64_t channels = planes.shape[2];
  const int64_t groups = config_integer(layer.config(), "groups", 1);
  if (groups < 1 || channels % groups != 0) {
    layer.fail(fmt::format("{} groups do not divide {} channels", groups, channels));
  }
  const int64_t size = config_single(layer.config(), "kernel_size", -1);
  const int64_t filters = config_integer(layer.config(), "filters", -1);
  const Tensor kernel = layer.take("kernel", {size, channels / groups, filters});
  std::map<std::string, Attribute> attributes = window(layer, planes, kernel.shape[0], 1);
  if (groups != 1) attributes["group"] = groups;
  return convolution(layer, planes, conv_kernel(as_column_kernel(kernel)), std::move(attributes),
                     "kernel");
}

// A convolution of each channel by itself, then one of single positions.
KerasValue keras_separable_conv_1d(KerasTranslation& layer) {
  const KerasValue planes = as_column(layer);
  const int64_t channels = planes.shape[2];
  const int64_t size = config_single(layer.config(), "kernel_size", -1);
  const int64_t multiplier = config_integer(layer.config(), "depth_multiplier", 1);
  const Tensor kernel = layer.take("depthwise_kernel", {size, channels, multiplier});
  std::map<std::string, Attribute> attributes = window(layer, planes, kernel.shape[0], 1);
  attributes["group"] = channels;
  const std::string weight =
      layer.add_weight("depthwise_kernel", depthwise_kernel(as_column_kernel(kernel)));
  const KerasValue middle =
      layer.planes(layer.add_node("Conv", {planes.name, weight}, attributes, "depthwise"));
  const int64_t filters = config_integer(layer.config(), "filters", -1);
  const Tensor points = layer.take("pointwise_kernel", {1, middle.shape[2], filters});
  return convolution(layer, middle, conv_kernel(as_column_kernel(points)), {}, "pointwise_kernel");
}

KerasValue keras_max_pool_1d(KerasTranslation& layer) { return pool(layer, "MaxPool"); }
KerasValue keras_average_pool_1d(KerasTranslation& layer) { return pool(layer, "AveragePool"); }
KerasValue keras_global_max_pool_1d(KerasTranslation& layer) {
  return global_pool(layer, "ReduceMax");
}
KerasValue keras_global_average_pool_1d(KerasTranslation& layer) {
  return global_pool(layer, "ReduceMean");
}

KerasValue keras_pad_1d(KerasTranslation& layer) {
  const auto [begin, end] = config_ends(layer.config(), "padding");
  return padded(layer, begin, end);
}

KerasValue keras_crop_1d(KerasTranslation& layer) {
  const auto [begin, end] = config_ends(layer.config(), "cropping");
  return padded(layer, -begin, -end);
}

}  // namespace mnist
