#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace mnist {
namespace {

constexpr size_t kCount = 16;

struct State {
  alignas(64) std::array<float, kCount> gradient = {};
  alignas(64) std::array<float, kCount> weights = {};
  alignas(64) std::array<float, kCount> first = {};
  alignas(64) std::array<float, kCount> second = {};

  void step(OptimizerKind kind, size_t number) {
    const float* gradients[] = {gradient.data()};
    UpdateTask task;
    task.gradients = gradients;
    task.weights = weights.data();
    task.first_moment = first.data();
    task.second_moment = second.data();
    task.count = kCount;
    task.learning_rate = 0.01F;
    task.momentum = 0.9F;
    task.beta2 = 0.999F;
    task.epsilon = 1e-8F;
    task.correction1 = 1.0F - std::pow(0.9F, static_cast<float>(number));
    task.correction2 = 1.0F - std::pow(0.999F, static_cast<float>(number));
    update_weights(kind, task);
  }
};

TEST(Optimizer, AdamsFirstStepIsTheLearningRate) {
  State state;
  for (size_t i = 0; i < kCount; ++i) state.gradient[i] = i % 2 == 0 ? 0.5F : -3.0F;
  state.step(OptimizerKind::kAdam, 1);
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_NEAR(state.weights[i], i % 2 == 0 ? -0.01F : 0.01F, 1e-6F);
  }
}

TEST(Optimizer, MomentsWithoutGradientsEndInZerosAndNotInSubnormalNumbers) {
  for (const auto kind : {OptimizerKind::kMomentum, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    State state;
    state.gradient.fill(1.0F);
    state.step(kind, 1);
    state.gradient.fill(0.0F);
    for (size_t i = 2; i < 2000; ++i) {
      state.step(kind, i);
      ASSERT_NE(std::fpclassify(state.first[0]), FP_SUBNORMAL) << i;
      ASSERT_NE(std::fpclassify(state.second[0]), FP_SUBNORMAL) << i;
    }
    EXPECT_EQ(state.first[0], 0.0F);
  }
}

}  // namespace
}  // namespace mnist
