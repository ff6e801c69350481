// From an image to its class: the short way to use a model.
//
//   mnist::Classifier classifier(mnist::load_model("mnist-cnn.gguf"));
//   mnist::Prediction answer = classifier.classify(mnist::read_image("seven.png"));
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mnist/builtin.h"
#include "mnist/image.h"
#include "mnist/image_file.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

struct Prediction {
  size_t label = 0;                  // the most probable class
  std::string name;                  // what the model calls it: "7"
  float probability = 0.0F;          // 0..1
  std::vector<float> probabilities;  // of all classes; their sum is 1
};

// What a classifier does to an image before the network sees it.
enum class Preparation {
  // Photographs and drawings are brought to MNIST's form: light on dark, centred, 20 pixels high
  // (prepare.h). An image that is in that form already stays as it is.
  kAutomatic,
  kNone,  // the image has the network's size and is in its form
};

// One classifier serves one thread at a time; several are independent of each other.
class Classifier {
 public:
  // Uses `threads` threads (0: all processors) for several images at once; one image runs on the
  // caller's. Throws Error where the model is not a classifier of grey images that can be run.
  explicit Classifier(const Model& model = builtin_model(), size_t threads = 1);
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;

  // Throw Error where an unprepared image has another size than the network's.
  Prediction classify(const Image& image, Preparation preparation = Preparation::kAutomatic);
  std::vector<Prediction> classify(std::span<const Image> images,
                                   Preparation preparation = Preparation::kAutomatic);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mnist
