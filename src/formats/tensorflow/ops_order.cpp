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
  // One image may have lost its batch.
  const bool is_image = target.size() == 1 && target[0] == static_cast<int64_t>(elements);
  if (!is_image && (target.size() < 2 || (target[0] != -1 && target[0] != 1))) {
    evaluation.fail("a shape that begins with the batch expected");
  }
  Shape shape(target.begin() + (is_image ? 0 : 1), target.end());
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

// Whether the target is (positions of all images, channels). Among integers -1 is the number of
// images: -49 is 49 times as many.
bool is_position_list(const Shape& shape, const std::vector<int64_t>& target) {
  if (target.size() != 2 || target[1] < 1) return false;
  const auto elements = static_cast<int64_t>(element_count(shape));
  const int64_t positions = elements / target[1];
  if (positions < 2 || elements % target[1] != 0) return false;
  if (target[0] == -positions) return true;
  return shape.size() > 1 && target[1] == shape.back() &&
         (target[0] == -1 || target[0] == positions);
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

// The value with `amounts` more, or fewer, of each axis at its beginning and end, the batch's
// first; `attributes` say what with.
ChannelLastValue padded(TfEvaluation& evaluation, const ChannelLastValue& given,
                        const std::vector<int64_t>& amounts,
                        std::map<std::string, Attribute> attributes) {
  constexpr int64_t kMost = 4096;
  const size_t rank = given.shape.size() + 1;
  const ChannelLastValue value =
      given.flattened.empty() ? given : evaluation.order().in_order(given);
  constexpr size_t kPlanesAxes[] = {0, 3, 1, 2};  // of the document's, here
  std::vector<int64_t> pads;
  for (size_t side : {0U, 1U}) {
    for (size_t i = 0; i < rank; ++i) {
      pads.push_back(amounts[2 * (value.is_planes ? kPlanesAxes[i] : i) + side]);
    }
  }
  ChannelLastValue result = value;
  for (size_t i = 2; i < amounts.size(); ++i) {
    if (amounts[i] > kMost || amounts[i] < -kMost) evaluation.fail("at most 4096 expected");
    result.shape[i / 2 - 1] += amounts[i];
  }
  attributes["pads"] = pads;
  result.name = evaluation.add_node("Pad", {value.name}, std::move(attributes));
  return result;
}

}  // namespace

TfValue tf_reshape(TfEvaluation& evaluation) {
  const std::vector<int64_t> target = evaluation.integers(1);
  if (evaluation.is_constant(0)) return reshaped_constant(evaluation, target);
  const TfPositions* positions = evaluation.positions(0);
  const ChannelLastValue& value = positions != nullptr ? positions->value : evaluation.value(0);
  const size_t elements = element_count(value.shape);
  if (is_position_list(value.shape, target)) {
    if (target[1] == value.shape.back()) return TfPositions{value};
    const int64_t count = static_cast<int64_t>(elements) / target[1];
    return TfPositions{evaluation.order().reshaped(value, {count, target[1]})};
  }
  return evaluation.order().reshaped(value, image_shape(evaluation, target, elements));
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
  // The row that a dilated sequence is here already.
  const TfDilated* dilated = evaluation.dilated(0);
  if (dilated != nullptr && dilated->is_sequence && (axes[0] == 1 || axes[0] == -3)) {
    return *dilated;
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
  const TfDilated* dilated = evaluation.dilated(0);
  if (dilated != nullptr && dilated->is_sequence && axes.size() == 1 &&
      (axes[0] == 1 || axes[0] == -3)) {
    return *dilated;
  }
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

// Repeating along one axis.
TfValue tf_tile(TfEvaluation& evaluation) {
  constexpr int64_t kMostCopies = 64;
  const ChannelLastValue& value = evaluation.value(0);
  const std::vector<int64_t> multiples = evaluation.integers(1);
  const auto is_repeated = [](int64_t multiple) { return multiple != 1; };
  const auto axis = std::find_if(multiples.begin(), multiples.end(), is_repeated);
  if (multiples.size() != value.shape.size() + 1 ||
      std::count_if(multiples.begin(), multiples.end(), is_repeated) > 1) {
    evaluation.fail("one axis to repeat along expected");
  }
  if (axis == multiples.end()) return value;
  if (axis == multiples.begin() || *axis < 1 || *axis > kMostCopies) {
    evaluation.fail("at most 64 copies of each image expected");
  }
  return evaluation.order().concatenated(
      std::vector<ChannelLastValue>(static_cast<size_t>(*axis), value),
      static_cast<size_t>(axis - multiples.begin()) - 1);
}

TfValue tf_pad(TfEvaluation& evaluation) {
  const ChannelLastValue& value = evaluation.value(0);
  const std::vector<int64_t> amounts = evaluation.integers(1);
  if (amounts.size() != 2 * value.shape.size() + 2 || amounts[0] != 0 || amounts[1] != 0) {
    evaluation.fail("two amounts an axis expected, none for the batch");
  }
  std::map<std::string, Attribute> attributes;
  if (evaluation.node().op == "MirrorPad") {
    if (evaluation.node().text("mode", "REFLECT") != "REFLECT")
      evaluation.fail("mode: REFLECT expected");
    attributes["mode"] = std::string("reflect");
  } else if (evaluation.inputs().size() > 2) {
    const TfConstant& constant = evaluation.constant(2);
    if (constant.floats.size() != 1) evaluation.fail("one value to fill with expected");
    if (constant.floats[0] != 0.0F) attributes["value"] = static_cast<double>(constant.floats[0]);
  }
  return padded(evaluation, value, amounts, std::move(attributes));
}

// To another number of rows and columns.
TfValue tf_resize(TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  const ChannelLastValue planes = evaluation.order().as_planes(evaluation.value(0));
  const std::vector<int64_t> size = evaluation.integers(1);
  if (size.size() != 2) evaluation.fail("a size of rows and columns expected");
  const bool is_linear = node.op == "ResizeBilinear";
  const bool align = node.flag("align_corners", false);
  const bool half = node.flag("half_pixel_centers", false);
  const int64_t channels = evaluation.order().document_shape(planes)[0];
  std::map<std::string, Attribute> attributes = {
      {"sizes", std::vector<int64_t>{1, channels, size[0], size[1]}},
      {"mode", std::string(is_linear ? "linear" : "nearest")},
      {"coordinate_transformation_mode", std::string(align               ? "align_corners"
                                                     : half && is_linear ? "half_pixel"
                                                                         : "asymmetric")}};
  if (!is_linear) {
    // Between two pixels' centres the nearest begins at the half; from corner to corner it rounds.
    if (half && !align) attributes["coordinate_transformation_mode"] = std::string("half_pixel");
    attributes["nearest_mode"] = std::string(align || half ? "round_prefer_ceil" : "floor");
  }
  return evaluation.order().planes(
      evaluation.add_node("Resize", {planes.name}, std::move(attributes)));
}

}  // namespace mnist
