// The kernels of the normalisations, as normalize.cpp and divide_by_norm.cpp compile
// them for each instruction set.
#pragma once

#include "ops/axes.h"
#include "ops/op.h"

namespace mnist {

// Elements [outer][run][inner] of an image: a line is the `run` elements of one outer and inner
// position. Element e has scale and bias number e / step % count; a count of 0: there are none.
struct Standardization {
  AxisRun lines;
  size_t step = 1;
  size_t count = 0;
  bool has_bias = false;
  float epsilon = 0.0F;
};

enum class Norm { kMax, kL1, kL2 };

}  // namespace mnist
