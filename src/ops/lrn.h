// The kernels of LRN, as lrn.cpp compiles them for each instruction set.
#pragma once

#include <cstddef>

namespace mnist {

// Channel c is divided by a power of the sum of squares of channels c - before to c + behind.
struct Neighbourhood {
  size_t channels = 1;
  size_t plane = 1;
  size_t before = 0;
  size_t behind = 0;
  float factor = 0.0F;  // alpha / size
  float beta = 0.0F;
  float bias = 0.0F;
};

}  // namespace mnist
