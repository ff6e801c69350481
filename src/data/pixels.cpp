#include "data/pixels.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"

namespace mnist {

void check_image_size(uint64_t height, uint64_t width, std::string_view who) {
  if (height == 0 || width == 0) {
    throw Error(fmt::format("{}: an image of {} x {} pixels is empty", who, width, height));
  }
  // Each side first, so that the product cannot overflow.
  if (std::max(height, width) > kLargestImageSide || height * width > kMostImagePixels) {
    throw Error(
        fmt::format("{}: an image of {} x {} pixels is too large: at most {} a side and {} "
                    "in all are accepted",
                    who, width, height, kLargestImageSide, kMostImagePixels));
  }
}

}  // namespace mnist
