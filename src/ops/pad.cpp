// Pad: more positions at the ends of axes, or, where a pad is negative, fewer.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "ops/rearrange.h"

namespace mnist {
namespace {

constexpr int64_t kLargestPad = int64_t{1} << 20;

enum class Padding { kConstant, kReflect, kEdge, kWrap };

Padding read_mode(const OpSpec& spec) {
  std::string mode = spec.node.text("mode", "constant");
  if (mode == "constant") return Padding::kConstant;
  if (mode == "reflect") return Padding::kReflect;
  if (mode == "edge") return Padding::kEdge;
  if (mode == "wrap") return Padding::kWrap;
  spec.fail("mode: constant, reflect, edge or wrap expected, got " + mode);
}

// What position `i`, which may lie outside [0, extent), stands for.
int32_t source(Padding mode, int64_t i, int64_t extent) {
  if (i >= 0 && i < extent) return static_cast<int32_t>(i);
  switch (mode) {
    case Padding::kEdge:
      return static_cast<int32_t>(std::clamp<int64_t>(i, 0, extent - 1));
    case Padding::kWrap:
      return static_cast<int32_t>((i % extent + extent) % extent);
    case Padding::kReflect: {
      int64_t period = std::max<int64_t>(1, 2 * (extent - 1));
      int64_t place = std::abs(i) % period;
      return static_cast<int32_t>(std::min(place, period - place) % extent);
    }
    case Padding::kConstant:
      break;
  }
  return AxisSource::kOutside;
}

}  // namespace

// Attributes `pads` (the begins of all axes, then the ends, with the batch's, which are 0), `mode`
// and `value`.
std::unique_ptr<Op> make_pad(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"pads", "mode", "value"});
  const Shape& image = spec.inputs[0].shape;
  std::vector<int64_t> pads = spec.node.integers("pads", {});
  const size_t rank = image.size() + 1;
  if (pads.size() != 2 * rank || pads[0] != 0 || pads[rank] != 0) {
    spec.fail(fmt::format("pads {}: {} integers expected, those of the batch (first and {}) 0",
                          to_string(pads), 2 * rank, rank));
  }
  const Padding mode = read_mode(spec);
  const std::vector<size_t> steps = axis_steps(image);
  std::vector<AxisSource> axes;
  for (size_t axis = 0; axis < image.size(); ++axis) {
    const int64_t begin = pads[axis + 1];
    const int64_t end = pads[rank + axis + 1];
    if (std::max(begin, end) > kLargestPad || std::min(begin, end) < -kLargestPad) {
      spec.fail(fmt::format("pads: {} at most expected, got {} and {}", kLargestPad, begin, end));
    }
    expect_extent(spec, image[axis]);
    expect_extent(spec, image[axis] + begin + end);
    axes.push_back({steps[axis], {}});
    for (int64_t i = -begin; i < image[axis] + end; ++i) {
      axes.back().from.push_back(source(mode, i, image[axis]));
    }
  }
  return make_rearrangement(spec, axes, static_cast<float>(spec.node.real("value", 0.0)));
}

}  // namespace mnist
