// A network as a chain of layers, for formats that can say nothing else.
#pragma once

#include <vector>

#include "mnist/model.h"

namespace mnist {

struct ChainLayer {
  const Node* node;
  Shape input;  // per image
  Shape output;
};

// The model's nodes, each of which reads what the one before made. Identity and Dropout, which
// change nothing outside of training, are left out. Throws Error naming the node where the network
// is no such chain or cannot be run.
std::vector<ChainLayer> layer_chain(const Model& model);

// The weights of a Gemm or a Conv: (outputs, ...), and a bias that is zero where the node has none.
struct LayerWeights {
  int64_t outputs = 0;
  int64_t inputs = 0;  // numbers that an output is made of
  std::vector<float> weights;
  std::vector<float> bias;
};
LayerWeights dense_weights(const Model& model, const Node& gemm);
LayerWeights dense_weights(const Node& gemm, const Tensor& weight, const Tensor* bias);
LayerWeights conv_weights(const Model& model, const Node& conv);

// Changes a network's first layer so that it reads pixel / 255 instead of what `pixels` makes of
// them: for formats whose programs know no other scaling. Exact for a dense layer and a convolution
// without padding.
void read_plain_pixels(LayerWeights& first, const PixelScaling& pixels);

}  // namespace mnist
