#include "ops/axes.h"

#include <fmt/format.h>

#include <algorithm>

namespace mnist {

AxisRun split_at(const Shape& image, size_t first, size_t last) {
  AxisRun split;
  for (size_t i = 0; i < image.size(); ++i) {
    size_t& part = i < first ? split.outer : i <= last ? split.run : split.inner;
    part *= static_cast<size_t>(image[i]);
  }
  return split;
}

void expect_lines(const OpSpec& spec) {
  const Shape& image = spec.inputs[0].shape;
  if (image.empty() || element_count(image) == 0) {
    spec.fail("an input with at least one axis that is not empty expected, got " +
              to_string(image));
  }
}

size_t image_axis(const OpSpec& spec, int64_t axis, size_t rank) {
  int64_t extents = static_cast<int64_t>(rank);
  if (axis >= -extents && axis < 0) return static_cast<size_t>(axis + extents);
  if (axis >= 1 && axis <= extents) return static_cast<size_t>(axis - 1);
  spec.fail(fmt::format("axis: 1 to {} or {} to -1 expected (0 is the batch), got {}", extents,
                        -extents, axis));
}

std::vector<size_t> image_axes(const OpSpec& spec, const std::vector<int64_t>& axes, size_t rank) {
  std::vector<size_t> result;
  for (int64_t axis : axes) {
    size_t index = image_axis(spec, axis, rank);
    if (std::find(result.begin(), result.end(), index) != result.end()) {
      spec.fail(fmt::format("axis {} comes twice", axis));
    }
    result.push_back(index);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace mnist
