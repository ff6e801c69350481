// Functions of two variables, element by element: of two activations, or of an activation and a
// weight in either order, with broadcasting.
#include "ops/binary.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/highway.h"
#include "base/simd.h"
#include "ops/broadcast.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/binary.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/vector-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

struct Add {
  static Vector forward(Vector a, Vector b) { return hn::Add(a, b); }
  static Vector left(Vector, Vector, Vector d_y) { return d_y; }
  static Vector right(Vector, Vector, Vector d_y) { return d_y; }
};

struct Sub {
  static Vector forward(Vector a, Vector b) { return hn::Sub(a, b); }
  static Vector left(Vector, Vector, Vector d_y) { return d_y; }
  static Vector right(Vector, Vector, Vector d_y) { return hn::Neg(d_y); }
};

struct Mul {
  static Vector forward(Vector a, Vector b) { return hn::Mul(a, b); }
  static Vector left(Vector, Vector b, Vector d_y) { return hn::Mul(d_y, b); }
  static Vector right(Vector a, Vector, Vector d_y) { return hn::Mul(d_y, a); }
};

struct Div {
  static Vector forward(Vector a, Vector b) { return hn::Div(a, b); }
  static Vector left(Vector, Vector b, Vector d_y) { return where_wanted(d_y, hn::Div(d_y, b)); }
  static Vector right(Vector a, Vector b, Vector d_y) {
    return where_wanted(d_y, hn::Neg(hn::Div(hn::Mul(d_y, a), hn::Mul(b, b))));
  }
};

// The C library's function, lane by lane: it is right for every base and exponent. Squares, which
// are what networks have, take the short way.
HWY_INLINE Vector power(Vector a, Vector b) {
  const Floats d;
  if (hn::AllTrue(d, hn::Eq(b, constant(2.0F)))) return hn::Mul(a, a);
  HWY_ALIGN float bases[hn::MaxLanes(d)];
  HWY_ALIGN float exponents[hn::MaxLanes(d)];
  hn::Store(a, d, bases);
  hn::Store(b, d, exponents);
  for (size_t i = 0; i < hn::Lanes(d); ++i) bases[i] = std::pow(bases[i], exponents[i]);
  return hn::Load(d, bases);
}

struct Pow {
  static Vector forward(Vector a, Vector b) { return power(a, b); }
  static Vector left(Vector a, Vector b, Vector d_y) {
    const Vector slope = hn::Mul(b, power(a, hn::Sub(b, constant(1.0F))));
    return where_wanted(d_y, hn::Mul(d_y, slope));
  }
  // Of an exponent there is a gradient only where the base is positive.
  static Vector right(Vector a, Vector b, Vector d_y) {
    const Floats d;
    HWY_ALIGN float bases[hn::MaxLanes(d)];
    hn::Store(hn::IfThenElse(hn::Gt(a, zero()), a, constant(1.0F)), d, bases);
    for (size_t i = 0; i < hn::Lanes(d); ++i) bases[i] = std::log(bases[i]);
    return where_wanted(d_y, hn::Mul(d_y, hn::Mul(power(a, b), hn::Load(d, bases))));
  }
};

// 1 where a is greater, a half where both are equal, 0 elsewhere.
HWY_INLINE Vector share_of_greater(Vector a, Vector b) {
  const Vector beside = hn::IfThenElseZero(hn::Eq(a, b), constant(0.5F));
  return hn::IfThenElse(hn::Gt(a, b), constant(1.0F), beside);
}

struct Max {
  static Vector forward(Vector a, Vector b) { return hn::Max(a, b); }
  static Vector left(Vector a, Vector b, Vector d_y) {
    return hn::Mul(d_y, share_of_greater(a, b));
  }
  static Vector right(Vector a, Vector b, Vector d_y) {
    return hn::Mul(d_y, share_of_greater(b, a));
  }
};

struct Min {
  static Vector forward(Vector a, Vector b) { return hn::Min(a, b); }
  static Vector left(Vector a, Vector b, Vector d_y) {
    return hn::Mul(d_y, share_of_greater(b, a));
  }
  static Vector right(Vector a, Vector b, Vector d_y) {
    return hn::Mul(d_y, share_of_greater(a, b));
  }
};

struct PRelu {
  static Vector forward(Vector a, Vector b) {
    return hn::IfThenElse(hn::Ge(a, zero()), a, hn::Mul(a, b));
  }
  static Vector left(Vector a, Vector b, Vector d_y) {
    return hn::IfThenElse(hn::Ge(a, zero()), d_y, hn::Mul(d_y, b));
  }
  static Vector right(Vector a, Vector, Vector d_y) {
    return hn::IfThenElseZero(hn::Lt(a, zero()), hn::Mul(d_y, a));
  }
};

// 1 where the comparison holds, 0 where not: no slope anywhere.
struct Comparison {
  static Vector left(Vector, Vector, Vector) { return zero(); }
  static Vector right(Vector, Vector, Vector) { return zero(); }
};

