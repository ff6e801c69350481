// What gives elements another shape, order or number.
#include <fmt/format.h>

#include "formats/tflite/options.h"
#include "formats/tflite/translation.h"

namespace mnist {
namespace {

constexpr size_t kMostExtents = 8;

void resize(TfliteTranslation& translation, const char* tensorflow_op, uint8_t options,
            uint16_t align_corners, uint16_t half_pixel) {
  TfNode& node = translation.add_node(tensorflow_op, {translation.input(0), translation.input(1)});
  node.attributes["align_corners"].flag =
      translation.option<uint8_t>(options, align_corners, 0, "align_corners") != 0;
  node.attributes["half_pixel_centers"].flag =
      translation.option<uint8_t>(options, half_pixel, 0, "half_pixel_centers") != 0;
}

std::vector<int64_t> integers_of(const TfliteTranslation& translation, size_t input) {
  const TfConstant constant = translation.constant(input);
  if (constant.kind != TfConstant::Kind::kInteger) {
    translation.fail(fmt::format("input {}: integers expected", input));
  }
  return constant.integers;
}

// The elements from begins to ends; where a bit of `to_end` is set, to the axis's end.
TfNode& add_slice(TfliteTranslation& translation, const std::string& value,
                  std::vector<int64_t> begins, std::vector<int64_t> ends, int64_t to_end) {
  std::vector<int64_t> steps(begins.size(), 1);
  std::vector<std::string> inputs = {value, translation.add_integers(std::move(begins)),
                                     translation.add_integers(std::move(ends)),
                                     translation.add_integers(std::move(steps))};
  TfNode& node = translation.add_node("StridedSlice", std::move(inputs));
  node.attributes["end_mask"].integer = to_end;
  return node;
}

}  // namespace

// The shape is an input, in old files an option.
void tflite_reshape(TfliteTranslation& translation) {
  std::string shape;
  if (translation.has_input(1)) {
    shape = translation.input(1);
  } else {
    const std::optional<FlatBufferTable> options = translation.op().options(kReshapeOptions);
    if (!options) translation.fail("its new shape is missing");
    const std::vector<int32_t> extents = options->numbers<int32_t>(0, kMostExtents, "new_shape");
    shape = translation.add_integers({extents.begin(), extents.end()});
  }
  translation.add_node("Reshape", {translation.input(0), shape});
}

void tflite_squeeze(TfliteTranslation& translation) {
  TfNode& node = translation.add_node("Squeeze", {translation.input(0)});
  if (const auto options = translation.op().options(kSqueezeOptions)) {
    const auto axes = options->numbers<int32_t>(0, kMostExtents, "squeeze_dims");
    node.attributes["squeeze_dims"].integers = {axes.begin(), axes.end()};
  }
}

void tflite_concatenation(TfliteTranslation& translation) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < translation.op().inputs.size(); ++i) {
    inputs.push_back(translation.input(i));
  }
  const auto axis = translation.option<int32_t>(kConcatenationOptions, kConcatAxis, 0, "axis");
  inputs.push_back(translation.add_integers({axis}));
  translation.add_node("ConcatV2", std::move(inputs));
  translation.activate(translation.option<int8_t>(kConcatenationOptions, kConcatActivation, 0,
                                                  "fused_activation_function"));
}

void tflite_strided_slice(TfliteTranslation& translation) {
  const char* const masks[] = {"begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask",
                               "shrink_axis_mask"};
  TfNode& node = translation.add_node_of_inputs("StridedSlice");
  uint16_t field = 0;
  for (const char* mask : masks) {
    node.attributes[mask].integer =
        translation.option<int32_t>(kStridedSliceOptions, field++, 0, mask);
  }
}

// Begins and sizes, where -1 is all that follows.
void tflite_slice(TfliteTranslation& translation) {
  const std::vector<int64_t> begins = integers_of(translation, 1);
  std::vector<int64_t> ends = integers_of(translation, 2);
  if (begins.size() != ends.size() || begins.size() > kMostExtents) {
    translation.fail("as many begins as sizes expected");
  }
  const Shape& input = translation.input_tensor(0).shape;
  int64_t to_end = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    // All of the one image is all of every image.
    const bool is_whole = i == 0 && begins[0] == 0 && input.size() > 1 && ends[0] == input[0];
    if (ends[i] == -1 || is_whole) to_end |= int64_t{1} << i;
    ends[i] += begins[i];
  }
  add_slice(translation, translation.input(0), begins, ends, to_end);
}

// Inputs: the axis, the value. Each output is a slice.
void tflite_split(TfliteTranslation& translation) {
  const std::vector<int64_t> axes = integers_of(translation, 0);
  const Shape& shape = translation.input_tensor(1).shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto count = static_cast<int64_t>(translation.op().outputs.size());
  const int64_t axis = axes.size() != 1 ? -1 : axes[0] < 0 ? axes[0] + rank : axes[0];
  if (axis < 1 || axis >= rank) translation.fail("an axis behind the batch expected");
  const int64_t extent = shape[static_cast<size_t>(axis)];
  if (extent < count || extent % count != 0) {
    translation.fail(fmt::format("{} equal parts of {} expected", count, extent));
  }
  const int64_t part = extent / count;
  const std::string value = translation.input(1);
  for (int64_t i = 0; i < count; ++i) {
    translation.call_output(static_cast<size_t>(i));
    std::vector<int64_t> begins(static_cast<size_t>(axis) + 1, 0);
    std::vector<int64_t> ends = begins;
    begins.back() = i * part;
    ends.back() = (i + 1) * part;
    const std::string name =
        add_slice(translation, value, begins, ends, (int64_t{1} << axis) - 1).name;
    translation.set_output(static_cast<size_t>(i), name);
  }
}

void tflite_gather(TfliteTranslation& translation) {
  const auto axis = translation.option<int32_t>(kGatherOptions, 0, 0, "axis");
  translation.add_node(
      "GatherV2", {translation.input(0), translation.input(1), translation.add_integers({axis})});
}

void tflite_mirror_pad(TfliteTranslation& translation) {
  TfNode& node = translation.add_node_of_inputs("MirrorPad");
  const bool is_reflect = translation.option<int8_t>(kMirrorPadOptions, 0, 0, "mode") == 0;
  node.attributes["mode"].text = is_reflect ? "REFLECT" : "SYMMETRIC";
}

void tflite_resize_bilinear(TfliteTranslation& translation) {
  resize(translation, "ResizeBilinear", kResizeBilinearOptions, kBilinearAlignCorners,
         kBilinearHalfPixel);
}

void tflite_resize_nearest(TfliteTranslation& translation) {
  resize(translation, "ResizeNearestNeighbor", kResizeNearestNeighborOptions, kNearestAlignCorners,
         kNearestHalfPixel);
}

}  // namespace mnist
