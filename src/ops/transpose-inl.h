// Lanes x lanes transposition, compiled for each instruction set.
#if defined(MNIST_OPS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MNIST_OPS_TRANSPOSE_INL_H_
#undef MNIST_OPS_TRANSPOSE_INL_H_
#else
#define MNIST_OPS_TRANSPOSE_INL_H_
#endif

#include <cstddef>

#include "base/highway.h"
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {

constexpr size_t kLanes = hwy::HWY_NAMESPACE::MaxLanes(HWY_FULL(float)());
static_assert(kLanes == 4 || kLanes == 8 || kLanes == 16, "vectors of 128, 256 or 512 bits");

// In each 128-bit part of four rows: the part's 4 x 4 floats transposed.
template <class Vector>
HWY_INLINE void transpose_parts(Vector& a, Vector& b, Vector& c, Vector& d_) {
  namespace hn = hwy::HWY_NAMESPACE;
  const HWY_FULL(float) d;
  Vector ac_lower = hn::InterleaveLower(d, a, c);  // a0 c0 a1 c1
  Vector ac_upper = hn::InterleaveUpper(d, a, c);
  Vector bd_lower = hn::InterleaveLower(d, b, d_);  // b0 d0 b1 d1
  Vector bd_upper = hn::InterleaveUpper(d, b, d_);
  a = hn::InterleaveLower(d, ac_lower, bd_lower);  // a0 b0 c0 d0
  b = hn::InterleaveUpper(d, ac_lower, bd_lower);
  c = hn::InterleaveLower(d, ac_upper, bd_upper);
  d_ = hn::InterleaveUpper(d, ac_upper, bd_upper);
}

// v[i] holds row i; afterwards column i: parts are transposed in place, then parts among each
// other.
template <class Vector>
HWY_INLINE void transpose(Vector (&v)[kLanes]) {
  namespace hn = hwy::HWY_NAMESPACE;
  [[maybe_unused]] const HWY_FULL(float) d;
#pragma GCC unroll 4
  for (size_t i = 0; i < kLanes; i += 4) transpose_parts(v[i], v[i + 1], v[i + 2], v[i + 3]);
  if constexpr (kLanes == 8) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
      Vector lower = hn::ConcatLowerLower(d, v[4 + j], v[j]);
      v[4 + j] = hn::ConcatUpperUpper(d, v[4 + j], v[j]);
      v[j] = lower;
    }
  } else if constexpr (kLanes == 16) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
      Vector ac_lower = hn::ConcatLowerLower(d, v[8 + j], v[j]);  // parts a0 a1 c0 c1
      Vector ac_upper = hn::ConcatUpperUpper(d, v[8 + j], v[j]);
      Vector bd_lower = hn::ConcatLowerLower(d, v[12 + j], v[4 + j]);
      Vector bd_upper = hn::ConcatUpperUpper(d, v[12 + j], v[4 + j]);
      v[j] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(bd_lower), ac_lower);  // a0 b0 c0 d0
      v[4 + j] = hn::OddEvenBlocks(bd_lower, hn::SwapAdjacentBlocks(ac_lower));
      v[8 + j] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(bd_upper), ac_upper);
      v[12 + j] = hn::OddEvenBlocks(bd_upper, hn::SwapAdjacentBlocks(ac_upper));
    }
  }
}

}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
