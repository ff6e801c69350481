// The matrix products of a dense layer, in the lane layout of op.h. Strides count floats.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mnist {

// y[b][o][lane] = bias[o] + sum over k of weight(o, k) * x[b][k][lane],
// where weight(o, k) = weights[o * weight_output + k * weight_input].
struct GemmProduct {
  const float* x = nullptr;  // [blocks][inputs][lanes]
  const float* weights = nullptr;
  size_t weight_output = 0;
  size_t weight_input = 0;
  const float* bias = nullptr;  // null: none
  float* y = nullptr;           // [blocks][outputs][lanes]
  size_t blocks = 0;
  size_t inputs = 0;
  size_t outputs = 0;
  bool relu = false;
  // Null, or blocks * inputs numbers of scratch: then inputs that are zero in all images of a tile
  // are left out, which for pixels is a good part. Adding nothing instead of zeros changes no sum.
  uint32_t* used = nullptr;
};

// From how many outputs on looking for zeros costs less than it saves (one look serves all
// outputs).
constexpr size_t kLeastOutputsToSkipZeros = 64;

// d_weights[o * inputs + k] += sum over images of d_y[image][o] * x[image][k], for output_count
// outputs o from first_output on; without `add`, = instead of +=.
struct GemmWeightGradient {
  const float* d_y = nullptr;   // [blocks][outputs][lanes]
  const float* rows = nullptr;  // [blocks * lanes][row_stride], made by gemm_image_rows
  size_t row_stride = 0;        // at least `inputs`, a multiple of kFloatsPerLine
  size_t blocks = 0;
  size_t inputs = 0;
  size_t outputs = 0;
  size_t first_output = 0;
  size_t output_count = 0;
  float* d_weights = nullptr;
  bool add = true;
};

// y = bias + sum over k of x[k] * columns[k][o], skipping the x that are zero: most pixels of a
// digit and half of the values behind a relu are.
struct GemmSingle {
  const float* x = nullptr;        // [inputs]
  const float* columns = nullptr;  // [inputs][column_stride]
  size_t column_stride = 0;        // at least `outputs`, a multiple of kFloatsPerLine
  const float* bias = nullptr;     // null: none
  float* y = nullptr;              // [outputs], padded
  float* scratch = nullptr;        // column_stride + 2 * inputs floats
  size_t inputs = 0;
  size_t outputs = 0;
  bool relu = false;
};

void gemm_product(const GemmProduct& task);
void gemm_weight_gradient(const GemmWeightGradient& task);
// d_bias[o] += sum over images of d_y[image][o], d_y [blocks][outputs][lanes].
void gemm_bias_gradient(const float* d_y, size_t blocks, size_t outputs, float* d_bias);
void gemm_single(const GemmSingle& task);

// [blocks][count][lanes] -> [blocks * lanes][row_stride]: a row an image. The columns between count
// and row_stride are left undefined.
void gemm_image_rows(const float* x, size_t blocks, size_t count, float* rows, size_t row_stride);

// d_sums[i] = y[i] > 0 ? d_y[i] : 0, for `count` floats of padded buffers.
void gemm_relu_gradient(const float* d_y, const float* y, size_t count, float* d_sums);

}  // namespace mnist
