// Dense, Flatten, Reshape, Permute: where the order of elements counts.
#include <fmt/format.h>

#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {

std::vector<KerasVariable> keras_dense_variables(const JsonView& config) {
  std::vector<KerasVariable> variables = {{"kernel"}};
  if (config_flag(config, "use_bias", true)) variables.push_back({"bias"});
  return variables;
}

namespace {

// A dense layer of each position of a sequence.
KerasValue dense_of_sequence(KerasTranslation& layer) {
  KerasValue value = layer.order().in_order(layer.input());
  Tensor kernel =
      layer.take("kernel", {value.shape.back(), config_integer(layer.config(), "units", -1)});
  value.shape.back() = kernel.shape[1];
  const std::string weight = layer.add_weight("kernel", std::move(kernel));
  const bool has_bias = layer.has("bias");
  value.name = layer.add_node("MatMul", {value.name, weight}, {}, has_bias ? "product" : "");
  if (has_bias) {
    const std::string bias = layer.add_weight("bias", layer.take("bias", {value.shape.back()}));
    value.name = layer.add_node("Add", {value.name, bias});
  }
  return activate(layer, value, layer.config());
}

}  // namespace

// On a feature map a dense layer works on the channels of each position: a 1x1 convolution.
KerasValue keras_dense(KerasTranslation& layer) {
  KerasValue value = layer.input();
  const bool is_map = value.shape.size() == 3;
  if (is_map) value = layer.order().as_planes(value);
  if (value.shape.size() != 1 && !is_map) return dense_of_sequence(layer);
  const int64_t inputs = value.shape.back();
  const int64_t outputs = config_integer(layer.config(), "units", -1);
  Tensor kernel = dense_kernel(layer.take("kernel", {inputs, outputs}), value.flattened);
  const int64_t units = kernel.shape[0];
  if (is_map) kernel.shape.insert(kernel.shape.end(), {1, 1});
  std::vector<std::string> names = {value.name, layer.add_weight("kernel", std::move(kernel))};
  if (layer.has("bias")) {
    names.push_back(layer.add_weight("bias", layer.take("bias", {units})));
  }
  KerasValue result;
  if (is_map) {
    result = layer.order().planes(layer.add_node("Conv", names));
  } else {
    result = {.name = layer.add_node("Gemm", names, {{"transB", int64_t{1}}}), .shape = {units}};
  }
  return activate(layer, result, layer.config());
}

KerasValue keras_flatten(KerasTranslation& layer) {
  const KerasValue& value = layer.input();
  if (layer.is_channels_first() && value.shape.size() == 3) {
    // Keras lays (C,H,W) out as (H,W,C) first.
    KerasValue planes = layer.order().in_order(value);
    planes.shape = {value.shape[1], value.shape[2], value.shape[0]};
    planes.is_planes = true;
    return layer.order().flattened(planes);
  }
  return layer.order().flattened(value);
}

KerasValue keras_reshape(KerasTranslation& layer) {
  const KerasValue& value = layer.input();
  Shape target = layer.config().at("target_shape").integers();
  const auto elements = static_cast<int64_t>(element_count(value.shape));
  int64_t known = 1;
  for (int64_t extent : target) {
    if (extent < -1 || extent == 0 || extent > elements)
      layer.fail("target_shape: extents expected");
    if (extent != -1 && (known *= extent) > elements)
      layer.fail("target_shape: larger than the input");
  }
  for (int64_t& extent : target) {
    if (extent != -1) continue;
    extent = elements / known;
    known *= extent;
  }
  if (known != elements) {
    layer.fail(fmt::format("target_shape {} for {} elements", to_string(target), elements));
  }
  return layer.order().reshaped(value, target);
}

// dims counts the axes of an image from 1.
KerasValue keras_permute(KerasTranslation& layer) {
  std::vector<int64_t> axes = layer.config().at("dims").integers();
  for (int64_t& axis : axes) --axis;
  return layer.order().permuted(layer.input(), axes);
}

}  // namespace mnist
