// Walking the lines of an image along one of its axes, compiled for each instruction set.
#if defined(MNIST_OPS_LINES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MNIST_OPS_LINES_INL_H_
#undef MNIST_OPS_LINES_INL_H_
#else
#define MNIST_OPS_LINES_INL_H_
#endif

#include "base/highway.h"
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include "ops/axes.h"

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Calls visit(element of the image, offset in floats of it) for the first element of each line of
// each block; a line's elements are `inner` vectors apart.
template <class D, class Visit>
HWY_INLINE void for_each_line(D d, const AxisRun& lines, const Pass& pass, Visit visit) {
  const size_t lanes = hn::Lanes(d);
  const size_t size = lines.run * lines.inner;
  for (size_t block = 0; block < pass.blocks; ++block) {
    for (size_t outer = 0; outer < lines.outer; ++outer) {
      for (size_t inner = 0; inner < lines.inner; ++inner) {
        const size_t element = outer * size + inner;
        visit(element, (block * lines.outer * size + element) * lanes);
      }
    }
  }
}

// sum of value(offset of the k-th vector, k)
template <class D, class Value>
HWY_INLINE hn::Vec<D> sum_of_line(D d, const AxisRun& lines, size_t first, Value value) {
  auto sum = hn::Zero(d);
  const size_t step = lines.inner * hn::Lanes(d);
  for (size_t k = 0; k < lines.run; ++k) sum = hn::Add(sum, value(first + k * step, k));
  return sum;
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
