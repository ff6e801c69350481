// Brings photographs and drawings of one digit to MNIST's form.
//
// MNIST was made from black and white scans: cropped, scaled by area averaging into a box of 20x20
// that keeps the aspect, and put on 28x28 with the centre of mass in the middle. The same is done
// here, after the ink was told from the paper: polarity, lighting, ruled lines and frames, noise,
// and a pen much thinner or thicker than those of MNIST.
#pragma once

#include <cstddef>

#include "data/plane.h"
#include "mnist/image.h"

namespace mnist {

struct PrepareOptions {
  size_t size = 28;  // of the result, both sides
  size_t box = 20;   // the digit's longer side, at most `size`
  // Pens are brought into this range, in pixels of the result: of MNIST's, measured in the same
  // way, one in ten is thinner than 2.1 and one in ten thicker than 3.7.
  float thinnest_pen = 2.0F;
  float thickest_pen = 3.6F;
};

// What was found on the way; for showing, the result does not depend on it.
struct PrepareReport {
  bool dark_on_light = false;
  bool unchanged = false;    // the image was in MNIST's form already
  Box box;                   // of the digit, in pixels of the given image; empty: no digit
  float pen = 0;             // as drawn, in pixels of the result
  size_t removed_lines = 0;  // of a ruling or frame
};

// `image` may have any size and either polarity. Returns size x size pixels, 0 background and 255
// ink; all 0 where no ink was found. Never throws but for lack of memory.
Image prepare_digit(const Image& image, const PrepareOptions& options = {},
                    PrepareReport* report = nullptr);

}  // namespace mnist
