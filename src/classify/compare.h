// How far two models are apart: what a conversion changed.
#pragma once

#include <cstddef>

#include "base/threads.h"
#include "data/dataset.h"
#include "mnist/model.h"

namespace mnist {

struct Comparison {
  size_t images = 0;
  size_t classes = 0;
  double greatest_difference = 0.0;  // of a logit
  double greatest_logit = 0.0;  // of the first model, absolute: what the difference is small to
  size_t equal_classes = 0;     // images that both take for the same class
  size_t correct_first = 0;     // images that the first model recognises
  size_t correct_second = 0;
};

// Runs both on every image. Throws Error where one cannot be run, or their outputs differ in
// number.
Comparison compare_models(const Model& first, const Model& second, const Dataset& images,
                          ThreadPool& threads);

}  // namespace mnist
