// Slice: a range of positions along axes, every so many.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ops/axes.h"
#include "ops/rearrange.h"

namespace mnist {
namespace {

// Numbers beyond this mean "to the end".
constexpr int64_t kEnd = std::numeric_limits<int32_t>::max();

struct Range {
  int64_t start;
  int64_t end;
  int64_t step;
};

// The positions of an axis that a range takes: from the end where negative, and cut to what there
// is, as numpy does.
std::vector<int32_t> positions(const Range& range, int64_t extent) {
  int64_t step = std::clamp(range.step, -kEnd, kEnd);
  auto place = [&](int64_t value) {
    int64_t counted = value < 0 ? std::max(value, -2 * kEnd) + extent : value;
    return step > 0 ? std::clamp<int64_t>(counted, 0, extent)
                    : std::clamp<int64_t>(counted, -1, extent - 1);
  };
  int64_t end = place(range.end);
  std::vector<int32_t> result;
  for (int64_t i = place(range.start); step > 0 ? i < end : i > end; i += step) {
    result.push_back(static_cast<int32_t>(i));
  }
  return result;
}

}  // namespace

// Attributes `starts`, `ends`, `axes` (by default the first ones, the batch being 0) and `steps` (1
// by default). The batch can only be taken whole.
std::unique_ptr<Op> make_slice(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"starts", "ends", "axes", "steps"});
  const Shape& image = spec.inputs[0].shape;
  const std::vector<int64_t> starts = spec.node.integers("starts", {});
  const std::vector<int64_t> ends = spec.node.integers("ends", {});
  std::vector<int64_t> named = spec.node.integers("axes", {});
  if (!spec.node.attributes.contains("axes")) {
    for (size_t i = 0; i < starts.size(); ++i) named.push_back(static_cast<int64_t>(i));
  }
  const std::vector<int64_t> steps =
      spec.node.integers("steps", std::vector<int64_t>(starts.size(), 1));
  if (starts.empty() || ends.size() != starts.size() || named.size() != starts.size() ||
      steps.size() != starts.size()) {
    spec.fail("starts, ends, axes and steps of one length expected");
  }
  std::vector<AxisSource> axes;
  const std::vector<size_t> distances = axis_steps(image);
  for (size_t i = 0; i < image.size(); ++i) {
    expect_extent(spec, image[i]);
    axes.push_back(whole_axis(image[i], distances[i]));
  }
  std::vector<int64_t> sliced;
  for (size_t i = 0; i < starts.size(); ++i) {
    const bool whole = starts[i] == 0 && ends[i] >= kEnd && steps[i] == 1;
    if (whole && (named[i] == 0 || named[i] == -1 - static_cast<int64_t>(image.size()))) continue;
    if (steps[i] == 0) spec.fail("steps: a step is 0");
    sliced.push_back(named[i]);
    AxisSource& axis = axes[image_axis(spec, named[i], image.size())];
    axis.from = positions({starts[i], ends[i], steps[i]}, static_cast<int64_t>(axis.from.size()));
    if (axis.from.empty()) {
      spec.fail(fmt::format("axis {}: nothing lies from {} to {}", named[i], starts[i], ends[i]));
    }
  }
  image_axes(spec, sliced, image.size());  // throws where an axis comes twice
  return make_rearrangement(spec, axes);
}

}  // namespace mnist
