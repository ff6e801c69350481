// Layers of feature maps: convolutions, pooling, padding, enlarging.
#include <fmt/format.h>

#include "formats/channel_last.h"
#include "formats/keras/save_layers.h"

namespace mnist {
namespace {

using Order = KerasVariablePlan::Order;
using Pair = std::vector<int64_t>;

struct SavedWindow {
  Pair strides, dilations;
  Pair begin, end;      // padding as the output's size says it is, rounded up or not
  std::string padding;  // "valid", "same", or "" where it is neither
};

SavedWindow saved_window(KerasPlanner& planner, const Pair& kernel) {
  const Node& node = planner.node();
  SavedWindow window{
      node.integers("strides", {1, 1}), node.integers("dilations", {1, 1}), {}, {}, ""};
  const std::vector<int64_t> pads = node.integers("pads", {0, 0, 0, 0});
  const std::string automatic = node.text("auto_pad", "NOTSET");
  const Shape& input = planner.input(0).shape;
  bool valid = true;
  bool same = true;
  for (size_t axis : {0U, 1U}) {
    const int64_t extent = input[axis + 1];
    const int64_t stride = window.strides[axis];
    const int64_t output = planner.output_shape()[axis + 1];
    const int64_t reach = (output - 1) * stride + (kernel[axis] - 1) * window.dilations[axis] + 1;
    const auto [before, behind] =
        same_padding(extent, kernel[axis], stride, window.dilations[axis]);
    int64_t begin = pads[axis];
    if (automatic == "SAME_UPPER") begin = before;
    if (automatic == "SAME_LOWER") begin = behind;
    window.begin.push_back(begin);
    window.end.push_back(std::max<int64_t>(reach - begin - extent, 0));
    valid = valid && begin == 0 && reach <= extent;
    same = same && begin == before && output == (extent + stride - 1) / stride;
  }
  window.padding = valid ? "valid" : same ? "same" : "";
  return window;
}

KerasPlanned zero_padding(KerasPlanner& planner, const KerasPlanned& value, const Pair& begin,
                          const Pair& end) {
  const Json padding = {{begin[0], end[0]}, {begin[1], end[1]}};
  const Shape& shape = value.shape;
  return planner.add_layer("ZeroPadding2D",
                           {{"padding", padding}, {"data_format", "channels_last"}}, {value},
                           {shape[0], shape[1] + begin[0] + end[0], shape[2] + begin[1] + end[1]});
}

}  // namespace

KerasPlanned save_conv(KerasPlanner& planner) {
  const Node& node = planner.node();
  KerasPlanned value = planner.input(0);
  const Shape& stored = planner.weight(1).shape;
  const int64_t groups = node.integer("group", 1);
  const int64_t channels = value.shape[0];
  const Pair kernel = {stored[2], stored[3]};
  SavedWindow window = saved_window(planner, kernel);
  if (window.padding.empty()) {
    value = zero_padding(planner, value, window.begin, window.end);
    window.padding = "valid";
  }
  if (window.strides != Pair{1, 1} && window.dilations != Pair{1, 1}) {
    planner.fail("strides and dilations at once");
  }
  const bool is_depthwise = groups > 1 && groups == channels;
  if (is_depthwise && window.strides[0] != window.strides[1]) {
    planner.fail("a depthwise convolution with two strides");
  }
  const bool has_bias = planner.inputs() > 2 && !node.inputs[2].empty();
  Json config = {{"kernel_size", kernel},         {"strides", window.strides},
                 {"padding", window.padding},     {"dilation_rate", window.dilations},
                 {"use_bias", has_bias},          {"activation", "linear"},
                 {"data_format", "channels_last"}};
  KerasVariablePlan weights{.weight = node.inputs[1], .shape = {}};
  if (is_depthwise) {
    config["depth_multiplier"] = stored[0] / channels;
    weights.shape = {kernel[0], kernel[1], channels, stored[0] / channels};
    weights.order = Order::kDepthwise;
  } else {
    config["filters"] = stored[0];
    config["groups"] = groups;
    weights.shape = {kernel[0], kernel[1], stored[1], stored[0]};
    weights.order = Order::kKernel;
  }
  std::vector<KerasVariablePlan> variables = {weights};
  if (has_bias) variables.push_back({.weight = node.inputs[2], .shape = {stored[0]}});
  return planner.add_layer(is_depthwise ? "DepthwiseConv2D" : "Conv2D", config, {value},
                           planner.output_shape(), variables);
}

KerasPlanned save_pool(KerasPlanner& planner) {
  const Node& node = planner.node();
  const Pair kernel = node.integers("kernel_shape", {});
  const SavedWindow window = saved_window(planner, kernel);
  if (window.dilations != Pair{1, 1}) planner.fail("dilations");
  if (window.padding.empty()) planner.fail("padding that is neither 'valid' nor 'same'");
  const bool counts_padding = node.integer("count_include_pad", 0) != 0;
  if (counts_padding && window.padding != "valid") planner.fail("a padding that counts");
  const bool is_max = node.type == "MaxPool";
  return planner.add_layer(is_max ? "MaxPooling2D" : "AveragePooling2D",
                           {{"pool_size", kernel},
                            {"strides", window.strides},
                            {"padding", window.padding},
                            {"data_format", "channels_last"}},
                           {planner.input(0)}, planner.output_shape());
}

KerasPlanned save_global_pool(KerasPlanner& planner) {
  const KerasPlanned value = planner.input(0);
  if (!value.is_planes) planner.fail("a feature map expected");
  const bool is_max = planner.node().type == "GlobalMaxPool";
  return planner.add_layer(is_max ? "GlobalMaxPooling2D" : "GlobalAveragePooling2D",
                           {{"keepdims", true}, {"data_format", "channels_last"}}, {value},
                           planner.output_shape());
}

KerasPlanned save_pad(KerasPlanner& planner) {
  const Node& node = planner.node();
  const KerasPlanned value = planner.input(0);
  const std::vector<int64_t> pads = node.integers("pads", {});
  if (!value.is_planes || node.text("mode", "constant") != "constant" ||
      node.real("value", 0.0) != 0.0 || pads.size() != 8 || pads[1] != 0 || pads[5] != 0) {
    planner.fail("rows and columns of zeros around a feature map expected");
  }
  const Pair begin = {pads[2], pads[3]};
  const Pair end = {pads[6], pads[7]};
  const auto least = std::min({begin[0], begin[1], end[0], end[1]});
  const auto most = std::max({begin[0], begin[1], end[0], end[1]});
  if (least >= 0) return zero_padding(planner, value, begin, end);
  if (most > 0) planner.fail("padding and cropping at once");
  const Json cropping = {{-begin[0], -end[0]}, {-begin[1], -end[1]}};
  return planner.add_layer("Cropping2D", {{"cropping", cropping}, {"data_format", "channels_last"}},
                           {value}, planner.output_shape());
}

KerasPlanned save_resize(KerasPlanner& planner) {
  const Node& node = planner.node();
  const KerasPlanned value = planner.input(0);
  const Shape& from = value.shape;
  const Shape& to = planner.output_shape();
  const bool is_whole =
      value.is_planes && from[0] == to[0] && to[1] % from[1] == 0 && to[2] % from[2] == 0;
  if (!is_whole || node.text("mode", "nearest") != "nearest") {
    planner.fail("enlarging by whole numbers and repeating expected");
  }
  return planner.add_layer("UpSampling2D",
                           {{"size", {to[1] / from[1], to[2] / from[2]}},
                            {"interpolation", "nearest"},
                            {"data_format", "channels_last"}},
                           {value}, to);
}

}  // namespace mnist
