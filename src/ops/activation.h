// The kernels of an activation function, as activation.cpp compiles them for each instruction set.
#pragma once

#include <cstddef>

#include "base/simd.h"
#include "ops/op.h"

namespace mnist {

// Arrays of `count` floats; backward reads x, y = forward(x) and d_y.
struct ActivationKernels {
  void (*forward)(const float* x, float* y, size_t count, float parameter);
  void (*backward)(const float* x, const float* y, const float* d_y, float* d_x, size_t count,
                   float parameter);
};

}  // namespace mnist