struct Equal : Comparison {
  static Vector forward(Vector a, Vector b) {
    return hn::IfThenElseZero(hn::Eq(a, b), constant(1.0F));
  }
};
struct Greater : Comparison {
  static Vector forward(Vector a, Vector b) {
    return hn::IfThenElseZero(hn::Gt(a, b), constant(1.0F));
  }
};
struct GreaterOrEqual : Comparison {
  static Vector forward(Vector a, Vector b) {
    return hn::IfThenElseZero(hn::Ge(a, b), constant(1.0F));
  }
};
struct Less : Comparison {
  static Vector forward(Vector a, Vector b) { return Greater::forward(b, a); }
};
struct LessOrEqual : Comparison {
  static Vector forward(Vector a, Vector b) { return GreaterOrEqual::forward(b, a); }
};

// Vector `i` of an operand.
HWY_INLINE Vector load(const BinaryOperand& operand, size_t i) {
  const Floats d;
  const float* from = operand.from + i * operand.step;
  return operand.is_number ? hn::Set(d, *from) : hn::LoadU(d, from);
}

// Calls visit(offset, a, b) for each vector of a row.
template <class Visit>
HWY_INLINE void for_each_vector(const BinaryRow& row, Visit visit) {
  const size_t lanes = hn::Lanes(Floats());
  for (size_t i = 0; i * lanes < row.floats; ++i) visit(i * lanes, load(row.a, i), load(row.b, i));
}

template <class Function>
void forward_row(const BinaryRow& row, float* y) {
  const Floats d;
  for_each_vector(row, [&](size_t i, Vector a, Vector b)
                           HWY_ATTR { hn::StoreU(Function::forward(a, b), d, y + i); });
}

template <class Function, bool kLeft>
void backward_row(const BinaryRow& row, const float* d_y, const GradientRow& gradient) {
  const Floats d;
  auto slope = [&](size_t i, Vector a, Vector b) HWY_ATTR {
    const Vector d_output = hn::LoadU(d, d_y + i);
    return kLeft ? Function::left(a, b, d_output) : Function::right(a, b, d_output);
  };
  if (gradient.repeats) {
    Vector sum = zero();
    for_each_vector(
        row, [&](size_t i, Vector a, Vector b) HWY_ATTR { sum = hn::Add(sum, slope(i, a, b)); });
    hn::StoreU(hn::Add(hn::LoadU(d, gradient.to), sum), d, gradient.to);
  } else if (gradient.store) {
    for_each_vector(row, [&](size_t i, Vector a, Vector b)
                             HWY_ATTR { hn::StoreU(slope(i, a, b), d, gradient.to + i); });
  } else {
    for_each_vector(row, [&](size_t i, Vector a, Vector b) HWY_ATTR {
      const Vector before = hn::LoadU(d, gradient.to + i);
      hn::StoreU(hn::Add(before, slope(i, a, b)), d, gradient.to + i);
    });
  }
}

template <class Function>
constexpr BinaryKernels kernels_of(const char* name) {
  return {
      name, forward_row<Function>, {backward_row<Function, true>, backward_row<Function, false>}};
}

BinaryKernels binary_kernels(const char* name) {
  static constexpr BinaryKernels kTable[] = {
      kernels_of<Add>("Add"),
      kernels_of<Div>("Div"),
      kernels_of<Equal>("Equal"),
      kernels_of<Greater>("Greater"),
      kernels_of<GreaterOrEqual>("GreaterOrEqual"),
      kernels_of<Less>("Less"),
      kernels_of<LessOrEqual>("LessOrEqual"),
      kernels_of<Max>("Max"),
      kernels_of<Min>("Min"),
      kernels_of<Mul>("Mul"),
      kernels_of<Pow>("Pow"),
      kernels_of<PRelu>("PRelu"),
      kernels_of<Sub>("Sub"),
  };
  size_t i = 0;
  while (std::strcmp(kTable[i].name, name) != 0) ++i;
  return kTable[i];
}

