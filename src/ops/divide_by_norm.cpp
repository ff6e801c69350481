// LpNormalization and Normalizer: each line of an image divided by its norm.
#include <fmt/format.h>

#include "base/highway.h"
#include "ops/normalize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/divide_by_norm.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/lines-inl.h"
#include "ops/vector-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

template <class D>
HWY_INLINE hn::Vec<D> norm_of_line(D d, Norm norm, const AxisRun& lines, const float* x,
                                   size_t first) {
  auto load = [&](size_t at) HWY_ATTR { return hn::Load(d, x + at); };
  if (norm == Norm::kL1) {
    return sum_of_line(d, lines, first,
                       [&](size_t at, size_t) HWY_ATTR { return hn::Abs(load(at)); });
  }
  if (norm == Norm::kL2) {
    return hn::Sqrt(sum_of_line(
        d, lines, first, [&](size_t at, size_t) HWY_ATTR { return hn::Mul(load(at), load(at)); }));
  }
  auto most = load(first);
  for (size_t k = 1; k < lines.run; ++k) {
    most = hn::Max(most, load(first + k * lines.inner * hn::Lanes(d)));
  }
  return most;
}

// Where the norm is 0 a line stays as it is.
template <class D>
HWY_INLINE hn::Vec<D> factor_of(D d, hn::Vec<D> norm) {
  const auto one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::IfThenElse(hn::Eq(norm, hn::Zero(d)), one, norm));
}

template <class D>
void divide_blocks(D d, Norm norm, const AxisRun& lines, const ForwardArgs& args) {
  const float* x = args.inputs[0];
  for_each_line(d, lines, args.pass, [&](size_t, size_t first) HWY_ATTR {
    const auto factor = factor_of(d, norm_of_line(d, norm, lines, x, first));
    for (size_t k = 0; k < lines.run; ++k) {
      const size_t at = first + k * lines.inner * hn::Lanes(d);
      hn::Store(hn::Mul(hn::Load(d, x + at), factor), d, args.output + at);
    }
  });
}

void divide_forward(Norm norm, const AxisRun& lines, const ForwardArgs& args) {
  if (args.pass.lanes == 1) return divide_blocks(hn::CappedTag<float, 1>(), norm, lines, args);
  divide_blocks(Floats(), norm, lines, args);
}

// d_x = (d_y - slope of the norm * sum(d_y y)) / norm; the slope is x / norm, the sign of x, or for
// the maximum 1 where x is it, shared among equals.
void divide_backward(Norm norm, const AxisRun& lines, const BackwardArgs& args) {
  const Floats d;
  const float* x = args.inputs[0];
  for_each_line(d, lines, args.pass, [&](size_t, size_t first) HWY_ATTR {
    const Vector size = norm_of_line(d, norm, lines, x, first);
    const Vector factor = factor_of(d, size);
    auto slope = [&](size_t at, size_t) HWY_ATTR {
      const Vector value = hn::Load(d, x + at);
      if (norm == Norm::kL1) return sign(value);
      if (norm == Norm::kL2) return hn::Mul(value, factor);
      return hn::IfThenElseZero(hn::Eq(value, size), constant(1.0F));
    };
    Vector sum = sum_of_line(d, lines, first, [&](size_t at, size_t) HWY_ATTR {
      return hn::Mul(hn::Load(d, args.d_output + at), hn::Load(d, args.output + at));
    });
    if (norm == Norm::kMax) sum = hn::Div(sum, sum_of_line(d, lines, first, slope));
    sum = hn::IfThenZeroElse(hn::Eq(size, zero()), sum);
    for (size_t k = 0; k < lines.run; ++k) {
      const size_t at = first + k * lines.inner * hn::Lanes(d);
      const Vector rest = hn::NegMulAdd(slope(at, k), sum, hn::Load(d, args.d_output + at));
      hn::Store(hn::Mul(rest, factor), d, args.d_inputs[0] + at);
    }
  });
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(divide_forward);
HWY_EXPORT(divide_backward);

class Divide : public Op {
 public:
  Divide(Shape shape, Norm norm, const AxisRun& lines)
      : Op(std::move(shape)), norm_(norm), lines_(lines) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(divide_forward)(norm_, lines_, args);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    HWY_DYNAMIC_DISPATCH(divide_backward)(norm_, lines_, args);
  }

 private:
  Norm norm_;
  AxisRun lines_;
};

}  // namespace

// Attributes `axis`, by default the last, and `p`, 1 or 2.
std::unique_ptr<Op> make_lp_normalization(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axis", "p"});
  expect_lines(spec);
  const Shape& image = spec.inputs[0].shape;
  const int64_t p = spec.node.integer("p", 2);
  if (p != 1 && p != 2) spec.fail(fmt::format("p: 1 or 2 expected, got {}", p));
  const size_t axis = image_axis(spec, spec.node.integer("axis", -1), image.size());
  return std::make_unique<Divide>(image, p == 1 ? Norm::kL1 : Norm::kL2,
                                  split_at(image, axis, axis));
}

// Of ONNX's "ai.onnx.ml". Attribute `norm`: MAX (the greatest value, not magnitude), L1 or L2 of
// the features.
std::unique_ptr<Op> make_normalizer(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"norm"});
  expect_lines(spec);
  const Shape& image = spec.inputs[0].shape;
  const std::string name = spec.node.text("norm", "MAX");
  if (name != "MAX" && name != "L1" && name != "L2") {
    spec.fail("norm: MAX, L1 or L2 expected, got " + name);
  }
  const Norm norm = name == "MAX" ? Norm::kMax : name == "L1" ? Norm::kL1 : Norm::kL2;
  return std::make_unique<Divide>(image, norm, split_at(image, image.size() - 1, image.size() - 1));
}

}  // namespace mnist
#endif
