// Finds the one digit of an image.
#pragma once

#include "data/plane.h"
#include "mnist/image.h"

namespace mnist {

struct FoundDigit {
  Plane ink;         // 0..1, of the digit only; from 0.5 on it is ink rather than paper
  Box box;           // of the digit, in pixels of `ink`; empty: no digit
  Box part;          // of the image, that `ink` shows
  double scale = 1;  // pixels of the image for each of `ink`
  bool dark_on_light = true;
  size_t removed_lines = 0;  // of a ruling or frame

  // `box` in pixels of the image.
  Box original_box() const;
};

// Looks at the whole image, shrunk where it is big; where the digit is small in it, once more at
// its neighbourhood. `image` has at least one pixel.
FoundDigit find_digit(const Image& image);

}  // namespace mnist
