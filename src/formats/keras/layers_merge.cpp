// Layers of several inputs.
#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

KerasValue merge(KerasTranslation& layer, const char* type) {
  if (layer.inputs().size() < 2) layer.fail("two inputs or more expected");
  const std::vector<KerasValue> values = layer.order().alike(layer.inputs());
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
KerasValue keras_maximum(KerasTranslation& layer) { return merge(layer, "Max"); }
KerasValue keras_minimum(KerasTranslation& layer) { return merge(layer, "Min"); }
KerasValue keras_average(KerasTranslation& layer) {
  KerasValue sum = merge(layer, "Add");
  const auto share = 1.0F / static_cast<float>(layer.inputs().size());
  sum.name = layer.add_node("Mul", {sum.name, layer.add_weight("share", {{1}, {share}})});
  return sum;
}
KerasValue keras_subtract(KerasTranslation& layer) {
  if (layer.inputs().size() != 2) layer.fail("two inputs expected");
  return merge(layer, "Sub");
}

KerasValue keras_concatenate(KerasTranslation& layer) {
  if (layer.inputs().size() < 2) layer.fail("two inputs or more expected");
  int64_t axis = config_integer(layer.config(), "axis", -1);
  if (axis < 0) axis += static_cast<int64_t>(layer.inputs()[0].shape.size()) + 1;
  if (axis < 1) layer.fail("axis: one of the image's expected");
  return layer.order().concatenated(layer.inputs(), static_cast<size_t>(axis - 1));
}

}  // namespace mnist
