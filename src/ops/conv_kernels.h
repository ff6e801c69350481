// What the convolution kernels of conv_kernels.cpp work on: one block of images, one group.
//
// A tap is one (channel, kernel row, kernel column); its offset leads from the input value under
// the kernel's first corner to the one under the tap. Strides and offsets count floats.
#pragma once

#include <cstddef>
#include <span>

namespace mnist {

struct ConvPositions {
  size_t rows = 0;
  size_t columns = 0;
  ptrdiff_t row_stride = 0;
  ptrdiff_t column_stride = 0;
};

// y[o][row][column] = sum over taps of weights[o * taps.size() + t] * x[position + taps[t]] +
// bias[o]
struct ConvForward {
  const float* x = nullptr;
  ConvPositions positions;  // strides in x
  std::span<const ptrdiff_t> taps;
  const float* weights = nullptr;
  const float* bias = nullptr;  // null: none
  size_t outputs = 0;
  float* y = nullptr;
  ptrdiff_t y_output = 0;
  ptrdiff_t y_row = 0;
  ptrdiff_t y_column = 0;
  bool relu = false;
  // Takes the greatest of each 2x2 positions; y has half the rows and columns. `winners`, if not
  // null, is laid out like y and gets 0..3 for the position (row by row) that won, first of equals,
  // or 4 where relu cut it.
  bool max_pool = false;
  float* winners = nullptr;
};

// d_weights[o * taps.size() + t] += sum over positions, lanes of d_y[o][position] * x[position + t]
struct ConvWeightGradient {
  const float* x = nullptr;
  ConvPositions positions;  // strides in x
  std::span<const ptrdiff_t> taps;
  const float* d_y = nullptr;
  ptrdiff_t d_y_output = 0;
  ptrdiff_t d_y_row = 0;
  ptrdiff_t d_y_column = 0;
  size_t outputs = 0;
  float* d_weights = nullptr;
  float* d_bias = nullptr;  // null: none
};

// Where the gradient of a convolution's sums is collected: [output][row][column], all strides
// given. d_sums must be zero where it is not written.
struct ConvUnpool {
  const float* d_y = nullptr;      // [outputs][rows][columns], dense
  const float* y = nullptr;        // forward's result, for relu without pooling
  const float* winners = nullptr;  // with pooling: 4 times as many d_sums as d_y
  size_t outputs = 0;
  size_t rows = 0;
  size_t columns = 0;
  bool relu = false;
  float* d_sums = nullptr;
  ptrdiff_t output_stride = 0;
  ptrdiff_t row_stride = 0;
  ptrdiff_t column_stride = 0;
};

void conv_forward(const ConvForward& task);
void conv_weight_gradient(const ConvWeightGradient& task);
void conv_unpool(const ConvUnpool& task);

}  // namespace mnist
