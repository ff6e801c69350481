// What weights leave open besides the windows, and the network that a choice of all of it makes.
#pragma once

#include <string>
#include <vector>

#include "formats/loose_weights.h"
#include "formats/recognise/geometry.h"
#include "formats/recognise/layer_order.h"
#include "mnist/model.h"

namespace mnist {

// One way to fill in what is not known, the same for all layers.
struct Style {
  // "Relu", "Tanh", ... ; empty: none at all. Not behind the last layer...
  std::string activation = "Relu";
  double alpha = 0;  // of a LeakyRelu
  bool convs_activate = true;
  bool last_activates = false;  // ... but for a last convolution whose maps are averaged then
  bool averages = false;        // pooling by mean instead of maximum
  // Behind a convolution, in their order: N(ormalisation), A(ctivation), P(ooling).
  std::string order = "NAP";
  LooseWeights::Features features = LooseWeights::Features::kChannelFirst;
  double cost = 0;  // how unusual it is
};

// The styles that make different networks of this row, the most plausible first.
std::vector<Style> styles_for(const LayerRow& row, LooseWeights::Features features);

// The network, its weights included. `geometry` is null where there are no convolutions. Throws
// Error starting with `who` where its sizes do not fit an image.
Model make_candidate(const LayerRow& row, const Geometry* geometry, const Style& style,
                     const LooseWeights& weights, const std::string& who);

// The network in a line: "Conv16(3,p1)-relu-max2-FC10".
std::string describe_network(const Model& model);

}  // namespace mnist
