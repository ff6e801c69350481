// QuantizeLinear: y = saturate(round(x / scale) + zero point), and DequantizeLinear: y = (x - zero
// point) * scale. The quantised values are whole numbers, but floats like all others.
//
// Rounding has no useful derivative: the gradient passes as if it were not there, where nothing
// saturates (the "straight-through" gradient of quantisation-aware training).
#include "ops/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/highway.h"
#include "ops/axes.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/quantize.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/vector-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

HWY_INLINE Vector rounded(Vector x, const QuantizedRow& row) {
  const Vector steps = hn::Round(hn::Div(x, constant(row.scale)));  // halves to even
  return hn::Add(steps, constant(row.zero_point));
}

void quantize_row(const QuantizedRow& row, const float* x, float* y) {
  const Floats d;
  for (size_t i = 0; i < row.count; i += hn::Lanes(d)) {
    const Vector value = rounded(hn::LoadU(d, x + i), row);
    hn::StoreU(hn::Min(hn::Max(value, constant(row.least)), constant(row.most)), d, y + i);
  }
}

void quantize_gradient(const QuantizedRow& row, const float* x, const float* d_y, float* d_x) {
  const Floats d;
  for (size_t i = 0; i < row.count; i += hn::Lanes(d)) {
    const Vector value = rounded(hn::LoadU(d, x + i), row);
    const auto inside =
        hn::And(hn::Ge(value, constant(row.least)), hn::Le(value, constant(row.most)));
    const Vector gradient = hn::Div(hn::LoadU(d, d_y + i), constant(row.scale));
    hn::StoreU(hn::IfThenElseZero(inside, gradient), d, d_x + i);
  }
}

