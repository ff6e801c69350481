#include "formats/channel_last.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {

void ChannelLastGraph::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: '{}': {}", graph_.who(), printable(node_, 80), reason));
}

std::string ChannelLastGraph::add_node(const std::string& type, std::vector<std::string> inputs,
                                       std::map<std::string, Attribute> attributes,
                                       const std::string& suffix) {
  return graph_.add_node(type, suffix.empty() ? node_ : fmt::format("{}/{}", node_, suffix),
                         std::move(inputs), std::move(attributes));
}

std::string ChannelLastGraph::transpose(const std::string& value,
                                        const std::vector<int64_t>& axes) {
  std::vector<int64_t> with_batch = {0};
  for (int64_t axis : axes) with_batch.push_back(axis + 1);
  return add_node("Transpose", {value}, {{"perm", with_batch}}, "transpose");
}

std::string ChannelLastGraph::reshape(const std::string& value, const Shape& shape) {
  if (graph_.shape(value) == shape) return value;
  return add_node("Reshape", {value}, {{"shape", shape}}, "reshape");
}

ChannelLastValue ChannelLastGraph::in_order(ChannelLastValue value) {
  if (value.is_planes) {
    const Shape& hwc = value.shape;
    value.name = is_same_order(hwc) ? reshape(value.name, hwc) : transpose(value.name, {1, 2, 0});
    value.is_planes = false;
  } else if (!value.flattened.empty()) {
    const Shape hwc = value.flattened;
    const std::string planes = reshape(value.name, {hwc[2], hwc[0], hwc[1]});
    value.name = reshape(transpose(planes, {1, 2, 0}), value.shape);
    value.flattened.clear();
  }
  return value;
}

ChannelLastValue ChannelLastGraph::as_planes(const ChannelLastValue& value) {
  const Shape& hwc = value.shape;
  if (hwc.size() != 3) fail(fmt::format("a feature map expected, got {}", to_string(hwc)));
  if (value.is_planes) return value;
  ChannelLastValue planes{.name = "", .shape = hwc, .is_planes = true};
  planes.name = is_same_order(hwc) ? reshape(value.name, {hwc[2], hwc[0], hwc[1]})
                                   : transpose(value.name, {2, 0, 1});
  return planes;
}

ChannelLastValue ChannelLastGraph::planes(const std::string& name) const {
  const Shape& chw = graph_.shape(name);
  return {.name = name, .shape = {chw[1], chw[2], chw[0]}, .is_planes = true};
}

ChannelLastValue ChannelLastGraph::flattened(const ChannelLastValue& value) {
  ChannelLastValue result{.name = value.name,
                          .shape = {static_cast<int64_t>(element_count(value.shape))},
                          .flattened = value.flattened};
  if (value.is_planes && !is_same_order(value.shape)) result.flattened = value.shape;
  if (document_shape(value).size() != 1) result.name = add_node("Flatten", {value.name});
  return result;
}

ChannelLastValue ChannelLastGraph::reshaped(const ChannelLastValue& value, const Shape& shape) {
  if (shape == value.shape) return value;
  if (shape.size() == 1) return flattened(value);
  if (shape.size() == 3 && shape == value.flattened) {
    const std::string planes = reshape(value.name, {shape[2], shape[0], shape[1]});
    return {.name = planes, .shape = shape, .is_planes = true};
  }
  const ChannelLastValue ordered = in_order(value);
  return {.name = reshape(ordered.name, shape), .shape = shape};
}

ChannelLastValue ChannelLastGraph::permuted(const ChannelLastValue& value,
                                            const std::vector<int64_t>& axes) {
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  Shape shape;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes.size() != value.shape.size() || sorted[i] != static_cast<int64_t>(i)) {
      fail(fmt::format("every axis of {} once expected", to_string(value.shape)));
    }
    shape.push_back(value.shape[static_cast<size_t>(axes[i])]);
  }
  if (axes == sorted) return value;
  // Going from one order of feature maps to the other needs nothing.
  if (value.is_planes && axes == std::vector<int64_t>{2, 0, 1}) {
    return {.name = value.name, .shape = shape};
  }
  if (!value.is_planes && axes == std::vector<int64_t>{1, 2, 0}) {
    return {.name = value.name, .shape = shape, .is_planes = true};
  }
  return {.name = transpose(in_order(value).name, axes), .shape = shape};
}

