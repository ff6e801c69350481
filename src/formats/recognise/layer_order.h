// In which order the layers of a file follow each other.
#pragma once

#include <vector>

#include "formats/recognise/weight_layer.h"

namespace mnist {

// A network's layers in a row: convolutions, then dense layers, either of which there may be none.
struct LayerRow {
  struct Step {
    const WeightLayer* layer = nullptr;  // a convolution or a dense layer
    const WeightLayer* norm = nullptr;   // what normalises its outputs, null if nothing does
    int64_t groups = 1;                  // of a convolution
  };
  std::vector<Step> convs;
  std::vector<Step> denses;
  const WeightLayer* input_norm = nullptr;    // normalises the images
  const WeightLayer* feature_norm = nullptr;  // normalises what the first dense layer reads
  double cost = 0;                            // how unusual it is; 0 for what is expected first

  int64_t input_channels() const;  // of a network that begins with a convolution
};

// The rows that the layers' sizes allow, the most plausible first: in the file's order, or in that
// of the names where the file's is only that of the alphabet. Empty if there is none. Points into
// `layers`.
std::vector<LayerRow> layer_rows(const std::vector<WeightLayer>& layers);

}  // namespace mnist
