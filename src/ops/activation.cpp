// Relu, LeakyRelu, Sigmoid, Tanh: one function of each element.
//
// Each is a struct with y = forward(x) and d_x = backward(x, y, d_y) on a vector; from it the op's
// two passes are made. Buffers are padded, so the loops take whole vectors only.
#include "ops/activation.h"

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation.cpp"
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
using Floats = HWY_FULL(float);
using Vector = hn::Vec<Floats>;

struct Relu {
  explicit Relu(float) {}
  Vector forward(Vector x) const { return hn::Max(x, hn::Zero(Floats())); }
  Vector backward(Vector x, Vector, Vector d_y) const {
    return hn::IfThenElseZero(hn::Gt(x, hn::Zero(Floats())), d_y);
  }
};

struct LeakyRelu {
  float alpha;
  explicit LeakyRelu(float slope) : alpha(slope) {}
  Vector slope(Vector x) const {
    Floats d;
    return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), hn::Set(d, 1.0F), hn::Set(d, alpha));
  }
  Vector forward(Vector x) const { return hn::Mul(x, slope(x)); }
  Vector backward(Vector x, Vector, Vector d_y) const { return hn::Mul(d_y, slope(x)); }
};

struct Sigmoid {
  explicit Sigmoid(float) {}
  // 1 / (1 + e^-x); e^-x overflows to infinity, and the quotient to the right limit 0, below -88.
  Vector forward(Vector x) const {
    Floats d;
    Vector one = hn::Set(d, 1.0F);
    return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x))));
  }
  Vector backward(Vector, Vector y, Vector d_y) const {
    return hn::Mul(d_y, hn::Mul(y, hn::Sub(hn::Set(Floats(), 1.0F), y)));
  }
};

struct Tanh {
  explicit Tanh(float) {}
  Vector forward(Vector x) const { return hn::Tanh(Floats(), x); }
  Vector backward(Vector, Vector y, Vector d_y) const {
    return hn::Mul(d_y, hn::Sub(hn::Set(Floats(), 1.0F), hn::Mul(y, y)));
  }
};

// x, y: [count]
template <typename Function>
void map_forward(const float* x, float* y, size_t count, float parameter) {
  Floats d;
  Function function(parameter);
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::Store(function.forward(hn::Load(d, x + i)), d, y + i);
  }
}

template <typename Function>
void map_backward(const float* x, const float* y, const float* d_y, float* d_x, size_t count,
                  float parameter) {
  Floats d;
  Function function(parameter);
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    Vector d_input =
        function.backward(hn::Load(d, x + i), hn::Load(d, y + i), hn::Load(d, d_y + i));
    hn::Store(d_input, d, d_x + i);
  }
}

ActivationKernels relu() { return {map_forward<Relu>, map_backward<Relu>}; }
ActivationKernels leaky_relu() { return {map_forward<LeakyRelu>, map_backward<LeakyRelu>}; }
ActivationKernels sigmoid() { return {map_forward<Sigmoid>, map_backward<Sigmoid>}; }
ActivationKernels tangent() { return {map_forward<Tanh>, map_backward<Tanh>}; }

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(relu);
HWY_EXPORT(leaky_relu);
HWY_EXPORT(sigmoid);
HWY_EXPORT(tangent);

class Activation : public Op {
 public:
  Activation(Shape shape, ActivationKernels (*kernels)(), float parameter, Epilogue epilogue)
      : Op(std::move(shape)), kernels_(kernels), parameter_(parameter), epilogue_(epilogue) {}

  void forward(const ForwardArgs& args) const override {
    kernels_().forward(args.inputs[0], args.output, floats(args.pass), parameter_);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    kernels_().backward(args.inputs[0], args.output, args.d_output, args.d_inputs[0],
                        floats(args.pass), parameter_);
  }
  Epilogue epilogue() const override { return epilogue_; }

 private:
  size_t floats(const Pass& pass) const {
    return pass.blocks * pass.lanes * element_count(output_shape());
  }

  ActivationKernels (*kernels_)();
  float parameter_;
  Epilogue epilogue_;
};

std::unique_ptr<Op> make(const OpSpec& spec, ActivationKernels (*kernels)(), float parameter = 0.0F,
                         Epilogue epilogue = Epilogue::kNone) {
  spec.expect_inputs(1, 0, 0);
  return std::make_unique<Activation>(spec.inputs[0].shape, kernels, parameter, epilogue);
}

}  // namespace

std::unique_ptr<Op> make_relu(const OpSpec& spec) {
  spec.expect_attributes({});
  return make(
      spec, [] { return HWY_DYNAMIC_DISPATCH(relu)(); }, 0.0F, Epilogue::kRelu);
}

std::unique_ptr<Op> make_leaky_relu(const OpSpec& spec) {
  spec.expect_attributes({"alpha"});
  return make(
      spec, [] { return HWY_DYNAMIC_DISPATCH(leaky_relu)(); },
      static_cast<float>(spec.node.real("alpha", 0.01)));
}

std::unique_ptr<Op> make_sigmoid(const OpSpec& spec) {
  spec.expect_attributes({});
  return make(spec, [] { return HWY_DYNAMIC_DISPATCH(sigmoid)(); });
}

std::unique_ptr<Op> make_tanh(const OpSpec& spec) {
  spec.expect_attributes({});
  return make(spec, [] { return HWY_DYNAMIC_DISPATCH(tangent)(); });
}

}  // namespace mnist
#endif