// d_weights[k] += the sum over lanes of sums[k]
void add_sums(const float* sums, size_t weights, float* d_weights) {
  const Floats d;
  for (size_t k = 0; k < weights; ++k) {
    d_weights[k] += hn::GetLane(hn::SumOfLanes(d, hn::Load(d, sums + k * hn::Lanes(d))));
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(binary_kernels);
HWY_EXPORT(add_sums);

struct BinaryType {
  const char* type;
  Initial::Kind initial = Initial::Kind::kZero;  // of a weight
  bool finite = true;                            // for all finite operands
  bool differentiable = true;                    // see Op
  bool second_trainable = true;                  // as a weight
};

constexpr BinaryType kTypes[] = {
    {.type = "Add"},
    {.type = "Div", .initial = Initial::Kind::kOne, .finite = false},
    {.type = "Equal", .differentiable = false},
    {.type = "Greater", .differentiable = false},
    {.type = "GreaterOrEqual", .differentiable = false},
    {.type = "Less", .differentiable = false},
    {.type = "LessOrEqual", .differentiable = false},
    {.type = "Max"},
    {.type = "Min"},
    {.type = "Mul", .initial = Initial::Kind::kOne},
    // A trained exponent would leave the whole numbers, and the powers of negative bases.
    {.type = "Pow", .initial = Initial::Kind::kOne, .finite = false, .second_trainable = false},
    {.type = "PRelu"},
    {.type = "Sub"},
};

class Binary : public Op {
 public:
  Binary(const OpSpec& spec, const BinaryType& type, const Broadcast& shapes)
      : Op(shapes.output),
        type_(type),
        kernels_(HWY_DYNAMIC_DISPATCH(binary_kernels)(type.type)),
        loop_(shapes.output, shapes.steps),
        output_elements_(element_count(shapes.output)) {
    for (size_t k : {0U, 1U}) {
      elements_[k] = element_count(spec.inputs[k].shape);
      is_weight_[k] = spec.inputs[k].weight != nullptr;
    }
  }

  void forward(const ForwardArgs& args) const override;
  void backward(const BackwardArgs& args) const override;

  // The sums of the gradient of a weight.
  size_t scratch_floats(const Pass& pass) const override {
    return pass.training ? weight_elements() * pass.lanes : 0;
  }

  Initial initial(size_t) const override { return {type_.initial, 1}; }
  bool trainable(size_t input) const override {
    return type_.differentiable && (input == 0 || type_.second_trainable);
  }
  bool differentiable() const override { return type_.differentiable; }

 private:
  size_t weight_elements() const {
    return (is_weight_[0] ? elements_[0] : 0) + (is_weight_[1] ? elements_[1] : 0);
  }
  BinaryOperand operand(const Pass& pass, size_t k) const;
  void gradient(const BackwardArgs& args, size_t k) const;
  // Calls visit(row, output's first element, operands' first elements) for each row of each block.
  template <class Visit>
  void for_each_row(const Pass& pass, std::span<const float* const> inputs, Visit visit) const;

  BinaryType type_;
  BinaryKernels kernels_;
  BroadcastLoop loop_;
  size_t output_elements_;
  size_t elements_[2];
  bool is_weight_[2];
};

// How operand `k` lies along a row. A lane is an image: what all images share, a weight, is a
// number each. A single image has its values and the weights' side by side.
BinaryOperand Binary::operand(const Pass& pass, size_t k) const {
  const bool repeats = loop_.repeats(k);
  if (pass.lanes == 1) return {nullptr, repeats ? 0 : simd_lanes(), repeats};
  return {nullptr, repeats ? 0 : is_weight_[k] ? 1 : pass.lanes, is_weight_[k]};
}

template <class Visit>
void Binary::for_each_row(const Pass& pass, std::span<const float* const> inputs,
                          Visit visit) const {
  BinaryRow row = {operand(pass, 0), operand(pass, 1), loop_.row() * pass.lanes};
  auto place = [&](size_t k, size_t block, size_t element) {
    return inputs[k] + (is_weight_[k] ? element : (block * elements_[k] + element) * pass.lanes);
  };
  for (size_t block = 0; block < pass.blocks; ++block) {
    loop_.for_each_row([&](size_t element, size_t first, size_t second) {
      row.a.from = place(0, block, first);
      row.b.from = place(1, block, second);
      const size_t operands[2] = {first, second};
      visit(row, block, element, operands);
    });
  }
}

void Binary::forward(const ForwardArgs& args) const {
  for_each_row(args.pass, args.inputs,
               [&](const BinaryRow& row, size_t block, size_t element, const size_t(&)[2]) {
                 size_t at = (block * output_elements_ + element) * args.pass.lanes;
                 kernels_.forward(row, args.output + at);
               });
  if (!type_.finite) clear_behind_images(args.pass, output_elements_, args.output);
}

void Binary::backward(const BackwardArgs& args) const {
  for (size_t k : {0U, 1U}) {
    if (args.d_inputs[k] != nullptr && (!is_weight_[k] || trainable(k))) gradient(args, k);
  }
}

void Binary::gradient(const BackwardArgs& args, size_t k) const {
  const size_t lanes = args.pass.lanes;
  const bool weight = is_weight_[k];
  float* sums = weight ? args.scratch : args.d_inputs[k];
  const bool each_once = !weight && elements_[k] == output_elements_;
  if (!each_once) {
    std::memset(sums, 0, elements_[k] * lanes * (weight ? 1 : args.pass.blocks) * sizeof(float));
  }
  for_each_row(args.pass, args.inputs,
               [&](const BinaryRow& row, size_t block, size_t element, const size_t(&operands)[2]) {
                 size_t to = ((weight ? 0 : block * elements_[k]) + operands[k]) * lanes;
                 const float* d_output =
                     args.d_output + (block * output_elements_ + element) * lanes;
                 kernels_.backward[k](row, d_output, {sums + to, loop_.repeats(k), each_once});
               });
  if (weight) HWY_DYNAMIC_DISPATCH(add_sums)(sums, elements_[k], args.d_inputs[k]);
}

}  // namespace

std::unique_ptr<Op> make_binary(const OpSpec& spec) {
  spec.expect_attributes({});
  const BinaryType* type = kTypes;
  while (spec.node.type != type->type) ++type;
  return std::make_unique<Binary>(spec, *type, broadcast_inputs(spec));
}

}  // namespace mnist
#endif