ChannelLastValue ChannelLastGraph::softmax(const char* type, ChannelLastValue value, size_t axis,
                                           const std::string& suffix) {
  if (axis >= value.shape.size()) fail("an axis of the image expected for the softmax");
  if (value.is_planes) axis = axis == 2 ? 0 : axis + 1;
  value.name = add_node(type, {value.name}, {{"axis", static_cast<int64_t>(axis) + 1}}, suffix);
  return value;
}

std::vector<ChannelLastValue> ChannelLastGraph::alike(std::vector<ChannelLastValue> values) {
  const bool same = std::all_of(values.begin(), values.end(), [&](const ChannelLastValue& value) {
    return value.is_planes == values[0].is_planes && value.flattened == values[0].flattened;
  });
  if (!same) {
    for (ChannelLastValue& value : values) value = in_order(std::move(value));
  }
  return values;
}

ChannelLastValue ChannelLastGraph::concatenated(std::vector<ChannelLastValue> values, size_t axis) {
  values = alike(std::move(values));
  const size_t rank = values.at(0).shape.size();
  if (axis >= rank) fail("an axis of the image expected to join along");
  ChannelLastValue result = {
      .name = "", .shape = values[0].shape, .is_planes = values[0].is_planes};
  result.shape[axis] = 0;
  std::vector<std::string> names;
  for (ChannelLastValue& value : values) {
    if (value.shape.size() != rank) fail("inputs of as many extents expected");
    result.shape[axis] += value.shape[axis];
    // Joined vectors have no common feature map to count by.
    if (!value.flattened.empty()) value = in_order(std::move(value));
    names.push_back(value.name);
  }
  if (result.is_planes) axis = axis == 2 ? 0 : axis + 1;
  result.name = add_node("Concat", names, {{"axis", static_cast<int64_t>(axis) + 1}});
  return result;
}

std::map<std::string, Attribute> ChannelLastGraph::window_attributes(
    const ChannelLastValue& planes, const ChannelLastWindow& window) const {
  constexpr int64_t kLargest = 1024;
  const auto& [kernel, strides, dilations, is_same] = window;
  for (int64_t value : {kernel.first, kernel.second, strides.first, strides.second, dilations.first,
                        dilations.second}) {
    if (value < 1 || value > kLargest) {
      fail(
          fmt::format("sizes, strides and dilations of 1 to {} expected, got {}", kLargest, value));
    }
  }
  const std::pair<int64_t, int64_t> one = {1, 1};
  const auto list = [](const std::pair<int64_t, int64_t>& pair) {
    return std::vector<int64_t>{pair.first, pair.second};
  };
  std::map<std::string, Attribute> attributes = {{"kernel_shape", list(kernel)}};
  if (strides != one) attributes["strides"] = list(strides);
  if (dilations != one) attributes["dilations"] = list(dilations);
  if (is_same) {
    const Shape& chw = document_shape(planes);
    const auto rows = same_padding(chw[1], kernel.first, strides.first, dilations.first);
    const auto columns = same_padding(chw[2], kernel.second, strides.second, dilations.second);
    const std::vector<int64_t> pads = {rows.first, columns.first, rows.second, columns.second};
    if (pads != std::vector<int64_t>(4, 0)) attributes["pads"] = pads;
  }
  return attributes;
}

