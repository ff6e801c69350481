#include "ops/gemm_kernels.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/gemm_kernels.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/cache_control.h>

#include "ops/tile-inl.h"
#include "ops/transpose-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

// `used`: the inputs to take, or null for all of them.
template <size_t kOutputs, size_t kBlocks>
void product_tile(const GemmProduct& task, size_t first, size_t block, const uint32_t* used,
                  size_t count) {
  Floats d;
  const size_t lanes = hn::Lanes(d);
  const size_t weight_input = task.weight_input;
  const float* HWY_RESTRICT weights[kOutputs];
  Tile<kOutputs, kBlocks> tile;
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
    weights[o] = task.weights + (first + o) * task.weight_output;
    Vector start = task.bias != nullptr ? hn::Set(d, task.bias[first + o]) : hn::Zero(d);
#pragma GCC unroll 8
    for (size_t b = 0; b < kBlocks; ++b) tile.sums[o][b] = start;
  }
  const float* x[kBlocks];
#pragma GCC unroll 8
  for (size_t b = 0; b < kBlocks; ++b) x[b] = task.x + (block + b) * task.inputs * lanes;
  auto step = [&](size_t k) HWY_ATTR {
    tile.step([&](size_t o) HWY_ATTR { return weights[o][k * weight_input]; },
              [&](size_t b) HWY_ATTR { return hn::Load(d, x[b] + k * lanes); });
  };
  if (used != nullptr) {
    for (size_t i = 0; i < count; ++i) step(used[i]);
  } else {
    for (size_t k = 0; k < task.inputs; ++k) step(k);
  }
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 8
    for (size_t b = 0; b < kBlocks; ++b) {
      Vector sum = tile.sums[o][b];
      if (task.relu) sum = hn::Max(sum, hn::Zero(d));
      hn::Store(sum, d, task.y + ((block + b) * task.outputs + first + o) * lanes);
    }
  }
}

// Lists the inputs that are not zero in all images of `blocks` blocks; returns how many.
size_t find_used(const float* x, size_t blocks, size_t inputs, uint32_t* used) {
  Floats d;
  size_t count = 0;
  for (size_t k = 0; k < inputs; ++k) {
    auto any = hn::Ne(hn::Load(d, x + k * kLanes), hn::Zero(d));
    for (size_t b = 1; b < blocks; ++b) {
      any = hn::Or(any, hn::Ne(hn::Load(d, x + (b * inputs + k) * kLanes), hn::Zero(d)));
    }
    used[count] = static_cast<uint32_t>(k);
    count += hn::AllFalse(d, any) ? 0 : 1;
  }
  return count;
}

// Outputs outermost: a few rows of weights stay in the first-level cache for all blocks.
void product(const GemmProduct& task) {
  constexpr size_t kMostBlocks = 128;
  size_t counts[kMostBlocks];  // by a tile's first block
  const bool skip = task.used != nullptr && task.blocks <= kMostBlocks;
  if (skip) {
    for_even_pieces<kTallVectors>(task.blocks, [&](size_t block, auto blocks) {
      counts[block] = find_used(task.x + block * task.inputs * kLanes, blocks(), task.inputs,
                                task.used + block * task.inputs);
    });
  }
  for_even_pieces<kTallScalars>(task.outputs, [&](size_t first, auto outputs) {
    for_even_pieces<kTallVectors>(task.blocks, [&](size_t block, auto blocks) {
      product_tile<outputs(), blocks()>(task, first, block,
                                        skip ? task.used + block * task.inputs : nullptr,
                                        skip ? counts[block] : 0);
    });
  });
}

// Images of a strip of columns that are not zero there: pixels at the rim seldom are anything else.
struct UsedImages {
  static constexpr size_t kMost = 512;
  uint32_t numbers[kMost];
  size_t count = 0;
};

