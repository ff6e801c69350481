#include "train/optimizer.h"

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/optimizer.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = HWY_FULL(float);
using Vector = hn::Vec<Floats>;

// What decays forever where no gradient comes (pixels that are never set) would end in subnormal
// numbers, on which processors are many times slower. Steps of this size are lost in any weight's
// rounding.
HWY_INLINE Vector flush(Vector x, float least) {
  const Floats d;
  return hn::IfThenElseZero(hn::Ge(hn::Abs(x), hn::Set(d, least)), x);
}
constexpr float kLeastMoment = 1e-20F;
constexpr float kLeastSquare = 1e-30F;

HWY_INLINE Vector sum_gradients(const UpdateTask& task, size_t i) {
  const Floats d;
  Vector sum = hn::Load(d, task.gradients[0] + i);
  for (size_t s = 1; s < task.gradients.size(); ++s) {
    sum = hn::Add(sum, hn::Load(d, task.gradients[s] + i));
  }
  return sum;
}

void sgd(const UpdateTask& task) {
  const Floats d;
  const Vector rate = hn::Set(d, task.learning_rate);
  const Vector decay = hn::Set(d, task.weight_decay);
  for (size_t i = 0; i < task.count; i += hn::Lanes(d)) {
    Vector w = hn::Load(d, task.weights + i);
    Vector g = hn::MulAdd(decay, w, sum_gradients(task, i));
    hn::Store(hn::NegMulAdd(rate, g, w), d, task.weights + i);
  }
}

void nesterov(const UpdateTask& task) {
  const Floats d;
  const Vector rate = hn::Set(d, task.learning_rate);
  const Vector decay = hn::Set(d, task.weight_decay);
  const Vector momentum = hn::Set(d, task.momentum);
  for (size_t i = 0; i < task.count; i += hn::Lanes(d)) {
    Vector w = hn::Load(d, task.weights + i);
    Vector g = hn::MulAdd(decay, w, sum_gradients(task, i));
    Vector m = flush(hn::MulAdd(momentum, hn::Load(d, task.first_moment + i), g), kLeastMoment);
    hn::Store(m, d, task.first_moment + i);
    hn::Store(hn::NegMulAdd(rate, hn::MulAdd(momentum, m, g), w), d, task.weights + i);
  }
}

// Adam with decay in the gradient, AdamW with decay of the weights: the other factor is 0.
HWY_INLINE void adaptive(const UpdateTask& task, float gradient_decay, float weight_factor) {
  const Floats d;
  const Vector decay = hn::Set(d, gradient_decay);
  const Vector keep = hn::Set(d, weight_factor);
  const Vector beta1 = hn::Set(d, task.momentum);
  const Vector beta2 = hn::Set(d, task.beta2);
  const Vector rest1 = hn::Set(d, 1.0F - task.momentum);
  const Vector rest2 = hn::Set(d, 1.0F - task.beta2);
  const Vector rate = hn::Set(d, task.learning_rate / task.correction1);
  const Vector correction2 = hn::Set(d, 1.0F / task.correction2);
  const Vector epsilon = hn::Set(d, task.epsilon);
  for (size_t i = 0; i < task.count; i += hn::Lanes(d)) {
    Vector w = hn::Load(d, task.weights + i);
    Vector g = hn::MulAdd(decay, w, sum_gradients(task, i));
    Vector m = hn::MulAdd(beta1, hn::Load(d, task.first_moment + i), hn::Mul(rest1, g));
    Vector v =
        hn::MulAdd(beta2, hn::Load(d, task.second_moment + i), hn::Mul(rest2, hn::Mul(g, g)));
    m = flush(m, kLeastMoment);
    v = flush(v, kLeastSquare);
    hn::Store(m, d, task.first_moment + i);
    hn::Store(v, d, task.second_moment + i);
    Vector step = hn::Div(m, hn::Add(hn::Sqrt(hn::Mul(v, correction2)), epsilon));
    hn::Store(hn::NegMulAdd(rate, step, hn::Mul(w, keep)), d, task.weights + i);
  }
}

void adam(const UpdateTask& task) { adaptive(task, task.weight_decay, 1.0F); }
void adamw(const UpdateTask& task) {
  adaptive(task, 0.0F, 1.0F - task.learning_rate * task.weight_decay);
}

void statistics(const UpdateTask& task, float factor) {
  const Floats d;
  const Vector scale = hn::Set(d, factor);
  for (size_t i = 0; i < task.count; i += hn::Lanes(d)) {
    Vector w = hn::Load(d, task.weights + i);
    hn::Store(hn::MulAdd(scale, sum_gradients(task, i), w), d, task.weights + i);
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(sgd);
HWY_EXPORT(nesterov);
HWY_EXPORT(adam);
HWY_EXPORT(adamw);
HWY_EXPORT(statistics);
}  // namespace

void update_weights(OptimizerKind kind, const UpdateTask& task) {
  switch (kind) {
    case OptimizerKind::kSgd:
      HWY_DYNAMIC_DISPATCH(sgd)(task);
      break;
    case OptimizerKind::kMomentum:
      HWY_DYNAMIC_DISPATCH(nesterov)(task);
      break;
    case OptimizerKind::kAdam:
      HWY_DYNAMIC_DISPATCH(adam)(task);
      break;
    case OptimizerKind::kAdamW:
      HWY_DYNAMIC_DISPATCH(adamw)(task);
      break;
  }
}

void move_statistics(const UpdateTask& task, float factor) {
  HWY_DYNAMIC_DISPATCH(statistics)(task, factor);
}

}  // namespace mnist
#endif
