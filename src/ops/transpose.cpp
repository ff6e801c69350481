// Transpose: the axes in another order.
#include <fmt/format.h>

#include "ops/axes.h"
#include "ops/rearrange.h"
#include "ops/reshape.h"

namespace mnist {
namespace {

// Whether the order of the elements stays: only axes of extent 1 change places.
bool keeps_elements(const std::vector<size_t>& order, const Shape& image) {
  size_t last = 0;
  for (size_t axis : order) {
    if (image[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

// Attribute `perm` counts the batch as 0, and leaves it there. ONNX's default, the axes reversed,
// would not.
std::unique_ptr<Op> make_transpose(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"perm"});
  const Shape& image = spec.inputs[0].shape;
  std::vector<int64_t> order = spec.node.integers("perm", {});
  if (order.size() != image.size() + 1 || order[0] != 0) {
    spec.fail(fmt::format("perm {}: {} axes expected, the first of them 0, the batch",
                          to_string(order), image.size() + 1));
  }
  order.erase(order.begin());
  image_axes(spec, order, image.size());  // throws where an axis comes twice
  const std::vector<size_t> steps = axis_steps(image);
  std::vector<size_t> from;
  std::vector<AxisSource> axes;
  Shape output;
  for (int64_t axis : order) {
    from.push_back(image_axis(spec, axis, image.size()));
    output.push_back(image[from.back()]);
    expect_extent(spec, output.back());
    axes.push_back(whole_axis(output.back(), steps[from.back()]));
  }
  if (keeps_elements(from, image)) return make_view(output);
  return make_rearrangement(spec, axes);
}

}  // namespace mnist