// The images first..last-1; columns from `column` on.
void find_used(const GemmWeightGradient& task, size_t column, size_t vectors, size_t first,
               size_t last, UsedImages& used) {
  Floats d;
  used.count = 0;
  for (size_t image = first; image < last; ++image) {
    const float* row = task.rows + image * task.row_stride + column;
    auto any = hn::Ne(hn::Load(d, row), hn::Zero(d));
    for (size_t v = 1; v < vectors; ++v) {
      any = hn::Or(any, hn::Ne(hn::Load(d, row + v * kLanes), hn::Zero(d)));
    }
    used.numbers[used.count] = static_cast<uint32_t>(image);
    used.count += hn::AllFalse(d, any) ? 0 : 1;
  }
}

// Not inlined: every tile would have it for each of its sums.
HWY_NOINLINE void put_few(const float* values, size_t count, float* to, bool add) {
  for (size_t i = 0; i < count; ++i) to[i] = add ? to[i] + values[i] : values[i];
}

template <size_t kOutputs, size_t kVectors>
void gradient_tile(const GemmWeightGradient& task, size_t first, size_t column,
                   const UsedImages& used, bool add) {
  Floats d;
  const size_t lanes = hn::Lanes(d);
  Tile<kOutputs, kVectors> tile;
  tile.clear();
  // The gradients are in no cache near by and not in the order that a prefetcher foresees.
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
    hwy::Prefetch(task.d_weights + (first + o) * task.inputs + column);
  }
  for (size_t i = 0; i < used.count; ++i) {
    const size_t image = used.numbers[i];
    const float* d_y = task.d_y + (image / kLanes * task.outputs + first) * kLanes + image % kLanes;
    const float* row = task.rows + image * task.row_stride + column;
    tile.step([&](size_t o) HWY_ATTR { return d_y[o * kLanes]; },
              [&](size_t v) HWY_ATTR { return hn::Load(d, row + v * kLanes); });
  }
  // The last vector may reach beyond the row of weights: it is added by way of a copy.
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
    float* d_weights = task.d_weights + (first + o) * task.inputs;
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) {
      size_t from = column + v * lanes;
      if (from + lanes <= task.inputs) {
        const Vector before = add ? hn::LoadU(d, d_weights + from) : hn::Zero(d);
        hn::StoreU(hn::Add(before, tile.sums[o][v]), d, d_weights + from);
      } else {
        HWY_ALIGN float tail[kLanes];
        hn::Store(tile.sums[o][v], d, tail);
        if (from < task.inputs) put_few(tail, task.inputs - from, d_weights + from, add);
      }
    }
  }
}

void weight_gradient(const GemmWeightGradient& task) {
  Floats d;
  const size_t lanes = hn::Lanes(d);
  const size_t vectors = (task.inputs + lanes - 1) / lanes;
  const size_t images = task.blocks * lanes;
  UsedImages used;
  // Columns outermost: a strip of the images' rows stays in the first-level cache for all outputs.
  for_even_pieces<kTallVectors>(vectors, [&](size_t vector, auto count) {
    for (size_t image = 0; image < images; image += UsedImages::kMost) {
      const size_t last = std::min(images, image + UsedImages::kMost);
      find_used(task, vector * lanes, count(), image, last, used);
      for_even_pieces<kTallScalars>(task.output_count, [&](size_t output, auto outputs) {
        gradient_tile<outputs(), count()>(task, task.first_output + output, vector * lanes, used,
                                          task.add || image != 0);
      });
    }
  });
}

