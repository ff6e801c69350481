// Connected pieces of ink, and which of them are the digit.
#pragma once

#include <cstdint>

#include "data/plane.h"

namespace mnist {

// A piece of ink: pixels that touch by a side or a corner.
struct Component {
  Box box;
  size_t pixels = 0;
  double score = 0;  // pixels, each weighted by how far from the image's edge it is (0..1)
  bool touches_edge = false;
};

struct Components {
  PlaneOf<uint32_t> labels;           // 0: no ink; k: all[k - 1]
  std::vector<Component> all;
};

Components find_components(const Mask& mask);

// The pixels of the digit: the piece with the most ink towards the middle of the image, and the
// pieces near it that are not dust and not what remains of a frame. Nothing where there is none.
Mask select_digit(const Components& components);

}  // namespace mnist
