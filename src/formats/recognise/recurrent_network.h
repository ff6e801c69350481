// Networks of recurrent layers, from their weights alone.
#pragma once

#include <string>
#include <vector>

#include "formats/loose_weights.h"
#include "mnist/model.h"

namespace mnist {

// Whether there are weights of PyTorch's nn.LSTM, nn.GRU or nn.RNN ("lstm.weight_hh_l0").
bool has_recurrent_weights(const LooseWeights& weights);

// The networks that read an image row by row with them and end in the dense layers that are there,
// the most plausible first: what these take of the rows is not known. Each with its kRecognisedKey.
// Throws Error starting with `who` where there is none.
std::vector<Model> recurrent_networks(const LooseWeights& weights, const std::string& who);

}  // namespace mnist
