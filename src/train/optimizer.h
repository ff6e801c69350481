// One optimiser step on a stretch of the flat parameter array.
#pragma once

#include <cstddef>
#include <span>

#include "train/settings.h"

namespace mnist {

// Arrays of `count` floats, a multiple of kFloatsPerLine, aligned. The gradient is the sum of
// `gradients`, added in their order: the result does not depend on who computed them.
struct UpdateTask {
  std::span<const float* const> gradients;
  float* weights = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  size_t count = 0;
  float learning_rate = 0.0F;
  float weight_decay = 0.0F;
  float momentum = 0.0F;  // Nesterov's, and Adam's beta1
  float beta2 = 0.0F;
  float epsilon = 0.0F;
  float correction1 = 1.0F;  // Adam: 1 - beta1^t
  float correction2 = 1.0F;  // Adam: 1 - beta2^t
};

// With g the gradient, plus weight_decay * w except for AdamW:
//   sgd       w -= rate * g
//   momentum  m = momentum * m + g;  w -= rate * (g + momentum * m)
//   adam      m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2
//             w -= rate * (m / correction1) / (sqrt(v / correction2) + epsilon)
//   adamw     w -= rate * weight_decay * w first, then as Adam (Loshchilov, Hutter 2019)
void update_weights(OptimizerKind kind, const UpdateTask& task);

// w += factor * (sum of gradients): for running statistics.
void move_statistics(const UpdateTask& task, float factor);

}  // namespace mnist
