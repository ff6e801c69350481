// The kernels of a function of two variables, as binary.cpp compiles them for each instruction set.
#pragma once

#include <cstddef>

namespace mnist {

// One of two operands along a row: vectors, or numbers each of which fills a vector, `step` floats
// apart; 0 if one serves the whole row.
struct BinaryOperand {
  const float* from;
  size_t step;
  bool is_number;
};

struct BinaryRow {
  BinaryOperand a;
  BinaryOperand b;
  size_t floats;
};

// Where a row's gradient of one operand goes: a vector if it repeats. Added, or with `store`
// written.
struct GradientRow {
  float* to;
  bool repeats;
  bool store;
};

struct BinaryKernels {
  const char* name;
  void (*forward)(const BinaryRow& row, float* y);
  void (*backward[2])(const BinaryRow& row, const float* d_y, const GradientRow& gradient);
};

}  // namespace mnist
