#include "train/loss.h"

#include <algorithm>
#include <cmath>

#include "base/highway.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/loss.cpp"
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
constexpr size_t kLanes = hn::MaxLanes(Floats());

// One block of up to kLanes images.
LossResult block_loss(const LossTask& task, const float* x, float* d_x,
                      std::span<const Label> labels) {
  const Floats d;
  const size_t classes = task.classes;
  Vector greatest = hn::Load(d, x);
  Vector total = hn::Zero(d);  // of the logits: smoothing needs their mean
  for (size_t c = 0; c < classes; ++c) {
    Vector value = hn::Load(d, x + c * kLanes);
    greatest = hn::Max(greatest, value);
    total = hn::Add(total, value);
  }
  Vector sum = hn::Zero(d);
  for (size_t c = 0; c < classes; ++c) {
    Vector power = hn::Exp(d, hn::Sub(hn::Load(d, x + c * kLanes), greatest));
    sum = hn::Add(sum, power);
    hn::Store(power, d, d_x + c * kLanes);
  }
  HWY_ALIGN float live[kLanes];
  for (size_t i = 0; i < kLanes; ++i) live[i] = i < labels.size() ? task.scale : 0.0F;
  const Vector scale = hn::Load(d, live);
  const float even = task.smoothing / static_cast<float>(classes);
  const Vector share = hn::Mul(scale, hn::Set(d, even));
  const Vector factor = hn::Div(scale, sum);
  for (size_t c = 0; c < classes; ++c) {
    Vector power = hn::Load(d, d_x + c * kLanes);
    hn::Store(hn::MulSub(power, factor, share), d, d_x + c * kLanes);
  }
  HWY_ALIGN float greatest_of[kLanes];
  HWY_ALIGN float sum_of[kLanes];
  HWY_ALIGN float total_of[kLanes];
  hn::Store(greatest, d, greatest_of);
  hn::Store(sum, d, sum_of);
  hn::Store(total, d, total_of);
  LossResult result;
  for (size_t i = 0; i < labels.size(); ++i) {
    const size_t place = labels[i] * kLanes + i;
    d_x[place] -= task.scale * (1.0F - task.smoothing);
    const double log_sum = std::log(static_cast<double>(sum_of[i])) + greatest_of[i];
    result.loss += log_sum - (1.0 - static_cast<double>(task.smoothing)) * x[place] -
                   static_cast<double>(even) * total_of[i];
    result.correct += x[place] == greatest_of[i] ? 1 : 0;
  }
  return result;
}

LossResult loss(const LossTask& task) {
  LossResult result;
  const size_t block_floats = task.classes * kLanes;
  for (size_t first = 0; first < task.labels.size(); first += kLanes) {
    size_t count = std::min(kLanes, task.labels.size() - first);
    size_t place = first / kLanes * block_floats;
    LossResult block = block_loss(task, task.logits + place, task.d_logits + place,
                                  task.labels.subspan(first, count));
    result.loss += block.loss;
    result.correct += block.correct;
  }
  return result;
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(loss);
}
LossResult softmax_cross_entropy(const LossTask& task) { return HWY_DYNAMIC_DISPATCH(loss)(task); }
}  // namespace mnist
#endif
