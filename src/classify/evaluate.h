// How well a model does on labelled images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "engine/inference.h"

namespace mnist {

struct Evaluation {
  size_t images = 0;
  size_t classes = 0;
  size_t correct = 0;
  double loss = 0.0;        // mean cross-entropy of the images
  double loss_error = 0.0;  // its standard error: deviation of the images' losses / sqrt(images)
  double accuracy = 0.0;    // 0..1
  double accuracy_error = 0.0;        // sqrt(p (1 - p) / images)
  double milliseconds = 0.0;          // for all images, without loading the model
  std::vector<uint32_t> predictions;  // [images]
  std::vector<float> image_losses;    // [images]
};

// How the images of one class were taken.
struct ClassResult {
  size_t images = 0;
  size_t correct = 0;
  size_t predicted = 0;  // images of any class that were taken for it
  // The class that its other images were taken for most often, and how often; 0 times: none were.
  size_t confused_with = 0;
  size_t confused = 0;
};
// [result.classes]. `dataset` is what was evaluated.
std::vector<ClassResult> class_results(const Evaluation& result, const Dataset& dataset);

// Throws Error where the images do not fit the model: another size, labels beyond its outputs.
void check_fit(const Inference& inference, const Dataset& dataset);

// Throws Error like check_fit.
Evaluation evaluate(Inference& inference, const Dataset& dataset);

// Loss and probabilities of one image from its logits (with maximum subtracted: finite for any
// finite logits). `probabilities` may be null.
double cross_entropy(const float* logits, size_t classes, size_t label, float* probabilities);

// In place: exp(x_i - max) / sum.
void softmax(float* values, size_t count);

}  // namespace mnist
