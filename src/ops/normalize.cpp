// Normalisations within an image: LayerNormalization, InstanceNormalization, GroupNormalization and
// MeanVarianceNormalization make the mean of each line 0 and its variance 1.
#include "ops/normalize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/normalize.cpp"
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
struct Moments {
  hn::Vec<D> mean;
  hn::Vec<D> inverse;  // 1 / sqrt(variance + epsilon)
};

template <class D>
HWY_INLINE Moments<D> moments(D d, const Standardization& s, const float* x, size_t first) {
  const auto share = hn::Set(d, 1.0F / static_cast<float>(s.lines.run));
  auto value = [&](size_t at, size_t) HWY_ATTR { return hn::Load(d, x + at); };
  const auto mean = hn::Mul(share, sum_of_line(d, s.lines, first, value));
  auto square = [&](size_t at, size_t) HWY_ATTR {
    const auto deviation = hn::Sub(hn::Load(d, x + at), mean);
    return hn::Mul(deviation, deviation);
  };
  const auto variance = hn::Mul(share, sum_of_line(d, s.lines, first, square));
  const auto deviation = hn::Sqrt(hn::Add(variance, hn::Set(d, s.epsilon)));
  return {mean, hn::Div(hn::Set(d, 1.0F), deviation)};
}

// Which scale belongs to the k-th element of a line.
HWY_INLINE size_t parameter(const Standardization& s, size_t element, size_t k) {
  return (element + k * s.lines.inner) / s.step % s.count;
}

template <class D>
void standardize_blocks(D d, const Standardization& s, const ForwardArgs& args) {
  const size_t step = s.lines.inner * hn::Lanes(d);
  const float* x = args.inputs[0];
  for_each_line(d, s.lines, args.pass, [&](size_t element, size_t first) HWY_ATTR {
    const Moments<D> m = moments(d, s, x, first);
    for (size_t k = 0; k < s.lines.run; ++k) {
      const size_t at = first + k * step;
      auto value = hn::Mul(hn::Sub(hn::Load(d, x + at), m.mean), m.inverse);
      if (s.count != 0) {
        const size_t which = parameter(s, element, k);
        const float bias = s.has_bias ? args.inputs[2][which] : 0.0F;
        value = hn::MulAdd(value, hn::Set(d, args.inputs[1][which]), hn::Set(d, bias));
      }
      hn::Store(value, d, args.output + at);
    }
  });
}

void standardize_forward(const Standardization& s, const ForwardArgs& args) {
  if (args.pass.lanes == 1) return standardize_blocks(hn::CappedTag<float, 1>(), s, args);
  standardize_blocks(Floats(), s, args);
}

// With g = d_y * scale and x^ = (x - mean) / deviation:
// d_x = (g - mean(g) - x^ mean(g x^)) / deviation.
void standardize_input_gradient(const Standardization& s, const BackwardArgs& args) {
  const Floats d;
  const size_t step = s.lines.inner * hn::Lanes(d);
  const float* x = args.inputs[0];
  const Vector share = constant(1.0F / static_cast<float>(s.lines.run));
  for_each_line(d, s.lines, args.pass, [&](size_t element, size_t first) HWY_ATTR {
    const Moments<Floats> m = moments(d, s, x, first);
    auto scaled = [&](size_t at, size_t k) HWY_ATTR {
      const float scale = s.count != 0 ? args.inputs[1][parameter(s, element, k)] : 1.0F;
      return hn::Mul(hn::Load(d, args.d_output + at), constant(scale));
    };
    auto normal = [&](size_t at)
                      HWY_ATTR { return hn::Mul(hn::Sub(hn::Load(d, x + at), m.mean), m.inverse); };
    auto product = [&](size_t at, size_t k) HWY_ATTR { return hn::Mul(scaled(at, k), normal(at)); };
    const Vector mean = hn::Mul(share, sum_of_line(d, s.lines, first, scaled));
    const Vector slope = hn::Mul(share, sum_of_line(d, s.lines, first, product));
    for (size_t k = 0; k < s.lines.run; ++k) {
      const size_t at = first + k * step;
      const Vector rest = hn::NegMulAdd(slope, normal(at), hn::Sub(scaled(at, k), mean));
      hn::Store(hn::Mul(rest, m.inverse), d, args.d_inputs[0] + at);
    }
  });
}

// sums: [count][lane] of d_y x^, then of d_y.
void standardize_weight_gradient(const Standardization& s, const BackwardArgs& args) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  float* sums = args.scratch;
  std::memset(sums, 0, 2 * s.count * lanes * sizeof(float));
  for_each_line(d, s.lines, args.pass, [&](size_t element, size_t first) HWY_ATTR {
    const Moments<Floats> m = moments(d, s, args.inputs[0], first);
    for (size_t k = 0; k < s.lines.run; ++k) {
      const size_t at = first + k * s.lines.inner * lanes;
      const Vector d_output = hn::Load(d, args.d_output + at);
      const Vector normal = hn::Mul(hn::Sub(hn::Load(d, args.inputs[0] + at), m.mean), m.inverse);
      float* d_scale = sums + parameter(s, element, k) * lanes;
      float* d_bias = d_scale + s.count * lanes;
      hn::Store(hn::MulAdd(d_output, normal, hn::Load(d, d_scale)), d, d_scale);
      hn::Store(hn::Add(d_output, hn::Load(d, d_bias)), d, d_bias);
    }
  });
  for (size_t k = 0; k < s.count; ++k) {
    args.d_inputs[1][k] += hn::GetLane(hn::SumOfLanes(d, hn::Load(d, sums + k * lanes)));
    if (!s.has_bias) continue;
    const Vector bias = hn::Load(d, sums + (s.count + k) * lanes);
    args.d_inputs[2][k] += hn::GetLane(hn::SumOfLanes(d, bias));
  }
}

