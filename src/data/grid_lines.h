// Ruled lines and frames: straight ink from one edge of the image to the other.
#pragma once

#include <vector>

#include "data/plane.h"

namespace mnist {

struct GridLine {
  bool across = true;          // runs from left to right; else from top to bottom
  std::vector<size_t> pixels;  // indices into the mask that belong to the line alone
  std::vector<bool> inked;     // for each column (row) of the mask, whether the line has ink there
  float thickness = 0;         // pixels
  double place = 0;            // its middle's distance from the top (left), 0..1 of the mask
};

// Finds the lines of `ink` that cover at least `coverage` (0..1) of the way from edge to edge, and
// takes them out of it. A stroke that crosses a line stays whole. With `rim` only the outer quarter
// on each side is looked at. Slopes up to a tenth; gaps and slight bends are followed.
std::vector<GridLine> remove_grid_lines(Mask& ink, double coverage, bool rim);

}  // namespace mnist
