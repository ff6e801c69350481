// What MaxPool and AveragePool have in common: the window and the shape rule.
#pragma once

#include "ops/window.h"

namespace mnist {

struct Pooling {
  size_t channels;
  Window window;
  bool count_include_pad;  // AveragePool: the padding counts as zeros that were there

  size_t input_plane() const { return static_cast<size_t>(window.input[0] * window.input[1]); }
  size_t output_plane() const { return static_cast<size_t>(window.output[0] * window.output[1]); }
  Shape output_shape() const {
    return {static_cast<int64_t>(channels), window.output[0], window.output[1]};
  }
  // The usual window: 2x2, stride 2, nothing beyond the input. Windows do not overlap.
  bool is_2x2() const;
};

// Throws Error naming the node also where a window would lie in the padding altogether.
Pooling make_pooling(const OpSpec& spec);

}  // namespace mnist