std::map<std::string, Attribute> ChannelLastGraph::transposed_window_attributes(
    const ChannelLastValue& planes, const ChannelLastWindow& window,
    std::pair<int64_t, int64_t> output) const {
  ChannelLastWindow without_padding = window;
  without_padding.is_same = false;
  std::map<std::string, Attribute> attributes = window_attributes(planes, without_padding);
  const Shape& chw = document_shape(planes);
  // More than `wanted` outputs are cut off, at both ends with "same"; fewer are filled up.
  const auto surplus = [&](int64_t inputs, int64_t kernel, int64_t stride, int64_t dilation,
                           int64_t wanted) {
    return (inputs - 1) * stride + (kernel - 1) * dilation + 1 - wanted;
  };
  const auto& [kernel, strides, dilations, is_same] = window;
  const int64_t rows = surplus(chw[1], kernel.first, strides.first, dilations.first, output.first);
  const int64_t columns =
      surplus(chw[2], kernel.second, strides.second, dilations.second, output.second);
  const auto cut = [](int64_t amount) { return std::max<int64_t>(amount, 0); };
  const int64_t top = is_same ? cut(rows) / 2 : 0;
  const int64_t left = is_same ? cut(columns) / 2 : 0;
  const std::vector<int64_t> pads = {top, left, cut(rows) - top, cut(columns) - left};
  if (pads != std::vector<int64_t>(4, 0)) attributes["pads"] = pads;
  if (rows < 0 || columns < 0) {
    attributes["output_padding"] = std::vector<int64_t>{cut(-rows), cut(-columns)};
  }
  return attributes;
}

size_t planes_place(size_t index, const Shape& hwc) {
  const auto channels = static_cast<size_t>(hwc[2]);
  const auto positions = static_cast<size_t>(hwc[0] * hwc[1]);
  return index % channels * positions + index / channels;
}

std::vector<float> to_planes(const std::vector<float>& values, const Shape& hwc) {
  if (values.size() != element_count(hwc)) {
    throw Error(fmt::format("{} values for a feature map {}", values.size(), to_string(hwc)));
  }
  std::vector<float> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) result[planes_place(i, hwc)] = values[i];
  return result;
}

bool is_same_order(const Shape& hwc) { return hwc[2] == 1 || (hwc[0] == 1 && hwc[1] == 1); }

Tensor dense_kernel(const Tensor& kernel, const Shape& flattened) {
  const auto inputs = static_cast<size_t>(kernel.shape[0]);
  const auto outputs = static_cast<size_t>(kernel.shape[1]);
  Tensor result{{kernel.shape[1], kernel.shape[0]}, std::vector<float>(kernel.values.size())};
  for (size_t i = 0; i < inputs; ++i) {
    const size_t row = flattened.empty() ? i : planes_place(i, flattened);
    for (size_t o = 0; o < outputs; ++o) {
      result.values[o * inputs + row] = kernel.values[i * outputs + o];
    }
  }
  return result;
}

Tensor conv_kernel(const Tensor& kernel) {
  const auto outputs = static_cast<size_t>(kernel.shape[3]);
  const auto inputs = static_cast<size_t>(kernel.shape[2]);
  const auto taps = static_cast<size_t>(kernel.shape[0] * kernel.shape[1]);
  Tensor result{{kernel.shape[3], kernel.shape[2], kernel.shape[0], kernel.shape[1]},
                std::vector<float>(kernel.values.size())};
  for (size_t tap = 0; tap < taps; ++tap) {
    for (size_t i = 0; i < inputs; ++i) {
      for (size_t o = 0; o < outputs; ++o) {
        result.values[(o * inputs + i) * taps + tap] =
            kernel.values[(tap * inputs + i) * outputs + o];
      }
    }
  }
  return result;
}

Tensor depthwise_kernel(Tensor kernel) {
  const int64_t outputs = kernel.shape[2] * kernel.shape[3];
  kernel.shape = {kernel.shape[0], kernel.shape[1], 1, outputs};
  return conv_kernel(kernel);
}

std::pair<int64_t, int64_t> same_padding(int64_t input, int64_t kernel, int64_t stride,
                                         int64_t dilation) {
  const int64_t outputs = (input + stride - 1) / stride;
  const int64_t reach = (outputs - 1) * stride + (kernel - 1) * dilation + 1;
  const int64_t total = std::max<int64_t>(reach - input, 0);
  return {total / 2, total - total / 2};
}

}  // namespace mnist