void bias_gradient(const float* d_y, size_t blocks, size_t outputs, float* d_bias) {
  Floats d;
  for (size_t o = 0; o < outputs; ++o) {
    Vector sum = hn::Zero(d);
    for (size_t b = 0; b < blocks; ++b) {
      sum = hn::Add(sum, hn::Load(d, d_y + (b * outputs + o) * hn::Lanes(d)));
    }
    d_bias[o] += hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

void image_rows(const float* x, size_t blocks, size_t count, float* rows, size_t row_stride) {
  Floats d;
  for (size_t b = 0; b < blocks; ++b) {
    const float* from = x + b * count * kLanes;
    float* to = rows + b * kLanes * row_stride;
    for (size_t k = 0; k < count; k += kLanes) {
      Vector v[kLanes];
#pragma GCC unroll 16
      for (size_t i = 0; i < kLanes; ++i) {
        v[i] = k + i < count ? hn::Load(d, from + (k + i) * kLanes) : hn::Zero(d);
      }
      transpose(v);
#pragma GCC unroll 16
      for (size_t i = 0; i < kLanes; ++i) hn::Store(v[i], d, to + i * row_stride + k);
    }
  }
}

// y += the scaled columns of up to four inputs.
template <size_t kCount>
HWY_INLINE void add_columns(const float* const (&columns)[kCount], const float (&x)[kCount],
                            size_t outputs, float* y) {
  Floats d;
  Vector factors[kCount];
#pragma GCC unroll 4
  for (size_t i = 0; i < kCount; ++i) factors[i] = hn::Set(d, x[i]);
  for (size_t o = 0; o < outputs; o += hn::Lanes(d)) {
    Vector sum = hn::Load(d, y + o);
#pragma GCC unroll 4
    for (size_t i = 0; i < kCount; ++i) {
      sum = hn::MulAdd(factors[i], hn::Load(d, columns[i] + o), sum);
    }
    hn::Store(sum, d, y + o);
  }
}

void single(const GemmSingle& task) {
  Floats d;
  float* y = task.scratch;
  auto* used = reinterpret_cast<uint32_t*>(task.scratch + task.column_stride);
  size_t count = 0;
  for (size_t k = 0; k < task.inputs; ++k) {
    used[count] = static_cast<uint32_t>(k);
    count += task.x[k] != 0.0F ? 1 : 0;
  }
  std::memset(y, 0, task.column_stride * sizeof(float));
  if (task.bias != nullptr) std::memcpy(y, task.bias, task.outputs * sizeof(float));
  auto column = [&](size_t i) { return task.columns + used[i] * task.column_stride; };
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float* columns[4] = {column(i), column(i + 1), column(i + 2), column(i + 3)};
    const float x[4] = {task.x[used[i]], task.x[used[i + 1]], task.x[used[i + 2]],
                        task.x[used[i + 3]]};
    add_columns(columns, x, task.outputs, y);
  }
  for (; i < count; ++i) {
    const float* columns[1] = {column(i)};
    const float x[1] = {task.x[used[i]]};
    add_columns(columns, x, task.outputs, y);
  }
  for (size_t o = 0; o < task.outputs; o += hn::Lanes(d)) {
    Vector sum = hn::Load(d, y + o);
    if (task.relu) sum = hn::Max(sum, hn::Zero(d));
    hn::Store(sum, d, task.y + o);
  }
}

void relu_gradient(const float* d_y, const float* y, size_t count, float* d_sums) {
  Floats d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    Vector g = hn::IfThenElseZero(hn::Gt(hn::Load(d, y + i), hn::Zero(d)), hn::Load(d, d_y + i));
    hn::Store(g, d, d_sums + i);
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(product);
HWY_EXPORT(weight_gradient);
HWY_EXPORT(bias_gradient);
HWY_EXPORT(image_rows);
HWY_EXPORT(single);
HWY_EXPORT(relu_gradient);
}  // namespace

void gemm_product(const GemmProduct& task) { HWY_DYNAMIC_DISPATCH(product)(task); }
void gemm_weight_gradient(const GemmWeightGradient& task) {
  HWY_DYNAMIC_DISPATCH(weight_gradient)(task);
}
void gemm_bias_gradient(const float* d_y, size_t blocks, size_t outputs, float* d_bias) {
  HWY_DYNAMIC_DISPATCH(bias_gradient)(d_y, blocks, outputs, d_bias);
}
void gemm_single(const GemmSingle& task) { HWY_DYNAMIC_DISPATCH(single)(task); }
void gemm_image_rows(const float* x, size_t blocks, size_t count, float* rows, size_t row_stride) {
  HWY_DYNAMIC_DISPATCH(image_rows)(x, blocks, count, rows, row_stride);
}
void gemm_relu_gradient(const float* d_y, const float* y, size_t count, float* d_sums) {
  HWY_DYNAMIC_DISPATCH(relu_gradient)(d_y, y, count, d_sums);
}

}  // namespace mnist
#endif
