// The kernel of products of two activations, as matmul.cpp compiles it for each instruction set.
#pragma once

#include <cstddef>

namespace mnist {

// out[i][j] = sum over k of a(i, k) * b(k, j), each a vector of lanes; strides count vectors.
struct ActivationProduct {
  const float* a;
  size_t a_row;  // from one i to the next
  size_t a_term;
  const float* b;
  size_t b_term;
  size_t b_column;
  float* out;
  size_t rows;
  size_t terms;
  size_t columns;
};

}  // namespace mnist
