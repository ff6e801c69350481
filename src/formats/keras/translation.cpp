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
  return graph_.add_weight(fmt::format("{}/{}", layer_.full_name(), name), std::move(tensor));
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

std::string KerasTranslation::transpose(const std::string& value,
                                        const std::vector<int64_t>& axes) {
  std::vector<int64_t> with_batch = {0};
  for (int64_t axis : axes) with_batch.push_back(axis + 1);
  return add_node("Transpose", {value}, {{"perm", with_batch}}, "transpose");
}

std::string KerasTranslation::reshape(const std::string& value, const Shape& shape) {
  if (graph_.shape(value) == shape) return value;
  return add_node("Reshape", {value}, {{"shape", shape}}, "reshape");
}

KerasValue KerasTranslation::in_keras_order(KerasValue value) {
  if (value.is_planes) {
    const Shape& hwc = value.shape;
    const bool same = hwc[2] == 1 || (hwc[0] == 1 && hwc[1] == 1);
    value.name = same ? reshape(value.name, hwc) : transpose(value.name, {1, 2, 0});
    value.is_planes = false;
  } else if (!value.flattened.empty()) {
    const Shape hwc = value.flattened;
    const std::string planes = reshape(value.name, {hwc[2], hwc[0], hwc[1]});
    value.name = reshape(transpose(planes, {1, 2, 0}), value.shape);
    value.flattened.clear();
  }
  return value;
}

bool KerasTranslation::is_channels_first() const {
  return config_text(config(), "data_format", "channels_last") == "channels_first";
}

KerasValue KerasTranslation::as_planes(const KerasValue& value) {
  if (value.shape.size() != 3) {
    fail(fmt::format("an input of 3 extents expected, got {}", to_string(value.shape)));
  }
  if (is_channels_first()) return in_keras_order(value);
  if (value.is_planes) return value;
  const Shape& hwc = value.shape;
  const bool same = hwc[2] == 1 || (hwc[0] == 1 && hwc[1] == 1);
  KerasValue planes{.name = "", .shape = hwc, .is_planes = true};
  planes.name =
      same ? reshape(value.name, {hwc[2], hwc[0], hwc[1]}) : transpose(value.name, {2, 0, 1});
  return planes;
}

KerasValue KerasTranslation::planes(const std::string& name) const {
  const Shape& chw = graph_.shape(name);
  if (is_channels_first()) return {.name = name, .shape = chw};
  return {.name = name, .shape = {chw[1], chw[2], chw[0]}, .is_planes = true};
}

size_t planes_place(size_t index, const Shape& hwc) {
  const auto channels = static_cast<size_t>(hwc[2]);
  const auto positions = static_cast<size_t>(hwc[0] * hwc[1]);
  return index % channels * positions + index / channels;
}

std::vector<float> to_planes(const std::vector<float>& values, const Shape& hwc) {
  std::vector<float> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) result[planes_place(i, hwc)] = values[i];
  return result;
}

}  // namespace mnist
