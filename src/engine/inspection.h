// Looking inside a network while it sees one image: what every layer makes of it, and which pixels
// speak for an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "mnist/model.h"

namespace mnist {

class Inspection {
 public:
  // A node that is run: its output, and the first of its weights with more than one dimension.
  struct Layer {
    std::string name;
    std::string type;
    Shape shape;         // of the output, per image
    std::string kernel;  // name of that weight, "" where there is none
  };

  // Throws Error where the model cannot be run.
  explicit Inspection(const Model& model);

  const std::vector<Layer>& layers() const { return layers_; }
  size_t input_elements() const { return plan_.input_elements(); }
  size_t output_elements() const { return plan_.output_elements(); }

  // Runs the network on one image of input_elements() pixels.
  void run(std::span<const uint8_t> pixels);

  // Of the last run: the logits, and what a layer made, in its shape's order.
  std::vector<float> logits();
  std::vector<float> activation(size_t layer);

  // Of the last run: how much the logit of `answer` rises with each input value (Simonyan et al.
  // 2013, "Deep Inside Convolutional Networks").
  std::vector<float> saliency(size_t answer);

 private:
  std::vector<float> first_image(const float* values, size_t elements) const;

  Plan plan_;
  Workspace workspace_;
  PixelScaling pixels_;
  std::vector<Layer> layers_;
  std::vector<std::string> outputs_;  // of layers_
  std::vector<float> gradients_;      // of the weights: a by-product
};

}  // namespace mnist
