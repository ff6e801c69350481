#include "classify/input_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mnist/error.h"

namespace mnist {

InputSize input_size(const Model& model, const std::string& who) {
  const Shape& shape = model.input_shape;
  const size_t count = element_count(shape);
  const auto extent = [&](size_t axis) { return static_cast<size_t>(shape[axis]); };
  const auto is_depth = [](size_t channels) { return channels == 1 || channels == 3; };
  if (count > 0 && shape.size() == 1) {
    const auto side = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(count))));
    if (side * side == count) return {side, side, 1, false};
  } else if (count > 0 && shape.size() == 2) {
    return {extent(0), extent(1), 1, false};
  } else if (count > 0 && shape.size() == 3) {
    if (is_depth(extent(0))) return {extent(1), extent(2), extent(0), false};
    if (is_depth(extent(2))) return {extent(0), extent(1), extent(2), true};
  }
  throw Error(
      fmt::format("{}: a network for images expected, its input is {}", who, to_string(shape)));
}

PrepareOptions prepare_options(const InputSize& size, const std::string& who) {
  if (size.height != size.width) {
    throw Error(fmt::format("{}: images can only be prepared for square inputs, not {} x {}", who,
                            size.width, size.height));
  }
  PrepareOptions options;
  const float scale = static_cast<float>(size.width) / static_cast<float>(options.size);
  options.box = std::max<size_t>(1, options.box * size.width / options.size);
  options.size = size.width;
  options.thinnest_pen *= scale;
  options.thickest_pen *= scale;
  return options;
}

}  // namespace mnist
