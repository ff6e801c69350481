// A vector of the instruction set that is being compiled for, and what formulas need of it.
#if defined(MNIST_OPS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MNIST_OPS_VECTOR_INL_H_
#undef MNIST_OPS_VECTOR_INL_H_
#else
#define MNIST_OPS_VECTOR_INL_H_
#endif

#include "base/highway.h"
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = HWY_FULL(float);
using Vector = hn::Vec<Floats>;

HWY_INLINE Vector constant(float value) { return hn::Set(Floats(), value); }
HWY_INLINE Vector zero() { return hn::Zero(Floats()); }

// -1, 0 or 1.
HWY_INLINE Vector sign(Vector x) {
  return hn::IfThenZeroElse(hn::Eq(x, zero()), hn::CopySign(constant(1.0F), x));
}

// g where d_y is not 0: slopes may be infinite where nothing asks for them.
HWY_INLINE Vector where_wanted(Vector d_y, Vector g) {
  return hn::IfThenElseZero(hn::Ne(d_y, zero()), g);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
