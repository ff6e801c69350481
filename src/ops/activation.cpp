// The activation functions: Relu and its kin, the saturating ones, Gelu and its kin.
#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "base/highway.h"
#include "ops/map.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/map-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

// 1 / (1 + e^-x); e^-x overflows to infinity, and the quotient to the right limit 0, below -88.
HWY_INLINE Vector logistic(Vector x) {
  const Vector one = constant(1.0F);
  return hn::Div(one, hn::Add(one, exponential(hn::Neg(x))));
}

// x where positive, `below` otherwise.
HWY_INLINE Vector positive_or(Vector x, Vector value, Vector below) {
  return hn::IfThenElse(hn::Gt(x, zero()), value, below);
}

struct Relu {
  explicit Relu(MapParameters) {}
  Vector forward(Vector x) const { return hn::Max(x, zero()); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    return hn::IfThenElseZero(hn::Gt(x, zero()), d_y);
  }
};

struct LeakyRelu {
  float alpha;
  explicit LeakyRelu(MapParameters p) : alpha(p.a) {}
  Vector slope(Vector x) const {
    return hn::IfThenElse(hn::Ge(x, zero()), constant(1.0F), constant(alpha));
  }
  Vector forward(Vector x) const { return hn::Mul(x, slope(x)); }
  Vector backward(Vector x, Vector, Vector d_y) const { return hn::Mul(d_y, slope(x)); }
};

struct ThresholdedRelu {
  float alpha;
  explicit ThresholdedRelu(MapParameters p) : alpha(p.a) {}
  Vector forward(Vector x) const { return hn::IfThenElseZero(hn::Gt(x, constant(alpha)), x); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    return hn::IfThenElseZero(hn::Gt(x, constant(alpha)), d_y);
  }
};

// scale * x above 0, height * (e^(x / width) - 1) below. Its slope below is (y + height) / width.
struct Exponential {
  float scale, height, width;
  Vector forward(Vector x) const {
    const Vector below = hn::Expm1(Floats(), hn::Div(hn::Min(x, zero()), constant(width)));
    return positive_or(x, hn::Mul(x, constant(scale)), hn::Mul(below, constant(height)));
  }
  Vector backward(Vector x, Vector y, Vector d_y) const {
    const Vector below = hn::Div(hn::Add(y, constant(height)), constant(width));
    return hn::Mul(d_y, positive_or(x, constant(scale), below));
  }
};

struct Elu : Exponential {
  explicit Elu(MapParameters p) : Exponential{1.0F, p.a, 1.0F} {}
};
struct Celu : Exponential {
  explicit Celu(MapParameters p) : Exponential{1.0F, p.a, p.a} {}
};
struct Selu : Exponential {
  explicit Selu(MapParameters p) : Exponential{p.b, p.a * p.b, 1.0F} {}
};

struct Sigmoid {
  explicit Sigmoid(MapParameters) {}
  Vector forward(Vector x) const { return logistic(x); }
  Vector backward(Vector, Vector y, Vector d_y) const {
    return hn::Mul(d_y, hn::Mul(y, hn::Sub(constant(1.0F), y)));
  }
};

struct Tanh {
  explicit Tanh(MapParameters) {}
  Vector forward(Vector x) const { return hn::Tanh(Floats(), x); }
  Vector backward(Vector, Vector y, Vector d_y) const {
    return hn::Mul(d_y, hn::NegMulAdd(y, y, constant(1.0F)));
  }
};

// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), in which nothing overflows.
struct Softplus {
  explicit Softplus(MapParameters) {}
  Vector forward(Vector x) const {
    return hn::Add(hn::Max(x, zero()), hn::Log1p(Floats(), exponential(hn::Neg(hn::Abs(x)))));
  }
  Vector backward(Vector x, Vector, Vector d_y) const { return hn::Mul(d_y, logistic(x)); }
};

struct Softsign {
  explicit Softsign(MapParameters) {}
  Vector divisor(Vector x) const { return hn::Add(constant(1.0F), hn::Abs(x)); }
  Vector forward(Vector x) const { return hn::Div(x, divisor(x)); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    return hn::Div(d_y, hn::Mul(divisor(x), divisor(x)));
  }
};

