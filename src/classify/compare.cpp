#include "classify/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/inference.h"
#include "mnist/error.h"

namespace mnist {
namespace {

struct Outputs {
  size_t classes = 0;
  std::vector<float> values;  // [images][classes]
};

Outputs outputs_of(const Model& model, const Dataset& images, ThreadPool& threads) {
  Inference inference(model, threads);
  if (inference.input_elements() != images.height * images.width) {
    throw Error(fmt::format("images of {} x {} pixels do not fit an input of {} values",
                            images.width, images.height, inference.input_elements()));
  }
  Outputs outputs{inference.output_elements(), {}};
  outputs.values.resize(images.size() * outputs.classes);
  inference.run(images.pixels.data(), images.size(), outputs.values.data());
  return outputs;
}

size_t best_class(const Outputs& outputs, size_t image) {
  const auto first = outputs.values.begin() + static_cast<std::ptrdiff_t>(image * outputs.classes);
  return static_cast<size_t>(
      std::max_element(first, first + static_cast<std::ptrdiff_t>(outputs.classes)) - first);
}

}  // namespace

Comparison compare_models(const Model& first, const Model& second, const Dataset& images,
                          ThreadPool& threads) {
  const Outputs a = outputs_of(first, images, threads);
  const Outputs b = outputs_of(second, images, threads);
  if (a.classes != b.classes) {
    throw Error(fmt::format("{} outputs expected, got {}", a.classes, b.classes));
  }
  Comparison result;
  result.images = images.size();
  result.classes = a.classes;
  for (size_t i = 0; i < a.values.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a.values[i]) - b.values[i]);
    // Also not a number, which no comparison finds greater.
    if (!(difference <= result.greatest_difference)) result.greatest_difference = difference;
    result.greatest_logit =
        std::max(result.greatest_logit, std::abs(static_cast<double>(a.values[i])));
  }
  for (size_t i = 0; i < images.size(); ++i) {
    const size_t class_a = best_class(a, i);
    const size_t class_b = best_class(b, i);
    result.equal_classes += class_a == class_b ? 1 : 0;
    result.correct_first += class_a == images.labels[i] ? 1 : 0;
    result.correct_second += class_b == images.labels[i] ? 1 : 0;
  }
  return result;
}

}  // namespace mnist
