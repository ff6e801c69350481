// Layers in which the order of elements counts: dense, Flatten, Reshape, Permute, Concatenate.
#include <algorithm>

#include "formats/channel_last.h"
#include "formats/keras/save_layers.h"

namespace mnist {
namespace {

using Order = KerasVariablePlan::Order;

// A value in the document's order with another shape; feature maps end as Keras has them.
KerasPlanned reshape_to(KerasPlanner& planner, KerasPlanned value, const Shape& shape) {
  value = planner.in_document_order(value);
  if (shape.size() != 3) return planner.reshaped(value, shape);
  if (is_same_order(channels_last(shape))) {
    return planner.add_layer("Reshape", {{"target_shape", channels_last(shape)}}, {value}, shape);
  }
  value = planner.reshaped(value, shape);
  return planner.add_layer("Permute", {{"dims", {2, 3, 1}}}, {value}, shape);
}

}  // namespace

KerasPlanned save_gemm(KerasPlanner& planner) {
  const Node& node = planner.node();
  if (node.real("alpha", 1.0) != 1.0 || node.real("beta", 1.0) != 1.0) {
    planner.fail("alpha and beta of 1 expected");
  }
  const KerasPlanned value = planner.input(0);
  const bool is_transposed = node.integer("transB", 0) != 0;
  const Shape& stored = planner.weight(1).shape;
  const Shape shape = is_transposed ? Shape{stored[1], stored[0]} : stored;
  std::vector<KerasVariablePlan> variables = {
      {.weight = node.inputs[1],
       .shape = shape,
       .order = is_transposed ? Order::kDense : Order::kDenseIn,
       .flattened = value.flattened}};
  const bool has_bias = planner.inputs() > 2 && !node.inputs[2].empty();
  if (has_bias) {
    if (planner.weight(2).shape != Shape{shape[1]}) planner.fail("a bias for each output expected");
    variables.push_back({.weight = node.inputs[2], .shape = {shape[1]}});
  }
  return planner.add_layer("Dense",
                           {{"units", shape[1]}, {"activation", "linear"}, {"use_bias", has_bias}},
                           {value}, planner.output_shape(), variables);
}

KerasPlanned save_flatten(KerasPlanner& planner) {
  const KerasPlanned value = planner.input(0);
  KerasPlanned result = planner.add_layer("Flatten", {{"data_format", "channels_last"}}, {value},
                                          planner.output_shape());
  if (value.is_planes && !is_same_order(channels_last(value.shape)))
    result.flattened = channels_last(value.shape);
  if (value.shape.size() == 1) result.flattened = value.flattened;
  return result;
}

KerasPlanned save_reshape(KerasPlanner& planner) {
  if (planner.output_shape().size() == 1) return save_flatten(planner);
  return reshape_to(planner, planner.input(0), planner.output_shape());
}

KerasPlanned save_transpose(KerasPlanner& planner) {
  const KerasPlanned value = planner.input(0);
  const std::vector<int64_t> perm = planner.node().integers("perm", {});
  std::vector<int64_t> dims;  // counted from 1, without the batch: as Keras does
  if (value.is_planes) {
    // Keras's axes 1, 2, 3 are the document's 2, 3, 1, the batch being 0.
    for (size_t axis : {2U, 3U, 1U}) dims.push_back(perm[axis] == 1 ? 3 : perm[axis] - 1);
  } else {
    dims.assign(perm.begin() + 1, perm.end());
  }
  return planner.add_layer("Permute", {{"dims", dims}}, {value}, planner.output_shape());
}

KerasPlanned save_concat(KerasPlanner& planner) {
  const auto rank = static_cast<int64_t>(planner.output_shape().size());
  std::vector<KerasPlanned> values;
  for (size_t i = 0; i < planner.inputs(); ++i) {
    KerasPlanned value = planner.input(i);
    if (!value.flattened.empty()) value = planner.in_document_order(value);
    values.push_back(value);
  }
  if (values.size() == 1) planner.fail("two inputs or more expected");
  int64_t axis = planner.node().integer("axis", 1);
  if (axis < 0) axis += rank + 1;
  if (rank == 3) axis = axis == 1 ? 3 : axis - 1;
  return planner.add_layer("Concatenate", {{"axis", axis}}, values, planner.output_shape());
}

}  // namespace mnist
