// The images that a model reads.
#pragma once

#include <cstddef>
#include <string>

#include "data/prepare.h"
#include "mnist/model.h"

namespace mnist {

struct InputSize {
  size_t height = 0;
  size_t width = 0;
  size_t channels = 1;           // 1, or 3 for a model of coloured images
  bool is_channel_last = false;  // (H,W,C)

  size_t pixels() const { return height * width; }
};

// Of a model for images: (H,W), (C,H,W), (H,W,C) or a square laid out as (H*W). Throws Error naming
// `who` for another input.
InputSize input_size(const Model& model, const std::string& who);

// How images are prepared for a model of that size: MNIST's proportions, scaled. Throws Error
// naming `who` where the input is not square.
PrepareOptions prepare_options(const InputSize& size, const std::string& who);

}  // namespace mnist
