#include "mnist/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/threads.h"
#include "classify/input_size.h"
#include "engine/inference.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Turns a row of outputs into probabilities, in place.
void to_probabilities(float* values, size_t count) {
  const float greatest = *std::max_element(values, values + count);
  float sum = 0.0F;
  for (size_t i = 0; i < count; ++i) sum += values[i] = std::exp(values[i] - greatest);
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

}  // namespace

struct Classifier::Impl {
  Impl(const Model& model, size_t thread_count)
      : threads(thread_count),
        inference(model, threads),
        size(input_size(model, model.architecture)),
        class_names(model.class_names) {
    if (size.height == size.width) prepare = prepare_options(size, model.architecture);
  }

  // The pixels that the network sees of `image`; `prepared` keeps them where they are new.
  const uint8_t* pixels(const Image& image, Preparation preparation, Image& prepared) const {
    if (preparation == Preparation::kAutomatic && prepare) {
      prepared = prepare_digit(image, *prepare);
      return prepared.pixels.data();
    }
    if (image.height != size.height || image.width != size.width ||
        image.pixels.size() != size.height * size.width) {
      throw Error(fmt::format("classify: an image of {} x {} pixels expected, got {} x {}",
                              size.height, size.width, image.height, image.width));
    }
    return image.pixels.data();
  }

  Prediction prediction(float* outputs) const {
    const size_t count = inference.output_elements();
    to_probabilities(outputs, count);
    Prediction result;
    result.probabilities.assign(outputs, outputs + count);
    result.label = static_cast<size_t>(std::max_element(outputs, outputs + count) - outputs);
    result.name = result.label < class_names.size() ? class_names[result.label]
                                                    : std::to_string(result.label);
    result.probability = result.probabilities[result.label];
    return result;
  }

  ThreadPool threads;
  Inference inference;
  InputSize size;
  std::vector<std::string> class_names;
  std::optional<PrepareOptions> prepare;
};

Classifier::Classifier(const Model& model, size_t threads)
    : impl_(std::make_unique<Impl>(model, threads)) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

Prediction Classifier::classify(const Image& image, Preparation preparation) {
  return classify(std::span(&image, 1), preparation).front();
}

std::vector<Prediction> Classifier::classify(std::span<const Image> images,
                                             Preparation preparation) {
  std::vector<Image> prepared(images.size());
  std::vector<const uint8_t*> pixels;
  for (size_t i = 0; i < images.size(); ++i) {
    pixels.push_back(impl_->pixels(images[i], preparation, prepared[i]));
  }
  const size_t count = impl_->inference.output_elements();
  std::vector<float> outputs(images.size() * count);
  impl_->inference.run(pixels, outputs.data());
  std::vector<Prediction> results;
  for (size_t i = 0; i < images.size(); ++i) {
    results.push_back(impl_->prediction(outputs.data() + i * count));
  }
  return results;
}

}  // namespace mnist