// y = (x - zero point) * scale; with a zero point of 0, also its gradient.
void dequantize_row(const QuantizedRow& row, const float* x, float* y) {
  const Floats d;
  for (size_t i = 0; i < row.count; i += hn::Lanes(d)) {
    const Vector steps = hn::Sub(hn::LoadU(d, x + i), constant(row.zero_point));
    hn::StoreU(hn::Mul(steps, constant(row.scale)), d, y + i);
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(quantize_row);
HWY_EXPORT(quantize_gradient);
HWY_EXPORT(dequantize_row);

struct Range {
  const char* type;
  float least;
  float most;
};

constexpr Range kRanges[] = {{"uint8", 0.0F, 255.0F},    {"int8", -128.0F, 127.0F},
                             {"uint4", 0.0F, 15.0F},     {"int4", -8.0F, 7.0F},
                             {"uint16", 0.0F, 65535.0F}, {"int16", -32768.0F, 32767.0F}};

// Scales and zero points are the quantisation, not something to learn.
class Quantization : public Op {
 public:
  // The run of `split` is the axis that has scales of its own, or all elements.
  Quantization(Shape shape, const AxisRun& split, bool has_zero_point, const Range& range)
      : Op(std::move(shape)), split_(split), has_zero_point_(has_zero_point), range_(range) {}

  bool trainable(size_t) const override { return false; }
  Initial initial(size_t input) const override {
    return {input == 1 ? Initial::Kind::kOne : Initial::Kind::kZero, 1};
  }

 protected:
  // Calls visit(row, offset in floats) for each row of values of one scale.
  template <class Visit>
  void for_each_row(const Pass& pass, std::span<const float* const> inputs, Visit visit) const {
    QuantizedRow row = {split_.inner * pass.lanes, 1.0F, 0.0F, range_.least, range_.most};
    size_t at = 0;
    for (size_t outer = 0; outer < pass.blocks * split_.outer; ++outer) {
      for (size_t k = 0; k < split_.run; ++k, at += row.count) {
        row.scale = inputs[1][k];
        if (has_zero_point_) row.zero_point = inputs[2][k];
        visit(row, at);
      }
    }
  }

 private:
  AxisRun split_;
  bool has_zero_point_;
  Range range_;
};

class Quantize : public Quantization {
 public:
  using Quantization::Quantization;
  void forward(const ForwardArgs& args) const override {
    for_each_row(args.pass, args.inputs, [&](const QuantizedRow& row, size_t at) {
      HWY_DYNAMIC_DISPATCH(quantize_row)(row, args.inputs[0] + at, args.output + at);
    });
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    for_each_row(args.pass, args.inputs, [&](const QuantizedRow& row, size_t at) {
      HWY_DYNAMIC_DISPATCH(quantize_gradient)
      (row, args.inputs[0] + at, args.d_output + at, args.d_inputs[0] + at);
    });
  }
};

class Dequantize : public Quantization {
 public:
  using Quantization::Quantization;
  void forward(const ForwardArgs& args) const override {
    for_each_row(args.pass, args.inputs, [&](const QuantizedRow& row, size_t at) {
      HWY_DYNAMIC_DISPATCH(dequantize_row)(row, args.inputs[0] + at, args.output + at);
    });
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    for_each_row(args.pass, args.inputs, [&](QuantizedRow row, size_t at) {
      row.zero_point = 0.0F;
      HWY_DYNAMIC_DISPATCH(dequantize_row)(row, args.d_output + at, args.d_inputs[0] + at);
    });
  }
};

Range read_range(const OpSpec& spec) {
  const std::string type = spec.node.text("to", "uint8");
  for (const Range& range : kRanges) {
    if (type == range.type) return range;
  }
  spec.fail("to: uint8, int8, uint4, int4, uint16 or int16 expected, got " + type);
}

bool holds(const std::vector<float>& values, bool (*condition)(float)) {
  return std::all_of(values.begin(), values.end(), condition);
}

// How the scales lie along the input, after checking them and the zero points.
AxisRun read_scales(const OpSpec& spec) {
  const Shape& image = spec.inputs[0].shape;
  const Tensor& scales = *spec.inputs[1].weight;
  const size_t count = element_count(scales.shape);
  AxisRun split = {1, 1, element_count(image)};
  if (count != 1) {
    size_t axis = image_axis(spec, spec.node.integer("axis", 1), image.size());
    split = split_at(image, axis, axis);
    if (scales.shape.size() != 1 || count != split.run) {
      spec.fail(fmt::format("a scale, or {} of them, expected, got {}", split.run,
                            to_string(scales.shape)));
    }
  }
  if (!holds(scales.values, [](float scale) { return scale >= 0.0F; })) {
    spec.fail("a scale is negative");
  }
  if (spec.inputs.size() < 3 || !spec.inputs[2].present) return split;
  const Tensor& zero_points = *spec.inputs[2].weight;
  if (zero_points.values.size() != count) {
    spec.fail(fmt::format("as many zero points as scales expected, got {} and {}",
                          to_string(zero_points.shape), to_string(scales.shape)));
  }
  if (!holds(zero_points.values, [](float value) { return value == std::round(value); })) {
    spec.fail("a zero point is not a whole number");
  }
  return split;
}

template <class Kind>
std::unique_ptr<Op> make(const OpSpec& spec, const Range& range) {
  spec.expect_inputs(1, 1, 2);
  const AxisRun split = read_scales(spec);
  const bool has_zero_point = spec.inputs.size() == 3 && spec.inputs[2].present;
  return std::make_unique<Kind>(spec.inputs[0].shape, split, has_zero_point, range);
}

}  // namespace

// Attributes `axis`, along which scales differ, 1 by default, and `to`, the type whose range the
// values keep to, uint8 by default: ONNX knows it from the zero point's type. `saturate` is about
// types of 8-bit floats.
std::unique_ptr<Op> make_quantize_linear(const OpSpec& spec) {
  spec.expect_attributes({"axis", "to", "saturate"});
  return make<Quantize>(spec, read_range(spec));
}

std::unique_ptr<Op> make_dequantize_linear(const OpSpec& spec) {
  spec.expect_attributes({"axis"});
  return make<Dequantize>(spec, kRanges[0]);
}

}  // namespace mnist
#endif
