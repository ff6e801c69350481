#include "data/fit.h"

#include <algorithm>
#include <cmath>

#include "data/plane.h"

namespace mnist {

Image fit_picture(const Image& picture, size_t height, size_t width) {
  Image result{height, width, std::vector<uint8_t>(height * width)};
  if (picture.pixels.empty()) return result;
  const size_t longest = std::min(height, width);
  const Plane small = shrink(picture, {0, 0, picture.height, picture.width}, longest);
  const size_t top = (height - small.height) / 2;
  const size_t left = (width - small.width) / 2;
  for (size_t row = 0; row < small.height; ++row) {
    for (size_t column = 0; column < small.width; ++column) {
      const float grey = std::clamp(small.at(row, column), 0.0F, 255.0F);
      result.at(top + row, left + column) = static_cast<uint8_t>(std::lround(grey));
    }
  }
  return result;
}

}  // namespace mnist
