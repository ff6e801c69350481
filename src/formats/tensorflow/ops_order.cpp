// What gives elements another shape or order.
#include <fmt/format.h>

#include <algorithm>

#include "formats/tensorflow/constants.h"
#include "formats/tensorflow/evaluation.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// The image's shape in a target for the whole batch: the first extent is the batch, -1 or 1.
Shape image_shape(const TfEvaluation& evaluation, const std::vector<int64_t>& target,
                  size_t elements) {
  if (target.size() < 2 || (target[0] != -1 && target[0] != 1)) {
    evaluation.fail("a shape that begins with the batch expected");
  }
  Shape shape(target.begin() + 1, target.end());
  int64_t* unknown = nullptr;
  uint64_t known = 1;
  for (int64_t& extent : shape) {
    if (extent == -1 && unknown == nullptr) {
      unknown = &extent;
    } else if (extent < 1 || (known *= static_cast<uint64_t>(extent)) > elements) {
      evaluation.fail(
          fmt::format("a shape of {} elements expected, got {}", elements, to_string(shape)));
    }
  }
  if (unknown != nullptr) {
    *unknown = static_cast<int64_t>(elements / known);
    known *= elements / known;
  }
  if (known != elements) {
    evaluation.fail(
        fmt::format("a shape of {} elements expected, got {}", elements, to_string(shape)));
  }
  return shape;
}

TfValue reshaped_constant(TfEvaluation& evaluation, std::vector<int64_t> shape) {
  TfConstant constant = evaluation.constant(0);
  const size_t count = element_count(constant.shape);
  int64_t* unknown = nullptr;
  uint64_t known = 1;
  for (int64_t& extent : shape) {
    if (extent == -1 && unknown == nullptr) {
      unknown = &extent;
    } else if (extent < 1 || (known *= static_cast<uint64_t>(extent)) > count) {
      evaluation.fail("a shape for the constant expected");
    }
  }
  if (unknown != nullptr) *unknown = static_cast<int64_t>(count / known);
  constant.shape = shape;
  if (element_count(shape) != count) evaluation.fail("a shape for the constant expected");
  return evaluation.keep(std::move(constant));
}

// The place of an axis among `rank`, counted from the end where it is negative.
size_t axis_place(const TfEvaluation& evaluation, int64_t axis, size_t rank) {
  if (axis < 0) axis += static_cast<int64_t>(rank);
  if (axis < 0 || axis >= static_cast<int64_t>(rank)) evaluation.fail("an axis expected");
  return static_cast<size_t>(axis);
}

}  // namespace

TfValue tf_reshape(TfEvaluation& evaluation) {
  const std::vector<int64_t> target = evaluation.integers(1);
  if (evaluation.is_constant(0)) return reshaped_constant(evaluation, target);
  const ChannelLastValue& value = evaluation.value(0);
  return evaluation.order().reshaped(value,
                                     image_shape(evaluation, target, element_count(value.shape)));
}

TfValue tf_expand_dims(TfEvaluation& evaluation) {
  const std::vector<int64_t> axes = evaluation.integers(1);
  if (axes.size() != 1) evaluation.fail("one axis expected");
  if (evaluation.is_constant(0)) {
    Shape shape = evaluation.constant(0).shape;
    const size_t at = axis_place(evaluation, axes[0], shape.size() + 1);
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at), 1);
    return reshaped_constant(evaluation, shape);
  }
  const ChannelLastValue& value = evaluation.value(0);
  Shape shape = value.shape;
  const size_t at = axis_place(evaluation, axes[0], shape.size() + 2);
  if (at == 0) evaluation.fail("an axis behind the batch expected");
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at - 1), 1);
  return evaluation.order().reshaped(value, shape);
}

TfValue tf_squeeze(TfEvaluation& evaluation) {
  const std::vector<int64_t> axes = evaluation.node().integers("squeeze_dims");
  const bool is_constant = evaluation.is_constant(0);
  const Shape& given = is_constant ? evaluation.constant(0).shape : evaluation.value(0).shape;
  const int64_t first = is_constant ? 0 : 1;  // a value's shape is without the batch
  const auto rank = static_cast<int64_t>(given.size()) + first;
  Shape shape;
  for (int64_t axis = first; axis < rank; ++axis) {
    const bool is_named = std::any_of(axes.begin(), axes.end(), [&](int64_t named) {
      return named == axis || named == axis - rank;
    });
    const int64_t extent = given[static_cast<size_t>(axis - first)];
    if (extent != 1 || !(is_named || axes.empty())) shape.push_back(extent);
  }
  if (is_constant) return reshaped_constant(evaluation, shape);
  return evaluation.order().reshaped(evaluation.value(0), shape);
}

