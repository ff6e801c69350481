// Dense, Flatten, Reshape, Permute: where the order of elements counts.
#include <fmt/format.h>

#include "formats/keras/config.h"
#include "formats/keras/layer_list.h"

namespace mnist {
namespace {

// Keras's (in,out), or a convolution's (1,1,in,out), as (out,in); with its rows in the order of
// planes where `flattened` says what they count.
std::vector<float> transposed(const std::vector<float>& kernel, size_t inputs, size_t outputs,
                              const Shape& flattened) {
  std::vector<float> result(kernel.size());
  for (size_t i = 0; i < inputs; ++i) {
    const size_t row = flattened.empty() ? i : planes_place(i, flattened);
    for (size_t o = 0; o < outputs; ++o) result[o * inputs + row] = kernel[i * outputs + o];
  }
  return result;
}

// The elements of a value in Keras's order, as a vector.
KerasValue flat(KerasTranslation& layer, const KerasValue& value) {
  KerasValue result{.name = value.name,
                    .shape = {static_cast<int64_t>(element_count(value.shape))},
                    .flattened = value.flattened};
  const Shape& shape = value.shape;
  if (value.is_planes && shape[2] != 1 && shape[0] * shape[1] != 1) result.flattened = shape;
  if (layer.document_shape(value).size() != 1)
    result.name = layer.add_node("Flatten", {value.name});
  return result;
}

}  // namespace

std::vector<KerasVariable> keras_dense_variables(const JsonView& config) {
  std::vector<KerasVariable> variables = {{"kernel"}};
  if (config_flag(config, "use_bias", true)) variables.push_back({"bias"});
  return variables;
}

// On a feature map a dense layer works on the channels of each position: a 1x1 convolution.
KerasValue keras_dense(KerasTranslation& layer) {
  KerasValue value = layer.input();
  const bool is_map = value.shape.size() == 3;
  if (is_map) value = layer.as_planes(value);
  if (value.shape.size() != 1 && !is_map) {
    layer.fail(fmt::format("a vector or a feature map expected, got {}", to_string(value.shape)));
  }
  const int64_t inputs = value.shape.back();
  const int64_t outputs = config_integer(layer.config(), "units", -1);
  const Tensor kernel = layer.take("kernel", {inputs, outputs});
  Shape shape = {kernel.shape[1], inputs};
  if (is_map) shape.insert(shape.end(), {1, 1});
  std::vector<std::string> names = {
      value.name,
      layer.add_weight(
          "kernel", {shape, transposed(kernel.values, inputs, kernel.shape[1], value.flattened)})};
  if (layer.has("bias")) {
    names.push_back(layer.add_weight("bias", layer.take("bias", {kernel.shape[1]})));
  }
  KerasValue result;
  if (is_map) {
    result = layer.planes(layer.add_node("Conv", names));
  } else {
    result = {.name = layer.add_node("Gemm", names, {{"transB", int64_t{1}}}),
              .shape = {kernel.shape[1]}};
  }
  return activate(layer, result, layer.config());
}

KerasValue keras_flatten(KerasTranslation& layer) {
  const KerasValue& value = layer.input();
  if (layer.is_channels_first() && value.shape.size() == 3) {
    // Keras lays (C,H,W) out as (H,W,C) first.
    KerasValue planes = layer.in_keras_order(value);
    planes.shape = {value.shape[1], value.shape[2], value.shape[0]};
    planes.is_planes = true;
    return flat(layer, planes);
  }
  return flat(layer, value);
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
  if (target.size() == 1) return flat(layer, value);
  if (target.size() == 3 && target == value.flattened) {
    const std::string planes = layer.reshape(value.name, {target[2], target[0], target[1]});
    return {.name = planes, .shape = target, .is_planes = true};
  }
  const KerasValue ordered = layer.in_keras_order(value);
  return {.name = layer.reshape(ordered.name, target), .shape = target};
}

// dims counts the axes of an image from 1.
KerasValue keras_permute(KerasTranslation& layer) {
  const KerasValue& value = layer.input();
  std::vector<int64_t> axes = layer.config().at("dims").integers();
  if (axes.size() != value.shape.size()) layer.fail("dims: every axis of the input expected");
  Shape shape;
  for (int64_t& axis : axes) {
    if (--axis < 0 || axis >= static_cast<int64_t>(axes.size())) layer.fail("dims: axes expected");
    shape.push_back(value.shape[static_cast<size_t>(axis)]);
  }
  if (axes.size() == 1) return value;
  return {.name = layer.transpose(layer.in_keras_order(value).name, axes), .shape = shape};
}

}  // namespace mnist
