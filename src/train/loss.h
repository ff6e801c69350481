// Softmax and cross-entropy in one, in the lane layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "data/dataset.h"

namespace mnist {

struct LossTask {
  const float* logits = nullptr;  // [blocks][classes][lanes]
  float* d_logits = nullptr;      // the same
  std::span<const Label> labels;  // of the images; lanes behind them get gradient 0
  size_t classes = 0;
  float scale = 1.0F;  // of the gradient: 1 / batch size gives that of the mean loss
  // The target is (1 - smoothing) for the label and smoothing / classes more for every class.
  float smoothing = 0.0F;
};

struct LossResult {
  double loss = 0.0;  // summed over the images, in their order
  size_t correct = 0;
};

// loss = -sum_c target_c * log softmax(x)_c,  d_x = scale * (softmax(x) - target)
LossResult softmax_cross_entropy(const LossTask& task);

}  // namespace mnist
