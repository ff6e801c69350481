#include "classify/input_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mnist/error.h"

namespace mnist {

InputSize input_size(const Model& model, const std::string& who) {
  const Shape& shape = model.input_shape;
  const size_t count = element_count(shape);
  if (shape.size() == 1) {
    const auto side = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(count))));
    if (side * side == count) return {side, side};
  } else if ((shape.size() == 2 || shape.size() == 3) && count > 0) {
    // The channel is first or last.
    const size_t first = shape.size() == 3 && shape[0] == 1 ? 1 : 0;
    const auto height = static_cast<size_t>(shape[first]);
    const auto width = static_cast<size_t>(shape[first + 1]);
    if (height * width == count) return {height, width};
  }
  throw Error(fmt::format("{}: a network for grey images expected, its input is {}", who,
                          to_string(shape)));
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
