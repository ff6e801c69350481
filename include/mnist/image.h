// A grey image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mnist {

// `pixels` are height * width bytes, row by row from the top. In MNIST's form 0 is the background
// and 255 the ink; a file's image may be the other way round (see prepare.h).
struct Image {
  size_t height = 0;
  size_t width = 0;
  std::vector<uint8_t> pixels;

  uint8_t& at(size_t row, size_t column) { return pixels[row * width + column]; }
  uint8_t at(size_t row, size_t column) const { return pixels[row * width + column]; }
};

}  // namespace mnist
