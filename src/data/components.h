// Connected pieces of ink, and which of them are the digit.
#pragma once

#include <cstdint>

#include "data/plane.h"

namespace mnist {

// A piece of ink: pixels that touch by a side or a corner.
struct Component {
  Box box;
  size_t pixels = 0;
  double reach = 0;  // how near it comes to the middle of the image: 0 at the edge, 1 in the middle
  bool touches_edge = false;

  double score() const { return static_cast<double>(pixels) * (0.01 + reach * reach); }
};

struct Components {
  PlaneOf<uint32_t> labels;  // 0: no ink; k: all[k - 1]
  std::vector<Component> all;
};

Components find_components(const Mask& mask);

// The pixels of the digit: the piece with the most ink towards the middle of the image, and the
// pieces near it that are not dust and not what remains of a frame. Nothing where there is none.
Mask select_digit(const Components& components);

}  // namespace mnist
