// Layers of several inputs.
#include <algorithm>

#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

// The inputs with their elements in one order.
std::vector<KerasValue> alike(KerasTranslation& layer) {
  std::vector<KerasValue> values = layer.inputs();
  if (values.size() < 2) layer.fail("two inputs or more expected");
  const KerasValue& first = values[0];
  const bool same = std::all_of(values.begin(), values.end(), [&](const KerasValue& value) {
    return value.is_planes == first.is_planes && value.flattened == first.flattened;
  });
  if (!same) {
    for (KerasValue& value : values) value = layer.in_keras_order(std::move(value));
  }
  return values;
}

KerasValue merge(KerasTranslation& layer, const char* type) {
  const std::vector<KerasValue> values = alike(layer);
  KerasValue result = values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    const bool is_last = i + 1 == values.size();
    result.name = layer.add_node(type, {result.name, values[i].name}, {}, is_last ? "" : "part");
  }
  return result;
}

}  // namespace

KerasValue keras_add(KerasTranslation& layer) { return merge(layer, "Add"); }
KerasValue keras_multiply(KerasTranslation& layer) { return merge(layer, "Mul"); }
KerasValue keras_subtract(KerasTranslation& layer) {
  if (layer.inputs().size() != 2) layer.fail("two inputs expected");
  return merge(layer, "Sub");
}

KerasValue keras_concatenate(KerasTranslation& layer) {
  std::vector<KerasValue> values = alike(layer);
  const size_t rank = values[0].shape.size();
  int64_t axis = config_integer(layer.config(), "axis", -1);
  if (axis < 0) axis += static_cast<int64_t>(rank) + 1;
  if (axis < 1 || axis > static_cast<int64_t>(rank))
    layer.fail("axis: one of the image's expected");
  KerasValue result = {.name = "", .shape = values[0].shape, .is_planes = values[0].is_planes};
  int64_t& extent = result.shape[static_cast<size_t>(axis - 1)];
  extent = 0;
  std::vector<std::string> names;
  for (KerasValue& value : values) {
    if (value.shape.size() != rank) layer.fail("inputs of as many extents expected");
    extent += value.shape[static_cast<size_t>(axis - 1)];
    // Joined vectors have no common feature map to count by.
    if (!value.flattened.empty()) value = layer.in_keras_order(std::move(value));
    names.push_back(value.name);
  }
  if (result.is_planes) axis = axis == 3 ? 1 : axis + 1;
  result.name = layer.add_node("Concat", names, {{"axis", axis}});
  return result;
}

}  // namespace mnist
