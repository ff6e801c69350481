// Gather, Expand and Tile: chosen positions of an axis, and axes that repeat.
#include <fmt/format.h>

#include <algorithm>

#include "ops/axes.h"
#include "ops/rearrange.h"

namespace mnist {
namespace {

constexpr int64_t kMostRepeats = int64_t{1} << 20;

std::vector<AxisSource> whole_axes(const OpSpec& spec) {
  const Shape& image = spec.inputs[0].shape;
  const std::vector<size_t> steps = axis_steps(image);
  std::vector<AxisSource> axes;
  for (size_t i = 0; i < image.size(); ++i) {
    expect_extent(spec, image[i]);
    axes.push_back(whole_axis(image[i], steps[i]));
  }
  return axes;
}

// The axis's positions over and over, `times` times.
void repeat(const OpSpec& spec, int64_t times, AxisSource& axis) {
  const size_t extent = axis.from.size();
  if (times < 1 || times > kMostRepeats) {
    spec.fail(fmt::format("1 to {} repeats expected, got {}", kMostRepeats, times));
  }
  expect_extent(spec, static_cast<int64_t>(extent) * times);
  for (size_t i = extent; i < extent * static_cast<size_t>(times); ++i) {
    axis.from.push_back(axis.from[i - extent]);
  }
}

}  // namespace

// Attributes `axis`, which must be there, as ONNX's default is the batch, and `indices`: a list, or
// one number, with which the axis goes. Negative ones count from the end.
std::unique_ptr<Op> make_gather(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axis", "indices"});
  auto found = spec.node.attributes.find("indices");
  if (found == spec.node.attributes.end()) spec.fail("attribute 'indices' is missing");
  const bool single = std::holds_alternative<int64_t>(found->second);
  const std::vector<int64_t> indices = single
                                           ? std::vector<int64_t>{spec.node.integer("indices", 0)}
                                           : spec.node.integers("indices", {});
  std::vector<AxisSource> axes = whole_axes(spec);
  const size_t axis = image_axis(spec, spec.node.integer("axis", 0), axes.size());
  const auto extent = static_cast<int64_t>(axes[axis].from.size());
  expect_extent(spec, static_cast<int64_t>(indices.size()));
  axes[axis].from.clear();
  for (int64_t index : indices) {
    if (index < -extent || index >= extent) {
      spec.fail(fmt::format("indices: {} is not a position of an axis of {}", index, extent));
    }
    axes[axis].from.push_back(static_cast<int32_t>(index < 0 ? index + extent : index));
  }
  return make_rearrangement(spec, axes, 0.0F, single ? std::optional<size_t>(axis) : std::nullopt);
}

// Attribute `shape`: an image's, without the batch, to which the input is broadcast.
std::unique_ptr<Op> make_expand(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"shape"});
  const Shape& image = spec.inputs[0].shape;
  const std::vector<int64_t> shape = spec.node.integers("shape", {});
  std::vector<AxisSource> axes = whole_axes(spec);
  bool fits = shape.size() == image.size();
  for (size_t i = 0; fits && i < image.size(); ++i) {
    fits = shape[i] == image[i] || shape[i] == 1 || image[i] == 1;
    if (fits && shape[i] != 1) repeat(spec, shape[i] / image[i], axes[i]);
  }
  if (!fits) {
    spec.fail(fmt::format("an input {} cannot be broadcast to an image {}", to_string(image),
                          to_string(shape)));
  }
  return make_rearrangement(spec, axes);
}

// Attribute `repeats`: how often each axis is repeated, the batch, which is first, once.
std::unique_ptr<Op> make_tile(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"repeats"});
  const std::vector<int64_t> repeats = spec.node.integers("repeats", {});
  std::vector<AxisSource> axes = whole_axes(spec);
  if (repeats.size() != axes.size() + 1 || repeats[0] != 1) {
    spec.fail(fmt::format("repeats: {} integers expected, the first of them 1, for the batch",
                          axes.size() + 1));
  }
  for (size_t i = 0; i < axes.size(); ++i) repeat(spec, repeats[i + 1], axes[i]);
  return make_rearrangement(spec, axes);
}

}  // namespace mnist
