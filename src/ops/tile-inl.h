// The inner loop of every convolution and matrix product, compiled for each instruction set.
//
//   sums[o][v] += sum over t of scalar(o, t) * vector(v, t)
//
// A scalar is a weight, a vector one value of `lanes` images (or, in the weight gradient of a dense
// layer, neighbouring columns of one image). The sums stay in registers.
#if defined(MNIST_OPS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MNIST_OPS_TILE_INL_H_
#undef MNIST_OPS_TILE_INL_H_
#else
#define MNIST_OPS_TILE_INL_H_
#endif

#include <cstddef>
#include <utility>

#include "base/highway.h"
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = HWY_FULL(float);
using Vector = hn::Vec<Floats>;

// AVX-512 and ARM have 32 vector registers, the others 16: sums, one side's operands and one more
// must fit. 16 registers: 3 x 4 + 3 + 1, or 6 x 2 + 2 + 1; 32 registers: 6 x 4 + 4 + 1.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM
constexpr size_t kWideScalars = 6;  // beside up to 4 vectors
constexpr size_t kWideVectors = 4;
constexpr size_t kTallScalars = 6;  // beside up to 4 vectors
constexpr size_t kTallVectors = 4;
#else
constexpr size_t kWideScalars = 3;
constexpr size_t kWideVectors = 4;
constexpr size_t kTallScalars = 6;
constexpr size_t kTallVectors = 2;
#endif

template <size_t kScalars, size_t kVectors>
struct Tile {
  // Written out: GCC compiles one of its own making without this file's instruction set.
  HWY_INLINE Tile() {}  // NOLINT(modernize-use-equals-default)

  Vector sums[kScalars][kVectors];

  HWY_INLINE void clear() {
#pragma GCC unroll 8
    for (size_t o = 0; o < kScalars; ++o) {
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) sums[o][v] = hn::Zero(Floats());
    }
  }

  // One step: scalar(o) gives a float, vector(v) a vector. The smaller side is held in registers.
  template <class Scalar, class VectorAt>
  HWY_INLINE void step(Scalar scalar, VectorAt vector) {
    Floats d;
    if constexpr (kScalars < kVectors) {
      Vector held[kScalars];
#pragma GCC unroll 8
      for (size_t o = 0; o < kScalars; ++o) held[o] = hn::Set(d, scalar(o));
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) {
        Vector x = vector(v);
#pragma GCC unroll 8
        for (size_t o = 0; o < kScalars; ++o) sums[o][v] = hn::MulAdd(held[o], x, sums[o][v]);
      }
    } else {
      Vector held[kVectors];
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) held[v] = vector(v);
#pragma GCC unroll 8
      for (size_t o = 0; o < kScalars; ++o) {
        Vector w = hn::Set(d, scalar(o));
#pragma GCC unroll 8
        for (size_t v = 0; v < kVectors; ++v) sums[o][v] = hn::MulAdd(w, held[v], sums[o][v]);
      }
    }
  }
};

// Calls body(first, size) for pieces of `count`, none larger than kLargest and all of nearly one
// size: a tile of few sums cannot hide the latency of its multiply-adds. `size` is a compile-time
// constant to the body.
template <size_t kLargest, class Body>
HWY_INLINE void for_even_pieces(size_t count, Body body) {
  size_t pieces = (count + kLargest - 1) / kLargest;
  size_t first = 0;
  for (size_t left = pieces; left > 0; --left) {
    size_t size = (count - first + left - 1) / left;
    [&]<size_t... kSizes>(std::index_sequence<kSizes...>) {
      (void)((size == kSizes + 1 ? (body(first, std::integral_constant<size_t, kSizes + 1>()), true)
                                 : false) ||
             ...);
    }
    (std::make_index_sequence<kLargest>());
    first += size;
  }
}

}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
