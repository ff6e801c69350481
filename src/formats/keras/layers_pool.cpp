// Pooling, padding, cropping, enlarging.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

KerasValue pool(KerasTranslation& layer, const char* type) {
  const KerasValue planes = layer.as_planes(layer.input());
  const auto size = config_pair(layer.config(), "pool_size", {2, 2});
  const std::map<std::string, Attribute> attributes = layer.window_attributes(planes, size, size);
  return layer.planes(layer.add_node(type, {planes.name}, attributes));
}

KerasValue global_pool(KerasTranslation& layer, const char* type) {
  const KerasValue planes = layer.as_planes(layer.input());
  const std::string pooled = layer.add_node(type, {planes.name});
  if (config_flag(layer.config(), "keepdims", false)) return layer.planes(pooled);
  const int64_t channels = layer.document_shape(planes)[0];
  return {.name = layer.add_node("Flatten", {pooled}, {}, "flatten"), .shape = {channels}};
}

struct Margins {
  int64_t top, bottom, left, right;
};

// An integer, [rows, columns], or [[top, bottom], [left, right]].
Margins margins(const KerasTranslation& layer, const char* key) {
  constexpr int64_t kLargest = 1024;
  const std::optional<JsonView> value = config_value(layer.config(), key);
  if (!value) return {1, 1, 1, 1};
  Margins result = {};
  if (value->value().is_array() && !value->value().empty() && value->value()[0].is_array()) {
    const std::vector<JsonView> sides = value->elements();
    const std::vector<int64_t> rows = sides[0].integers();
    const std::vector<int64_t> columns = sides.size() == 2 ? sides[1].integers() : rows;
    if (sides.size() != 2 || rows.size() != 2 || columns.size() != 2) {
      value->fail("two pairs of integers expected");
    }
    result = {rows[0], rows[1], columns[0], columns[1]};
  } else {
    const auto [rows, columns] = config_pair(layer.config(), key, {1, 1});
    result = {rows, rows, columns, columns};
  }
  for (int64_t margin : {result.top, result.bottom, result.left, result.right}) {
    if (margin < 0 || margin > kLargest) value->fail("margins of 0 to 1024 expected");
  }
  return result;
}

// To so many rows and columns, as if between the pixels' centres.
KerasValue resized(KerasTranslation& layer, const KerasValue& planes, int64_t rows, int64_t columns,
                   const std::string& way) {
  constexpr int64_t kLargest = 4096;
  if (way != "nearest" && way != "bilinear") {
    layer.fail(
        fmt::format("interpolation '{}': 'nearest' or 'bilinear' expected", printable(way, 40)));
  }
  if (rows < 1 || columns < 1 || rows > kLargest || columns > kLargest) {
    layer.fail(fmt::format("1 to {} rows and columns expected", kLargest));
  }
  std::map<std::string, Attribute> attributes = {
      {"sizes", std::vector<int64_t>{1, layer.document_shape(planes)[0], rows, columns}},
      {"mode", std::string(way == "nearest" ? "nearest" : "linear")},
      {"coordinate_transformation_mode", std::string("half_pixel")}};
  if (way == "nearest") attributes["nearest_mode"] = std::string("round_prefer_ceil");
  return layer.planes(layer.add_node("Resize", {planes.name}, std::move(attributes)));
}

}  // namespace

KerasValue keras_max_pool(KerasTranslation& layer) { return pool(layer, "MaxPool"); }
KerasValue keras_average_pool(KerasTranslation& layer) { return pool(layer, "AveragePool"); }
KerasValue keras_global_average_pool(KerasTranslation& layer) {
  return global_pool(layer, "GlobalAveragePool");
}
KerasValue keras_global_max_pool(KerasTranslation& layer) {
  return global_pool(layer, "GlobalMaxPool");
}

KerasValue keras_pad(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const Margins m = margins(layer, "padding");
  const std::vector<int64_t> pads = {0, 0, m.top, m.left, 0, 0, m.bottom, m.right};
  return layer.planes(layer.add_node("Pad", {planes.name}, {{"pads", pads}}));
}

// Padding by less than nothing.
KerasValue keras_crop(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const Margins m = margins(layer, "cropping");
  const std::vector<int64_t> pads = {0, 0, -m.top, -m.left, 0, 0, -m.bottom, -m.right};
  return layer.planes(layer.add_node("Pad", {planes.name}, {{"pads", pads}}));
}

KerasValue keras_up_sampling(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const auto [rows, columns] = config_pair(layer.config(), "size", {2, 2});
  const std::string way = config_text(layer.config(), "interpolation", "nearest");
  const Shape& chw = layer.document_shape(planes);
  if (std::max(rows, columns) > 1024) layer.fail("size: at most 1024 expected");
  if (way != "nearest") return resized(layer, planes, chw[1] * rows, chw[2] * columns, way);
  const std::vector<double> scales = {1.0, 1.0, static_cast<double>(rows),
                                      static_cast<double>(columns)};
  return layer.planes(layer.add_node("Resize", {planes.name},
                                     {{"scales", scales},
                                      {"mode", std::string("nearest")},
                                      {"coordinate_transformation_mode", std::string("asymmetric")},
                                      {"nearest_mode", std::string("floor")}}));
}

KerasValue keras_resizing(KerasTranslation& layer) {
  const JsonView& config = layer.config();
  const KerasValue planes = layer.as_planes(layer.input());
  for (const char* way : {"crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"}) {
    if (config_flag(config, way, false)) layer.fail(fmt::format("{}: false expected", way));
  }
  return resized(layer, planes, config_integer(config, "height", -1),
                 config_integer(config, "width", -1),
                 config_text(config, "interpolation", "bilinear"));
}

// Where an odd number of rows is to go, one more below.
KerasValue keras_center_crop(KerasTranslation& layer) {
  const KerasValue planes = layer.as_planes(layer.input());
  const Shape& chw = layer.document_shape(planes);
  const int64_t rows = chw[1] - config_integer(layer.config(), "height", -1);
  const int64_t columns = chw[2] - config_integer(layer.config(), "width", -1);
  if (rows < 0 || columns < 0) layer.fail("a size within the input's expected");
  const std::vector<int64_t> pads = {0, 0, -(rows / 2),        -(columns / 2),
                                     0, 0, -(rows - rows / 2), -(columns - columns / 2)};
  return layer.planes(layer.add_node("Pad", {planes.name}, {{"pads", pads}}));
}

}  // namespace mnist
