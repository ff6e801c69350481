// The loops of map.h, compiled for each instruction set. A function is a class with a constructor
// from MapParameters, forward(x) and backward(x, y, d_y).
#if defined(MNIST_OPS_MAP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MNIST_OPS_MAP_INL_H_
#undef MNIST_OPS_MAP_INL_H_
#else
#define MNIST_OPS_MAP_INL_H_
#endif

#include <cstring>

#include "base/highway.h"
// The order is Highway's.
// clang-format off
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

#include "ops/map.h"
#include "ops/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

// e^x; Highway's is right only below 128, where it has long been infinity.
HWY_INLINE Vector exponential(Vector x) { return hn::Exp(Floats(), hn::Min(x, constant(100.0F))); }

// a + b x + c x^2 + ...
template <size_t kCount>
HWY_INLINE Vector polynomial(const float (&coefficients)[kCount], Vector x) {
  Vector sum = constant(coefficients[kCount - 1]);
  for (size_t i = kCount - 1; i-- > 0;) sum = hn::MulAdd(sum, x, constant(coefficients[i]));
  return sum;
}

// Error function, within 2e-7 of its value. Below 1 x times a polynomial in x^2; above
// 1 - e^(-x^2) times one in 1 / (1 + x / 2), both fitted at Chebyshev's points. `power` is
// e^(-x^2), which derivatives need too.
HWY_INLINE Vector error_function(Vector x, Vector power) {
  constexpr float kNear[] = {1.1283791F,    -0.37612626F,    0.11283597F,    -0.026854329F,
                             0.0051893122F, -0.00080188550F, 0.000078824967F};
  constexpr float kFar[] = {0.0012404524F, 0.26537663F, 0.37486351F,
                            -0.022443982F, 0.59679759F, -0.21578749F};
  const Vector magnitude = hn::Abs(x);
  const Vector one = constant(1.0F);
  const Vector near = hn::Mul(x, polynomial(kNear, hn::Mul(x, x)));
  const Vector t = hn::Div(one, hn::MulAdd(magnitude, constant(0.5F), one));
  const Vector far = hn::NegMulAdd(power, polynomial(kFar, t), one);
  return hn::IfThenElse(hn::Lt(magnitude, one), near, hn::CopySign(far, x));
}

template <class Function>
void map_forward(const float* x, float* y, size_t count, MapParameters parameters) {
  const Floats d;
  const Function function(parameters);
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::Store(function.forward(hn::Load(d, x + i)), d, y + i);
  }
}

template <class Function>
void map_backward(const float* x, const float* y, const float* d_y, float* d_x, size_t count,
                  MapParameters parameters) {
  const Floats d;
  const Function function(parameters);
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    Vector d_input =
        function.backward(hn::Load(d, x + i), hn::Load(d, y + i), hn::Load(d, d_y + i));
    hn::Store(d_input, d, d_x + i);
  }
}

template <class Function>
constexpr MapKernels kernels_of(const char* name) {
  return {name, map_forward<Function>, map_backward<Function>};
}

// The entry called `name`, which must be there.
template <size_t kCount>
MapKernels find_kernels(const MapKernels (&table)[kCount], const char* name) {
  size_t i = 0;
  while (std::strcmp(table[i].name, name) != 0) ++i;
  return table[i];
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
