// The width of the pen: measured, and changed without changing the drawing.
#pragma once

#include "data/plane.h"

namespace mnist {

// For each pixel the distance from its centre to the ink's outline: above 0 inside, below outside.
Plane signed_distance(const Mask& ink);

// Twice the typical distance from the strokes' middle lines to their outline, in pixels; 0 without
// ink.
float pen_width(const Plane& distance);

}  // namespace mnist
