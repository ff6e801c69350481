// The kernels of quantisation, as quantize.cpp compiles them for each instruction set.
#pragma once

#include <cstddef>

namespace mnist {

// `count` floats that have one scale and zero point.
struct QuantizedRow {
  size_t count;
  float scale;
  float zero_point;
  float least;  // the type's range
  float most;
};

}  // namespace mnist
