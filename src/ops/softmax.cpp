// Softmax and LogSoftmax along an axis: y = e^x / sum(e^x), and its logarithm.
#include "base/highway.h"
#include "ops/axes.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/softmax.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// x, y: [classes], a vector every `step` floats. The largest x is taken off first, so that nothing
// overflows.
template <bool kLog, class D>
HWY_INLINE void forward_line(D d, const float* x, float* y, size_t classes, size_t step) {
  auto most = hn::Load(d, x);
  for (size_t k = 1; k < classes; ++k) most = hn::Max(most, hn::Load(d, x + k * step));
  auto sum = hn::Zero(d);
  for (size_t k = 0; k < classes; ++k) {
    auto power = hn::Exp(d, hn::Sub(hn::Load(d, x + k * step), most));
    sum = hn::Add(sum, power);
    if constexpr (!kLog) hn::Store(power, d, y + k * step);
  }
  if constexpr (kLog) {
    auto shift = hn::Add(most, hn::Log(d, sum));
    for (size_t k = 0; k < classes; ++k) {
      hn::Store(hn::Sub(hn::Load(d, x + k * step), shift), d, y + k * step);
    }
  } else {
    auto share = hn::Div(hn::Set(d, 1.0F), sum);
    for (size_t k = 0; k < classes; ++k) {
      hn::Store(hn::Mul(hn::Load(d, y + k * step), share), d, y + k * step);
    }
  }
}

// Softmax: d_x = y (d_y - sum(d_y y)). LogSoftmax: d_x = d_y - e^y sum(d_y).
template <bool kLog, class D>
HWY_INLINE void backward_line(D d, const float* y, const float* d_y, float* d_x, size_t classes,
                              size_t step) {
  auto sum = hn::Zero(d);
  for (size_t k = 0; k < classes; ++k) {
    auto d_output = hn::Load(d, d_y + k * step);
    if constexpr (kLog) {
      sum = hn::Add(sum, d_output);
    } else {
      sum = hn::MulAdd(d_output, hn::Load(d, y + k * step), sum);
    }
  }
  for (size_t k = 0; k < classes; ++k) {
    auto output = hn::Load(d, y + k * step);
    auto d_output = hn::Load(d, d_y + k * step);
    if constexpr (kLog) {
      hn::Store(hn::NegMulAdd(hn::Exp(d, output), sum, d_output), d, d_x + k * step);
    } else {
      hn::Store(hn::Mul(output, hn::Sub(d_output, sum)), d, d_x + k * step);
    }
  }
}

// [outer][classes][inner][lane]; `outer` counts the blocks too.
template <bool kLog, class D>
void forward_lines(D d, const float* x, float* y, size_t outer, size_t classes, size_t inner) {
  const size_t step = inner * hn::Lanes(d);
  for (size_t o = 0; o < outer; ++o) {
    for (size_t i = 0; i < step; i += hn::Lanes(d)) {
      size_t at = o * classes * step + i;
      forward_line<kLog>(d, x + at, y + at, classes, step);
    }
  }
}

template <bool kLog>
void backward_lines(const float* y, const float* d_y, float* d_x, size_t outer, size_t classes,
                    size_t inner) {
  const HWY_FULL(float) d;
  const size_t step = inner * hn::Lanes(d);
  for (size_t o = 0; o < outer; ++o) {
    for (size_t i = 0; i < step; i += hn::Lanes(d)) {
      size_t at = o * classes * step + i;
      backward_line<kLog>(d, y + at, d_y + at, d_x + at, classes, step);
    }
  }
}

template <bool kLog>
void forward_any(size_t lanes, const float* x, float* y, size_t outer, size_t classes,
                 size_t inner) {
  if (lanes == 1) {
    return forward_lines<kLog>(hn::CappedTag<float, 1>(), x, y, outer, classes, inner);
  }
  forward_lines<kLog>(HWY_FULL(float)(), x, y, outer, classes, inner);
}

void softmax_forward(bool is_log, size_t lanes, const float* x, float* y, size_t outer,
                     size_t classes, size_t inner) {
  (is_log ? forward_any<true> : forward_any<false>)(lanes, x, y, outer, classes, inner);
}

void softmax_backward(bool is_log, const float* y, const float* d_y, float* d_x, size_t outer,
                      size_t classes, size_t inner) {
  (is_log ? backward_lines<true> : backward_lines<false>)(y, d_y, d_x, outer, classes, inner);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(softmax_forward);
HWY_EXPORT(softmax_backward);

class Softmax : public Op {
 public:
  Softmax(Shape shape, size_t axis, bool is_log)
      : Op(std::move(shape)), is_log_(is_log), split_(split_at(output_shape(), axis, axis)) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(softmax_forward)
    (is_log_, args.pass.lanes, args.inputs[0], args.output, args.pass.blocks * split_.outer,
     split_.run, split_.inner);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    HWY_DYNAMIC_DISPATCH(softmax_backward)
    (is_log_, args.output, args.d_output, args.d_inputs[0], args.pass.blocks * split_.outer,
     split_.run, split_.inner);
  }

 private:
  bool is_log_;
  AxisRun split_;  // the run is the classes
};

// Attribute `axis` counts the batch as 0; -1 by default (ONNX since opset 13).
std::unique_ptr<Op> make(const OpSpec& spec, bool is_log) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axis"});
  const Shape& input = spec.inputs[0].shape;
  if (element_count(input) == 0) spec.fail("an input that is not empty expected");
  size_t axis = image_axis(spec, spec.node.integer("axis", -1), input.size());
  return std::make_unique<Softmax>(input, axis, is_log);
}

}  // namespace

std::unique_ptr<Op> make_softmax(const OpSpec& spec) { return make(spec, false); }
std::unique_ptr<Op> make_log_softmax(const OpSpec& spec) { return make(spec, true); }

}  // namespace mnist
#endif
