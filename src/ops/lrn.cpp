// LRN (Krizhevsky, Sutskever and Hinton 2012): y = x / (bias + alpha / size * s)^beta, s the sum of
// the squares of the `size` channels around, at the same position.
#include "ops/lrn.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/highway.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/lrn.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

#include "ops/vector-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

// bias + factor * the sum of squares around channel c; x: the position's first channel, `step`
// floats from one to the next.
template <class D>
HWY_INLINE hn::Vec<D> base_of(D d, const Neighbourhood& n, const float* x, size_t step, size_t c) {
  auto sum = hn::Zero(d);
  const size_t last = std::min(n.channels - 1, c + n.behind);
  for (size_t i = c - std::min(c, n.before); i <= last; ++i) {
    const auto value = hn::Load(d, x + i * step);
    sum = hn::MulAdd(value, value, sum);
  }
  return hn::MulAdd(sum, hn::Set(d, n.factor), hn::Set(d, n.bias));
}

// base^-beta
template <class D>
HWY_INLINE hn::Vec<D> divisor_of(D d, const Neighbourhood& n, hn::Vec<D> base) {
  return hn::Exp(d, hn::Mul(hn::Log(d, base), hn::Set(d, -n.beta)));
}

template <class D>
void forward_positions(D d, const Neighbourhood& n, const float* x, float* y, size_t blocks) {
  const size_t lanes = hn::Lanes(d);
  const size_t step = n.plane * lanes;
  for (size_t block = 0; block < blocks; ++block, x += n.channels * step, y += n.channels * step) {
    for (size_t at = 0; at < step; at += lanes) {
      for (size_t c = 0; c < n.channels; ++c) {
        const auto divisor = divisor_of(d, n, base_of(d, n, x + at, step, c));
        hn::Store(hn::Mul(hn::Load(d, x + at + c * step), divisor), d, y + at + c * step);
      }
    }
  }
}

void lrn_forward(const Neighbourhood& n, const ForwardArgs& args) {
  if (args.pass.lanes == 1) {
    const hn::CappedTag<float, 1> d;
    return forward_positions(d, n, args.inputs[0], args.output, args.pass.blocks);
  }
  forward_positions(Floats(), n, args.inputs[0], args.output, args.pass.blocks);
}

// d_x of channel i is d_y base^-beta - 2 factor beta x t, t the sum of d_y y / base over the
// channels whose neighbourhoods i lies in; `terms` holds the latter: [channels][lane].
void backward_position(const Neighbourhood& n, const float* x, const float* y, const float* d_y,
                       float* terms, float* d_x) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  const size_t step = n.plane * lanes;
  for (size_t c = 0; c < n.channels; ++c) {
    const Vector base = base_of(d, n, x, step, c);
    const Vector d_output = hn::Load(d, d_y + c * step);
    const Vector product = hn::Mul(d_output, hn::Load(d, y + c * step));
    hn::Store(hn::Div(product, base), d, terms + c * lanes);
    hn::Store(hn::Mul(d_output, divisor_of(d, n, base)), d, d_x + c * step);
  }
  const Vector slope = constant(2.0F * n.factor * n.beta);
  for (size_t i = 0; i < n.channels; ++i) {
    Vector sum = zero();
    const size_t last = std::min(n.channels - 1, i + n.before);
    for (size_t c = i - std::min(i, n.behind); c <= last; ++c) {
      sum = hn::Add(sum, hn::Load(d, terms + c * lanes));
    }
    const Vector bend = hn::Mul(hn::Mul(slope, hn::Load(d, x + i * step)), sum);
    hn::Store(hn::Sub(hn::Load(d, d_x + i * step), bend), d, d_x + i * step);
  }
}

void lrn_backward(const Neighbourhood& n, const BackwardArgs& args) {
  const size_t lanes = hn::Lanes(Floats());
  for (size_t block = 0; block < args.pass.blocks; ++block) {
    for (size_t position = 0; position < n.plane; ++position) {
      const size_t at = (block * n.channels * n.plane + position) * lanes;
      backward_position(n, args.inputs[0] + at, args.output + at, args.d_output + at, args.scratch,
                        args.d_inputs[0] + at);
    }
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(lrn_forward);
HWY_EXPORT(lrn_backward);

class Lrn : public Op {
 public:
  Lrn(Shape shape, const Neighbourhood& settings) : Op(std::move(shape)), n_(settings) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(lrn_forward)(n_, args);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] != nullptr) HWY_DYNAMIC_DISPATCH(lrn_backward)(n_, args);
  }
  size_t scratch_floats(const Pass& pass) const override {
    return pass.training ? n_.channels * pass.lanes : 0;
  }

 private:
  Neighbourhood n_;
};

}  // namespace

std::unique_ptr<Op> make_lrn(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"alpha", "beta", "bias", "size"});
  const Shape& image = spec.inputs[0].shape;
  if (image.empty() || element_count(image) == 0) {
    spec.fail("an input (channels, ...) expected, got " + to_string(image));
  }
  const int64_t size = spec.node.integer("size", 0);
  const double alpha = spec.node.real("alpha", 1e-4);
  const double bias = spec.node.real("bias", 1.0);
  if (size < 1 || size > (int64_t{1} << 20)) {
    spec.fail(fmt::format("size: 1 to 2^20 expected, got {}", size));
  }
  if (!(alpha >= 0.0) || !(bias > 0.0)) {
    spec.fail(
        fmt::format("alpha of at least 0 and bias over 0 expected, got {} and {}", alpha, bias));
  }
  Neighbourhood settings;
  settings.channels = static_cast<size_t>(image[0]);
  settings.plane = element_count(image) / settings.channels;
  settings.before = static_cast<size_t>((size - 1) / 2);
  settings.behind = static_cast<size_t>(size / 2);
  settings.factor = static_cast<float>(alpha / static_cast<double>(size));
  settings.beta = static_cast<float>(spec.node.real("beta", 0.75));
  settings.bias = static_cast<float>(bias);
  return std::make_unique<Lrn>(image, settings);
}

}  // namespace mnist
#endif