TfValue tf_transpose(TfEvaluation& evaluation) {
  std::vector<int64_t> axes = evaluation.integers(1);
  if (evaluation.is_constant(0)) {
    try {
      return evaluation.keep(transposed(evaluation.constant(0), axes));
    } catch (const Error& error) {
      evaluation.fail(error.what());
    }
  }
  if (axes.empty() || axes[0] != 0) evaluation.fail("the batch as the first axis expected");
  axes.erase(axes.begin());
  for (int64_t& axis : axes) --axis;
  return evaluation.order().permuted(evaluation.value(0), axes);
}

TfValue tf_concat(TfEvaluation& evaluation) {
  const size_t count = evaluation.inputs().size();
  if (count < 2) evaluation.fail("inputs and an axis expected");
  const std::vector<int64_t> axis = evaluation.integers(count - 1);
  if (axis.size() != 1) evaluation.fail("one axis expected");
  if (evaluation.is_constant(0)) {
    TfConstant list{.kind = TfConstant::Kind::kInteger, .shape = {0}};
    for (size_t i = 0; i + 1 < count; ++i) {
      const std::vector<int64_t> part = evaluation.integers(i);
      list.integers.insert(list.integers.end(), part.begin(), part.end());
      if (evaluation.constant(i).shape.size() != 1) evaluation.fail("lists expected");
      if (list.integers.size() > 64) evaluation.fail("a list of a shape's length expected");
    }
    list.shape = {static_cast<int64_t>(list.integers.size())};
    return evaluation.keep(std::move(list));
  }
  std::vector<ChannelLastValue> values;
  for (size_t i = 0; i + 1 < count; ++i) values.push_back(evaluation.value(i));
  const size_t place = axis_place(evaluation, axis[0], values[0].shape.size() + 1);
  if (place == 0) evaluation.fail("an axis behind the batch expected");
  return evaluation.order().concatenated(values, place - 1);
}

TfValue tf_pad(TfEvaluation& evaluation) {
  const ChannelLastValue& given = evaluation.value(0);
  const std::vector<int64_t> amounts = evaluation.integers(1);
  const size_t rank = given.shape.size() + 1;
  if (amounts.size() != 2 * rank || amounts[0] != 0 || amounts[1] != 0) {
    evaluation.fail("two amounts an axis expected, none for the batch");
  }
  double fill = 0.0;
  if (evaluation.inputs().size() > 2) {
    const TfConstant& constant = evaluation.constant(2);
    if (constant.floats.size() != 1) evaluation.fail("one value to fill with expected");
    fill = static_cast<double>(constant.floats[0]);
  }
  const ChannelLastValue value =
      given.flattened.empty() ? given : evaluation.order().in_order(given);
  std::vector<size_t> axes(rank);  // in the document's order
  for (size_t i = 0; i < rank; ++i) axes[i] = i;
  if (value.is_planes) axes = {0, 3, 1, 2};
  std::vector<int64_t> pads;
  for (size_t side : {0U, 1U}) {
    for (size_t axis : axes) pads.push_back(amounts[2 * axis + side]);
  }
  ChannelLastValue result = value;
  for (size_t i = 1; i < rank; ++i) {
    if (amounts[2 * i] > 4096 || amounts[2 * i + 1] > 4096)
      evaluation.fail("at most 4096 expected");
    result.shape[i - 1] += amounts[2 * i] + amounts[2 * i + 1];
  }
  std::map<std::string, Attribute> attributes = {{"pads", pads}};
  if (fill != 0.0) attributes["value"] = fill;
  result.name = evaluation.add_node("Pad", {value.name}, attributes);
  return result;
}

// To a size that is a multiple of the input's.
TfValue tf_resize(TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  const ChannelLastValue planes = evaluation.order().as_planes(evaluation.value(0));
  const std::vector<int64_t> size = evaluation.integers(1);
  if (size.size() != 2 || node.flag("align_corners", false)) evaluation.fail("a size expected");
  const Shape& chw = evaluation.order().document_shape(planes);
  if (size[0] < 1 || size[1] < 1 || size[0] % chw[1] != 0 || size[1] % chw[2] != 0) {
    evaluation.fail("a multiple of the input's size expected");
  }
  const std::vector<double> scales = {1.0, 1.0, static_cast<double>(size[0] / chw[1]),
                                      static_cast<double>(size[1] / chw[2])};
  return evaluation.order().planes(
      evaluation.add_node("Resize", {planes.name},
                          {{"scales", scales},
                           {"mode", std::string("nearest")},
                           {"coordinate_transformation_mode", std::string("asymmetric")},
                           {"nearest_mode", std::string("floor")}}));
}

}  // namespace mnist