void standardize_backward(const Standardization& s, const BackwardArgs& args) {
  if (args.d_inputs[0] != nullptr) standardize_input_gradient(s, args);
  if (s.count != 0) standardize_weight_gradient(s, args);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(standardize_forward);
HWY_EXPORT(standardize_backward);

class Standardize : public Op {
 public:
  Standardize(Shape shape, const Standardization& settings) : Op(std::move(shape)), s_(settings) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(standardize_forward)(s_, args);
  }
  void backward(const BackwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(standardize_backward)(s_, args);
  }
  size_t scratch_floats(const Pass& pass) const override {
    return pass.training ? 2 * s_.count * pass.lanes : 0;
  }
  uint64_t macs() const override { return s_.count != 0 ? element_count(output_shape()) : 0; }
  Initial initial(size_t input) const override {
    return {input == 1 ? Initial::Kind::kOne : Initial::Kind::kZero, 1};
  }

 private:
  Standardization s_;
};

float read_epsilon(const OpSpec& spec) {
  double epsilon = spec.node.real("epsilon", 1e-5);
  if (!(epsilon > 0.0 && epsilon < 1.0)) {
    spec.fail(fmt::format("epsilon within (0, 1) expected, got {}", epsilon));
  }
  return static_cast<float>(epsilon);
}

void expect_parameters(const OpSpec& spec, size_t count) {
  for (size_t i = 1; i < spec.inputs.size(); ++i) {
    if (!spec.inputs[i].present || element_count(spec.inputs[i].shape) == count) continue;
    spec.fail(fmt::format("input {}: {} values expected, got {}", i, count,
                          to_string(spec.inputs[i].shape)));
  }
}

}  // namespace

// Over the axes from `axis` on, by default the last, each position with a scale of its own.
std::unique_ptr<Op> make_layer_normalization(const OpSpec& spec) {
  spec.expect_inputs(1, 1, 2);
  spec.expect_attributes({"axis", "epsilon", "stash_type"});
  expect_lines(spec);
  const Shape& image = spec.inputs[0].shape;
  Standardization settings;
  settings.lines = split_at(image, image_axis(spec, spec.node.integer("axis", -1), image.size()),
                            image.size() - 1);
  settings.count = settings.lines.run;
  settings.has_bias = spec.inputs.size() == 3 && spec.inputs[2].present;
  settings.epsilon = read_epsilon(spec);
  expect_parameters(spec, settings.count);
  return std::make_unique<Standardize>(image, settings);
}

// Each channel of its own.
std::unique_ptr<Op> make_instance_normalization(const OpSpec& spec) {
  spec.expect_inputs(1, 2, 2);
  spec.expect_attributes({"epsilon"});
  expect_lines(spec);
  const Shape& image = spec.inputs[0].shape;
  Standardization settings;
  settings.count = static_cast<size_t>(image[0]);
  settings.step = element_count(image) / settings.count;
  settings.lines = {settings.count, settings.step, 1};
  settings.has_bias = true;
  settings.epsilon = read_epsilon(spec);
  expect_parameters(spec, settings.count);
  return std::make_unique<Standardize>(image, settings);
}

// Attribute `num_groups`: so many channels at a time. A scale for each channel, or as before opset
// 21 for each group.
std::unique_ptr<Op> make_group_normalization(const OpSpec& spec) {
  spec.expect_inputs(1, 2, 2);
  spec.expect_attributes({"epsilon", "num_groups", "stash_type"});
  expect_lines(spec);
  const Shape& image = spec.inputs[0].shape;
  const int64_t groups = spec.node.integer("num_groups", 0);
  if (groups < 1 || groups > image[0] || image[0] % groups != 0) {
    spec.fail(
        fmt::format("num_groups: a divisor of {} channels expected, got {}", image[0], groups));
  }
  Standardization settings;
  settings.lines.outer = static_cast<size_t>(groups);
  settings.lines.run = element_count(image) / settings.lines.outer;
  settings.count = element_count(spec.inputs[1].shape);
  if (settings.count != settings.lines.outer) settings.count = static_cast<size_t>(image[0]);
  settings.step = element_count(image) / settings.count;
  settings.has_bias = true;
  settings.epsilon = read_epsilon(spec);
  expect_parameters(spec, settings.count);
  return std::make_unique<Standardize>(image, settings);
}

// Attribute `axes`: neighbours, without the batch, which ONNX's default includes.
std::unique_ptr<Op> make_mean_variance_normalization(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axes"});
  expect_lines(spec);
  const Shape& image = spec.inputs[0].shape;
  const std::vector<size_t> axes =
      image_axes(spec, spec.node.integers("axes", {0, 2, 3}), image.size());
  if (axes.empty() || axes.back() - axes.front() + 1 != axes.size()) {
    spec.fail("axes that lie side by side expected");
  }
  Standardization settings;
  settings.lines = split_at(image, axes.front(), axes.back());
  // ONNX adds 1e-9 to the deviation; a root of this does the same where the variance is 0.
  settings.epsilon = 1e-18F;
  return std::make_unique<Standardize>(image, settings);
}

}  // namespace mnist
#endif
