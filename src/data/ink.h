// Ink apart from paper: which of the two is darker, and how much of the light is the paper's.
#pragma once

#include <optional>

#include "data/plane.h"

namespace mnist {

// An image without its lighting. `strength` is how far each pixel stands out from a smooth surface
// that most of the image follows, above all along its edges: above 0 towards the ink. `noise` is
// its robust standard deviation from pixel to pixel. Both in grey levels.
struct Sheet {
  Plane strength;
  bool dark_on_light = true;
  float noise = 0;
};

// `grey` holds 0..255. `polarity` (true: dark on light) overrides what would be found.
Sheet flatten_lighting(const Plane& grey, std::optional<bool> polarity);

// What stands out, in grey levels from 0, in shapes that are narrower than 2 * radius: strokes stay
// and the edges of shadows and tables go.
Plane narrow_ink(const Sheet& sheet, size_t radius);

}  // namespace mnist
