// The functions of one variable that are not activations: Exp, Log, Abs, Round, ...
#include <limits>

#include "base/highway.h"
#include "ops/map.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/unary.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/map-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

struct Abs {
  explicit Abs(MapParameters) {}
  Vector forward(Vector x) const { return hn::Abs(x); }
  Vector backward(Vector x, Vector, Vector d_y) const { return hn::Mul(d_y, sign(x)); }
};

struct Erf {
  explicit Erf(MapParameters) {}
  Vector power(Vector x) const { return exponential(hn::Neg(hn::Mul(x, x))); }
  Vector forward(Vector x) const { return error_function(x, power(x)); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    return hn::Mul(d_y, hn::Mul(power(x), constant(1.1283792F)));  // 2 / sqrt(pi)
  }
};

struct Exp {
  explicit Exp(MapParameters) {}
  Vector forward(Vector x) const { return exponential(x); }
  Vector backward(Vector, Vector y, Vector d_y) const { return hn::Mul(d_y, y); }
};

struct Log {
  explicit Log(MapParameters) {}
  // Highway's is for positive numbers. A Softmax before it may well make a 0.
  Vector forward(Vector x) const {
    const Floats d;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const Vector other = hn::IfThenElse(hn::Eq(x, zero()), constant(-kInfinity),
                                        constant(std::numeric_limits<float>::quiet_NaN()));
    return hn::IfThenElse(hn::Gt(x, zero()), hn::Log(d, x), other);
  }
  Vector backward(Vector x, Vector, Vector d_y) const { return where_wanted(d_y, hn::Div(d_y, x)); }
};

struct Neg {
  explicit Neg(MapParameters) {}
  Vector forward(Vector x) const { return hn::Neg(x); }
  Vector backward(Vector, Vector, Vector d_y) const { return hn::Neg(d_y); }
};

struct Reciprocal {
  explicit Reciprocal(MapParameters) {}
  Vector forward(Vector x) const { return hn::Div(constant(1.0F), x); }
  Vector backward(Vector, Vector y, Vector d_y) const {
    return where_wanted(d_y, hn::Neg(hn::Mul(d_y, hn::Mul(y, y))));
  }
};

struct Sqrt {
  explicit Sqrt(MapParameters) {}
  Vector forward(Vector x) const { return hn::Sqrt(x); }
  Vector backward(Vector, Vector y, Vector d_y) const {
    return where_wanted(d_y, hn::Div(hn::Mul(d_y, constant(0.5F)), y));
  }
};

// A function of steps: flat wherever it has a slope.
template <Vector (*kFunction)(Vector)>
struct Steps {
  explicit Steps(MapParameters) {}
  Vector forward(Vector x) const { return kFunction(x); }
  Vector backward(Vector, Vector, Vector) const { return zero(); }
};

HWY_INLINE Vector floor(Vector x) { return hn::Floor(x); }
HWY_INLINE Vector ceil(Vector x) { return hn::Ceil(x); }
HWY_INLINE Vector round(Vector x) { return hn::Round(x); }  // halves to even

MapKernels unary_kernels(const char* name) {
  static constexpr MapKernels kTable[] = {
      kernels_of<Abs>("Abs"),
      kernels_of<Steps<ceil>>("Ceil"),
      kernels_of<Erf>("Erf"),
      kernels_of<Exp>("Exp"),
      kernels_of<Steps<floor>>("Floor"),
      kernels_of<Log>("Log"),
      kernels_of<Neg>("Neg"),
      kernels_of<Reciprocal>("Reciprocal"),
      kernels_of<Steps<round>>("Round"),
      kernels_of<Steps<sign>>("Sign"),
      kernels_of<Sqrt>("Sqrt"),
  };
  return find_kernels(kTable, name);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(unary_kernels);

constexpr MapType kTypes[] = {
    {.type = "Abs"},
    {.type = "Ceil", .differentiable = false},
    {.type = "Erf"},
    {.type = "Exp"},
    {.type = "Floor", .differentiable = false},
    {.type = "Log", .finite = false},
    {.type = "Neg"},
    {.type = "Reciprocal", .finite = false},
    {.type = "Round", .differentiable = false},
    {.type = "Sign", .differentiable = false},
    {.type = "Sqrt"},
};

}  // namespace

std::unique_ptr<Op> make_unary(const OpSpec& spec) {
  const MapType* type = kTypes;
  while (spec.node.type != type->type) ++type;
  return make_map(spec, *type, HWY_DYNAMIC_DISPATCH(unary_kernels)(type->type));
}

}  // namespace mnist
#endif
