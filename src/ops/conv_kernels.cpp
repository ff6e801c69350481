#include "ops/conv_kernels.h"

#include <algorithm>

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv_kernels.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/tile-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

// The sums of kOutputs outputs from `first` on at kPositions positions, whose inputs start at x[p].
template <size_t kOutputs, size_t kPositions>
HWY_INLINE void convolve(const ConvForward& task, size_t first, const float* const (&x)[kPositions],
                         Tile<kOutputs, kPositions>& tile) {
  Floats d;
  const size_t taps = task.taps.size();
  const ptrdiff_t* HWY_RESTRICT offsets = task.taps.data();
  const float* HWY_RESTRICT weights = task.weights + first * taps;
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
    Vector start = task.bias != nullptr ? hn::Set(d, task.bias[first + o]) : hn::Zero(d);
#pragma GCC unroll 8
    for (size_t p = 0; p < kPositions; ++p) tile.sums[o][p] = start;
  }
  for (size_t t = 0; t < taps; ++t) {
    const ptrdiff_t offset = offsets[t];
    tile.step([&](size_t o) HWY_ATTR { return weights[o * taps + t]; },
              [&](size_t p) HWY_ATTR { return hn::LoadU(d, x[p] + offset); });
  }
}

template <size_t kOutputs, size_t kPositions>
void forward_tile(const ConvForward& task, size_t first, size_t row, size_t column) {
  Floats d;
  const ConvPositions& at = task.positions;
  const float* corner = task.x + static_cast<ptrdiff_t>(row) * at.row_stride;
  const float* x[kPositions];
#pragma GCC unroll 8
  for (size_t p = 0; p < kPositions; ++p) {
    x[p] = corner + static_cast<ptrdiff_t>(column + p) * at.column_stride;
  }
  Tile<kOutputs, kPositions> tile;
  convolve(task, first, x, tile);
  float* y = task.y + static_cast<ptrdiff_t>(row) * task.y_row;
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 8
    for (size_t p = 0; p < kPositions; ++p) {
      Vector sum = tile.sums[o][p];
      if (task.relu) sum = hn::Max(sum, hn::Zero(d));
      hn::StoreU(sum, d,
                 y + static_cast<ptrdiff_t>(first + o) * task.y_output +
                     static_cast<ptrdiff_t>(column + p) * task.y_column);
    }
  }
}

// One pooling window: its four positions are the tile's vectors.
template <size_t kOutputs>
void forward_pool_tile(const ConvForward& task, size_t first, size_t row, size_t column) {
  Floats d;
  const ConvPositions& at = task.positions;
  const float* corner = task.x + static_cast<ptrdiff_t>(2 * row) * at.row_stride +
                        static_cast<ptrdiff_t>(2 * column) * at.column_stride;
  const float* x[4] = {corner, corner + at.column_stride, corner + at.row_stride,
                       corner + at.row_stride + at.column_stride};
  Tile<kOutputs, 4> tile;
  convolve(task, first, x, tile);
  ptrdiff_t place = static_cast<ptrdiff_t>(row) * task.y_row +
                    static_cast<ptrdiff_t>(column) * task.y_column +
                    static_cast<ptrdiff_t>(first) * task.y_output;
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o, place += task.y_output) {
    Vector* sums = tile.sums[o];
    Vector greatest = hn::Max(hn::Max(sums[0], sums[1]), hn::Max(sums[2], sums[3]));
    if (task.winners != nullptr) {
      Vector winner = hn::IfThenElse(hn::Eq(sums[2], greatest), hn::Set(d, 2.0F), hn::Set(d, 3.0F));
      winner = hn::IfThenElse(hn::Eq(sums[1], greatest), hn::Set(d, 1.0F), winner);
      winner = hn::IfThenElse(hn::Eq(sums[0], greatest), hn::Zero(d), winner);
      if (task.relu) {
        winner = hn::IfThenElse(hn::Gt(greatest, hn::Zero(d)), winner, hn::Set(d, 4.0F));
      }
      hn::StoreU(winner, d, task.winners + place);
    }
    if (task.relu) greatest = hn::Max(greatest, hn::Zero(d));
    hn::StoreU(greatest, d, task.y + place);
  }
}

// Rows outermost: the input rows under the kernel stay in the first-level cache for all outputs.
void forward(const ConvForward& task) {
  const size_t step = task.max_pool ? 2 : 1;
  const size_t columns = task.positions.columns / step;
  for (size_t row = 0; row < task.positions.rows / step; ++row) {
    for_even_pieces<kWideScalars>(task.outputs, [&](size_t first, auto outputs) {
      if (task.max_pool) {
        for (size_t column = 0; column < columns; ++column) {
          forward_pool_tile<outputs()>(task, first, row, column);
        }
      } else {
        for_even_pieces<kWideVectors>(columns, [&](size_t column, auto positions) {
          forward_tile<outputs(), positions()>(task, first, row, column);
        });
      }
    });
  }
}

template <size_t kOutputs, size_t kTaps>
void gradient_tile(const ConvWeightGradient& task, size_t first, size_t tap) {
  Floats d;
  const ConvPositions& at = task.positions;
  Vector sums[kOutputs][kTaps];
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 8
    for (size_t t = 0; t < kTaps; ++t) sums[o][t] = hn::Zero(d);
  }
  const float* d_y = task.d_y + static_cast<ptrdiff_t>(first) * task.d_y_output;
  const float* x_row[kTaps];
