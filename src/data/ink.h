// Ink apart from paper: which of the two is darker, and how much of the light is the paper's.
#pragma once

#include <optional>

#include "data/plane.h"

namespace mnist {

// `strength` is how far each pixel stands out from the background on the ink's side, in grey
// levels, 0 where it does not. `noise` is the standard deviation of the background, robustly.
struct Ink {
  Plane strength;
  bool dark_on_light = true;
  float noise = 0;
};

// `grey` holds 0..255. The background is a smooth surface that most of the image follows, above
// all along its edges, so uneven lighting is taken for paper and a thick digit is not. `polarity`
// (true: dark on light) overrides what would be found.
Ink find_ink(const Plane& grey, std::optional<bool> polarity);

}  // namespace mnist
