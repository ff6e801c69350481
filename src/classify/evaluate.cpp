#include "classify/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "mnist/error.h"

namespace mnist {

void check_fit(const Inference& inference, const Dataset& dataset) {
  if (dataset.size() == 0) throw Error(dataset.name + ": no images to evaluate");
  if (dataset.height * dataset.width != inference.input_elements()) {
    throw Error(
        fmt::format("{}: images of {} x {} pixels do not fit the model's input of {} values",
                    dataset.name, dataset.height, dataset.width, inference.input_elements()));
  }
  if (dataset.classes > inference.output_elements()) {
    throw Error(fmt::format("{}: {} classes, but the model has {} outputs", dataset.name,
                            dataset.classes, inference.output_elements()));
  }
}

namespace {

// Of networks with very many classes not all images' logits are kept.
constexpr size_t kLogitsAtOnce = size_t{1} << 22;

// Images first..first+count-1; `logits` has room for them.
void add_part(Inference& inference, const Dataset& dataset, size_t first, size_t count,
              std::vector<float>& logits, Evaluation& result) {
  const size_t classes = result.classes;
  const auto start = std::chrono::steady_clock::now();
  inference.run(dataset.image(first).data(), count, logits.data());
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  result.milliseconds += time.count();
  for (size_t i = 0; i < count; ++i) {
    const float* values = logits.data() + i * classes;
    const size_t label = dataset.labels[first + i];
    const auto predicted = static_cast<size_t>(std::max_element(values, values + classes) - values);
    result.predictions[first + i] = static_cast<uint32_t>(predicted);
    result.image_losses[first + i] =
        static_cast<float>(cross_entropy(values, classes, label, nullptr));
    result.correct += predicted == label ? 1 : 0;
  }
}

void add_losses(Evaluation& result) {
  const auto images = static_cast<double>(result.images);
  double sum = 0.0;
  for (float loss : result.image_losses) sum += loss;
  result.loss = sum / images;
  double squares = 0.0;
  for (float loss : result.image_losses) squares += (loss - result.loss) * (loss - result.loss);
  if (result.images > 1) result.loss_error = std::sqrt(squares / (images - 1.0) / images);
  result.accuracy = static_cast<double>(result.correct) / images;
  result.accuracy_error = std::sqrt(result.accuracy * (1.0 - result.accuracy) / images);
}

}  // namespace

double cross_entropy(const float* logits, size_t classes, size_t label, float* probabilities) {
  const float greatest = *std::max_element(logits, logits + classes);
  double sum = 0.0;
  for (size_t c = 0; c < classes; ++c) {
    const double power = std::exp(static_cast<double>(logits[c]) - greatest);
    if (probabilities != nullptr) probabilities[c] = static_cast<float>(power);
    sum += power;
  }
  for (size_t c = 0; c < classes && probabilities != nullptr; ++c) {
    probabilities[c] = static_cast<float>(probabilities[c] / sum);
  }
  return std::log(sum) + greatest - logits[label];
}

void softmax(float* values, size_t count) { cross_entropy(values, count, 0, values); }

Evaluation evaluate(Inference& inference, const Dataset& dataset) {
  check_fit(inference, dataset);
  const size_t classes = inference.output_elements();
  Evaluation result;
  result.images = dataset.size();
  result.classes = classes;
  result.predictions.resize(dataset.size());
  result.image_losses.resize(dataset.size());
  const size_t part = std::max<size_t>(kLogitsAtOnce / classes, 1'024);
  std::vector<float> logits(std::min(part, dataset.size()) * classes);
  for (size_t first = 0; first < dataset.size(); first += part) {
    add_part(inference, dataset, first, std::min(part, dataset.size() - first), logits, result);
  }
  add_losses(result);
  return result;
}

std::vector<ClassResult> class_results(const Evaluation& result, const Dataset& dataset) {
  std::vector<ClassResult> all(result.classes);
  std::map<std::pair<size_t, size_t>, size_t> confusions;  // by true and predicted class
  for (size_t i = 0; i < dataset.size(); ++i) {
    const size_t label = dataset.labels[i];
    const size_t predicted = result.predictions[i];
    ++all[label].images;
    ++all[predicted].predicted;
    if (predicted == label) {
      ++all[label].correct;
    } else {
      ++confusions[{label, predicted}];
    }
  }
  for (const auto& [classes, times] : confusions) {
    ClassResult& of = all[classes.first];
    if (times <= of.confused) continue;
    of.confused_with = classes.second;
    of.confused = times;
  }
  return all;
}

}  // namespace mnist