#pragma GCC unroll 8
  for (size_t t = 0; t < kTaps; ++t) x_row[t] = task.x + task.taps[tap + t];
  for (size_t row = 0; row < at.rows; ++row) {
    ptrdiff_t x_place = static_cast<ptrdiff_t>(row) * at.row_stride;
    const float* d_y_here = d_y + static_cast<ptrdiff_t>(row) * task.d_y_row;
    for (size_t column = 0; column < at.columns; ++column) {
      Vector x[kTaps];
#pragma GCC unroll 8
      for (size_t t = 0; t < kTaps; ++t) x[t] = hn::Load(d, x_row[t] + x_place);
#pragma GCC unroll 8
      for (size_t o = 0; o < kOutputs; ++o) {
        Vector g = hn::Load(d, d_y_here + static_cast<ptrdiff_t>(o) * task.d_y_output);
#pragma GCC unroll 8
        for (size_t t = 0; t < kTaps; ++t) sums[o][t] = hn::MulAdd(g, x[t], sums[o][t]);
      }
      x_place += at.column_stride;
      d_y_here += task.d_y_column;
    }
  }
#pragma GCC unroll 8
  for (size_t o = 0; o < kOutputs; ++o) {
    float* d_weights = task.d_weights + (first + o) * task.taps.size() + tap;
#pragma GCC unroll 8
    for (size_t t = 0; t < kTaps; ++t) d_weights[t] += hn::GetLane(hn::SumOfLanes(d, sums[o][t]));
  }
}

void bias_gradient(const ConvWeightGradient& task) {
  Floats d;
  for (size_t o = 0; o < task.outputs; ++o) {
    // Four sums hide the latency of the additions.
    Vector sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    for (size_t row = 0; row < task.positions.rows; ++row) {
      const float* d_y = task.d_y + static_cast<ptrdiff_t>(o) * task.d_y_output +
                         static_cast<ptrdiff_t>(row) * task.d_y_row;
      for (size_t column = 0; column < task.positions.columns; ++column) {
        Vector g = hn::Load(d, d_y + static_cast<ptrdiff_t>(column) * task.d_y_column);
        sums[column % 4] = hn::Add(sums[column % 4], g);
      }
    }
    Vector sum = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
    task.d_bias[o] += hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

// The taps of one kernel row are neighbours in x, so they are the side that shares loads.
constexpr size_t kGradientTaps = kWideScalars == 6 ? 5 : 3;
constexpr size_t kGradientOutputs = 4;

void weight_gradient(const ConvWeightGradient& task) {
  for_even_pieces<kGradientOutputs>(task.outputs, [&](size_t first, auto outputs) {
    for_even_pieces<kGradientTaps>(task.taps.size(), [&](size_t tap, auto taps) {
      gradient_tile<outputs(), taps()>(task, first, tap);
    });
  });
  if (task.d_bias != nullptr) bias_gradient(task);
}

void unpool_row(const ConvUnpool& task, const float* d_y, const float* winners, float* d_sums) {
  Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t column = 0; column < task.columns; ++column) {
    Vector g = hn::Load(d, d_y + column * lanes);
    Vector winner = hn::Load(d, winners + column * lanes);
    float* to = d_sums + static_cast<ptrdiff_t>(2 * column) * task.column_stride;
    auto part = [&](float k)
                    HWY_ATTR { return hn::IfThenElseZero(hn::Eq(winner, hn::Set(d, k)), g); };
    hn::Store(part(0.0F), d, to);
    hn::Store(part(1.0F), d, to + task.column_stride);
    hn::Store(part(2.0F), d, to + task.row_stride);
    hn::Store(part(3.0F), d, to + task.row_stride + task.column_stride);
  }
}

void mask_row(const ConvUnpool& task, const float* d_y, const float* y, float* d_sums) {
  Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t column = 0; column < task.columns; ++column) {
    Vector g = hn::Load(d, d_y + column * lanes);
    if (task.relu) {
      g = hn::IfThenElseZero(hn::Gt(hn::Load(d, y + column * lanes), hn::Zero(d)), g);
    }
    hn::Store(g, d, d_sums + static_cast<ptrdiff_t>(column) * task.column_stride);
  }
}

void unpool(const ConvUnpool& task) {
  const bool pooled = task.winners != nullptr;
  const size_t row_floats = task.columns * hn::Lanes(Floats());
  for (size_t o = 0; o < task.outputs; ++o) {
    for (size_t row = 0; row < task.rows; ++row) {
      size_t place = (o * task.rows + row) * row_floats;
      float* d_sums = task.d_sums + static_cast<ptrdiff_t>(o) * task.output_stride +
                      static_cast<ptrdiff_t>(pooled ? 2 * row : row) * task.row_stride;
      if (pooled) {
        unpool_row(task, task.d_y + place, task.winners + place, d_sums);
      } else {
        mask_row(task, task.d_y + place, task.y + place, d_sums);
      }
    }
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(forward);
HWY_EXPORT(weight_gradient);
HWY_EXPORT(unpool);
}  // namespace

void conv_forward(const ConvForward& task) { HWY_DYNAMIC_DISPATCH(forward)(task); }
void conv_weight_gradient(const ConvWeightGradient& task) {
  HWY_DYNAMIC_DISPATCH(weight_gradient)(task);
}
void conv_unpool(const ConvUnpool& task) { HWY_DYNAMIC_DISPATCH(unpool)(task); }

}  // namespace mnist
#endif