// x clipped to [low, high].
struct Clip {
  float low, high;
  explicit Clip(MapParameters p) : low(p.a), high(p.b) {}
  Vector forward(Vector x) const { return hn::Min(hn::Max(x, constant(low)), constant(high)); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    return hn::IfThenElseZero(hn::And(hn::Ge(x, constant(low)), hn::Le(x, constant(high))), d_y);
  }
};

struct HardSigmoid {
  float alpha, beta;
  explicit HardSigmoid(MapParameters p) : alpha(p.a), beta(p.b) {}
  Vector forward(Vector x) const {
    const Vector line = hn::MulAdd(x, constant(alpha), constant(beta));
    return hn::Min(hn::Max(line, zero()), constant(1.0F));
  }
  Vector backward(Vector, Vector y, Vector d_y) const {
    const auto inside = hn::And(hn::Gt(y, zero()), hn::Lt(y, constant(1.0F)));
    return hn::IfThenElseZero(inside, hn::Mul(d_y, constant(alpha)));
  }
};

struct HardSwish {
  explicit HardSwish(MapParameters) {}
  Vector forward(Vector x) const { return hn::Mul(x, HardSigmoid({1.0F / 6.0F, 0.5F}).forward(x)); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    const Vector inside = hn::MulAdd(x, constant(1.0F / 3.0F), constant(0.5F));
    const Vector slope = hn::IfThenElse(hn::Ge(x, constant(3.0F)), constant(1.0F), inside);
    return hn::IfThenElseZero(hn::Gt(x, constant(-3.0F)), hn::Mul(d_y, slope));
  }
};

// x / (1 + e^(-alpha x))
struct Swish {
  float alpha;
  explicit Swish(MapParameters p) : alpha(p.a) {}
  Vector gate(Vector x) const { return logistic(hn::Mul(x, constant(alpha))); }
  Vector forward(Vector x) const { return hn::Mul(x, gate(x)); }
  Vector backward(Vector x, Vector y, Vector d_y) const {
    const Vector g = gate(x);
    const Vector bend = hn::Mul(hn::Mul(constant(alpha), y), hn::Sub(constant(1.0F), g));
    return hn::Mul(d_y, hn::Add(g, bend));
  }
};

// x tanh(ln(1 + e^x)); with e = e^x the tanh is n / (n + 2), n = e (e + 2), and 1 above 20.
struct Mish {
  explicit Mish(MapParameters) {}
  Vector gate(Vector x) const {
    const Vector e = exponential(hn::Min(x, constant(20.0F)));
    const Vector n = hn::Mul(e, hn::Add(e, constant(2.0F)));
    return hn::Div(n, hn::Add(n, constant(2.0F)));
  }
  Vector forward(Vector x) const { return hn::Mul(x, gate(x)); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    const Vector g = gate(x);
    const Vector bend = hn::Mul(hn::Mul(x, logistic(x)), hn::NegMulAdd(g, g, constant(1.0F)));
    return hn::Mul(d_y, hn::Add(g, bend));
  }
};

// x times the normal distribution's function.
struct Gelu {
  explicit Gelu(MapParameters) {}
  Vector power(Vector x) const {  // e^(-x^2 / 2)
    return exponential(hn::Mul(hn::Mul(x, x), constant(-0.5F)));
  }
  Vector share(Vector x, Vector e) const {
    const Vector half = constant(0.5F);
    return hn::MulAdd(half, error_function(hn::Mul(x, constant(0.70710678F)), e), half);
  }
  Vector forward(Vector x) const { return hn::Mul(x, share(x, power(x))); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    const Vector e = power(x);
    const Vector density = hn::Mul(e, constant(0.39894228F));  // 1 / sqrt(2 pi)
    return hn::Mul(d_y, hn::MulAdd(x, density, share(x, e)));
  }
};

