// The kernels of the reductions, as reduce.cpp compiles them for each instruction set.
#pragma once

#include <cstddef>

namespace mnist {

// A row of `count` inputs, each a vector of `lanes`. Their output is one vector or, where the row
// is along an axis that stays, a vector each; likewise whatever belongs to an output.
struct ReduceRow {
  const float* x;
  size_t lanes;
  size_t count;
  bool to_one;
};

struct ReduceKernels {
  const char* name;
  float start;  // of outputs before their inputs are added
  // output = output combined with x
  void (*add)(const ReduceRow& row, float* output);
  // Of `count` padded outputs to which all has been added; `share` is 1 / the inputs of each.
  void (*finish)(float* output, size_t count, float share);
  // ties = ties + 1 where x is the output; null where that does not matter.
  void (*count_ties)(const ReduceRow& row, const float* output, float* ties);
  // d_x = slope * factor * d_y, the factor being `share` or 1 / ties.
  void (*backward)(const ReduceRow& row, const float* output, const float* d_y, const float* ties,
                   float share, float* d_x);
};

}  // namespace mnist
