// Conv2D, DepthwiseConv2D, SeparableConv2D, Conv2DTranspose.
#include <fmt/format.h>

#include <algorithm>

#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

int64_t channels_of(const KerasTranslation& layer, const KerasValue& planes) {
  return layer.document_shape(planes)[0];
}

void add_bias(KerasTranslation& layer, int64_t outputs, std::vector<std::string>& names) {
  if (layer.has("bias")) names.push_back(layer.add_weight("bias", layer.take("bias", {outputs})));
}

// The depthwise step, without bias.
std::string depthwise(KerasTranslation& layer, const KerasValue& planes, const std::string& weight,
                      std::vector<std::string> bias, const std::string& suffix) {
  const auto [height, width] = config_pair(layer.config(), "kernel_size", {-1, -1});
  const int64_t channels = channels_of(layer, planes);
  const int64_t multiplier = config_integer(layer.config(), "depth_multiplier", 1);
  const Tensor kernel = layer.take(weight, {height, width, channels, multiplier});
  std::map<std::string, Attribute> attributes =
      layer.window_attributes(planes, {kernel.shape[0], kernel.shape[1]}, {1, 1});
  attributes["group"] = channels;
  std::vector<std::string> names = {planes.name,
                                    layer.add_weight(weight, depthwise_kernel(kernel))};
  names.insert(names.end(), bias.begin(), bias.end());
  return layer.add_node("Conv", names, attributes, suffix);
}

}  // namespace

std::vector<KerasVariable> keras_conv_variables(const JsonView& config) {
  std::vector<KerasVariable> variables = {{"kernel"}};
  if (config_flag(config, "use_bias", true)) variables.push_back({"bias"});
  return variables;
}

KerasValue keras_conv(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const int64_t groups = config_integer(layer.config(), "groups", 1);
  const int64_t channels = channels_of(layer, planes);
  if (groups < 1 || channels % groups != 0) {
    layer.fail(fmt::format("{} groups do not divide {} channels", groups, channels));
  }
  const auto [height, width] = config_pair(layer.config(), "kernel_size", {-1, -1});
  const int64_t filters = config_integer(layer.config(), "filters", -1);
  const Tensor kernel = layer.take("kernel", {height, width, channels / groups, filters});
  std::map<std::string, Attribute> attributes =
      layer.window_attributes(planes, {kernel.shape[0], kernel.shape[1]}, {1, 1});
  if (groups != 1) attributes["group"] = groups;
  std::vector<std::string> names = {planes.name, layer.add_weight("kernel", conv_kernel(kernel))};
  add_bias(layer, kernel.shape[3], names);
  return activate(layer, layer.planes(layer.add_node("Conv", names, attributes)), layer.config());
}

// Keras 3 calls the kernel "kernel", Keras 2 "depthwise_kernel": readers go by their order.
std::vector<KerasVariable> keras_depthwise_conv_variables(const JsonView& config) {
  std::vector<KerasVariable> variables = {{"depthwise_kernel"}};
  if (config_flag(config, "use_bias", true)) variables.push_back({"bias"});
  return variables;
}

KerasValue keras_depthwise_conv(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  std::vector<std::string> bias;
  add_bias(layer, -1, bias);
  const std::string value = depthwise(layer, planes, "depthwise_kernel", bias, "");
  return activate(layer, layer.planes(value), layer.config());
}

std::vector<KerasVariable> keras_separable_conv_variables(const JsonView& config) {
  std::vector<KerasVariable> variables = {{"depthwise_kernel"}, {"pointwise_kernel"}};
  if (config_flag(config, "use_bias", true)) variables.push_back({"bias"});
  return variables;
}

// A depthwise convolution, then a 1x1 one.
KerasValue keras_separable_conv(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const KerasValue middle =
      layer.planes(depthwise(layer, planes, "depthwise_kernel", {}, "depthwise"));
  const int64_t filters = config_integer(layer.config(), "filters", -1);
  const Tensor kernel = layer.take("pointwise_kernel", {1, 1, channels_of(layer, middle), filters});
  std::vector<std::string> names = {middle.name,
                                    layer.add_weight("pointwise_kernel", conv_kernel(kernel))};
  add_bias(layer, kernel.shape[3], names);
  return activate(layer, layer.planes(layer.add_node("Conv", names)), layer.config());
}

// The kernel is (height,width,out,in).
KerasValue keras_conv_transpose(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const JsonView& config = layer.config();
  const auto [height, width] = config_pair(config, "kernel_size", {-1, -1});
  const int64_t filters = config_integer(config, "filters", -1);
  const Tensor kernel = layer.take("kernel", {height, width, filters, channels_of(layer, planes)});
  if (config_value(config, "output_padding")) layer.fail("output_padding: none expected");
  const std::string padding = config_text(config, "padding", "valid");
  if (padding != "same" && padding != "valid") layer.fail("padding: 'same' or 'valid' expected");
  const ChannelLastWindow window = {.kernel = {kernel.shape[0], kernel.shape[1]},
                                    .strides = config_pair(config, "strides", {1, 1}),
                                    .dilations = config_pair(config, "dilation_rate", {1, 1}),
                                    .is_same = padding == "same"};
  layer.order().window_attributes(planes, window);  // throws where a number is beyond reason
  const auto length = [&](int64_t input, int64_t size, int64_t stride, int64_t dilation) {
    const int64_t reach = (size - 1) * dilation + 1;
    return input * stride + (window.is_same ? 0 : std::max<int64_t>(reach - stride, 0));
  };
  const Shape& chw = layer.document_shape(planes);
  const std::pair<int64_t, int64_t> output = {
      length(chw[1], window.kernel.first, window.strides.first, window.dilations.first),
      length(chw[2], window.kernel.second, window.strides.second, window.dilations.second)};
  std::vector<std::string> names = {planes.name, layer.add_weight("kernel", conv_kernel(kernel))};
  add_bias(layer, kernel.shape[2], names);
  const std::string value = layer.add_node(
      "ConvTranspose", names, layer.order().transposed_window_attributes(planes, window, output));
  return activate(layer, layer.planes(value), config);
}

}  // namespace mnist