// Its approximation x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
struct GeluTanh {
  explicit GeluTanh(MapParameters) {}
  static constexpr float kScale = 0.79788456F;
  static constexpr float kCube = 0.044715F;
  Vector bend(Vector x) const {
    const Vector square = hn::Mul(x, x);
    const Vector sum = hn::MulAdd(square, constant(kScale * kCube), constant(kScale));
    return hn::Tanh(Floats(), hn::Mul(x, sum));
  }
  Vector forward(Vector x) const {
    const Vector half = hn::Mul(x, constant(0.5F));
    return hn::MulAdd(half, bend(x), half);
  }
  Vector backward(Vector x, Vector, Vector d_y) const {
    const Vector t = bend(x);
    const Vector one = constant(1.0F);
    const Vector slope =
        hn::MulAdd(hn::Mul(x, x), constant(3.0F * kScale * kCube), constant(kScale));
    const Vector curve = hn::Mul(hn::Mul(x, slope), hn::NegMulAdd(t, t, one));
    return hn::Mul(d_y, hn::Mul(constant(0.5F), hn::Add(hn::Add(one, t), curve)));
  }
};

MapKernels activation_kernels(const char* name) {
  static constexpr MapKernels kTable[] = {
      kernels_of<Celu>("Celu"),
      kernels_of<Clip>("Clip"),
      kernels_of<Elu>("Elu"),
      kernels_of<Gelu>("Gelu"),
      kernels_of<GeluTanh>("Gelu tanh"),
      kernels_of<HardSigmoid>("HardSigmoid"),
      kernels_of<HardSwish>("HardSwish"),
      kernels_of<LeakyRelu>("LeakyRelu"),
      kernels_of<Mish>("Mish"),
      kernels_of<Relu>("Relu"),
      kernels_of<Selu>("Selu"),
      kernels_of<Sigmoid>("Sigmoid"),
      kernels_of<Softplus>("Softplus"),
      kernels_of<Softsign>("Softsign"),
      kernels_of<Swish>("Swish"),
      kernels_of<Tanh>("Tanh"),
      kernels_of<ThresholdedRelu>("ThresholdedRelu"),
  };
  return find_kernels(kTable, name);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(activation_kernels);

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr MapType kTypes[] = {
    {.type = "Celu", .first = "alpha", .first_default = 1.0},
    {.type = "Clip",
     .first = "min",
     .first_default = -kInfinity,
     .second = "max",
     .second_default = kInfinity},
    {.type = "Elu", .first = "alpha", .first_default = 1.0},
    {.type = "HardSigmoid",
     .first = "alpha",
     .first_default = 0.2,
     .second = "beta",
     .second_default = 0.5},
    {.type = "HardSwish"},
    {.type = "LeakyRelu", .first = "alpha", .first_default = 0.01},
    {.type = "Mish"},
    {.type = "Relu", .epilogue = Epilogue::kRelu},
    {.type = "Selu",
     .first = "alpha",
     .first_default = 1.67326319217681884765625,
     .second = "gamma",
     .second_default = 1.05070102214813232421875},
    {.type = "Sigmoid"},
    {.type = "Softplus"},
    {.type = "Softsign"},
    {.type = "Swish", .first = "alpha", .first_default = 1.0},
    {.type = "Tanh"},
    {.type = "ThresholdedRelu", .first = "alpha", .first_default = 1.0},
};

}  // namespace

std::unique_ptr<Op> make_activation(const OpSpec& spec) {
  const MapType* type = kTypes;
  while (spec.node.type != type->type) ++type;
  bool divides = spec.node.type == "Celu" && spec.node.real("alpha", 1.0) == 0.0;
  if (divides) spec.fail("alpha: a number other than 0 expected");
  return make_map(spec, *type, HWY_DYNAMIC_DISPATCH(activation_kernels)(type->type));
}

// Attribute `approximate`: "none" or "tanh".
std::unique_ptr<Op> make_gelu(const OpSpec& spec) {
  spec.expect_attributes({"approximate"});
  const std::string approximate = spec.node.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    spec.fail("approximate: none or tanh expected, got " + approximate);
  }
  const char* name = approximate == "none" ? "Gelu" : "Gelu tanh";
  Node plain = spec.node;
  plain.attributes.clear();
  return make_map({plain, spec.inputs}, {.type = "Gelu"},
                  HWY_DYNAMIC_DISPATCH(activation_kernels)(name));
}

}  // namespace mnist
#endif
