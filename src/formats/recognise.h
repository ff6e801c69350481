// From weights to the network that they belong to.
#pragma once

#include <string>
#include <vector>

#include "formats/loose_weights.h"
#include "mnist/model.h"

namespace mnist {

// The networks, weights included, that `weights` may belong to, the most plausible first: found
// from names, order and shapes, where convolutions need paddings, strides and pooling with which
// the sizes meet. At most kMostCandidates. Throws Error starting with `who` where there is none.
// Each model's metadata has under kRecognisedKey what was assumed: "Conv16(3)-relu-max2-FC10".
//
// Where names and shapes are those of a network that the program knows by name
// (model/architectures.h), that is the first one, and its architecture says so: whoever has no data
// to choose by can take it. What the others assume is a guess.
std::vector<Model> recognise(const LooseWeights& weights, const std::string& who);

// `network` (whose own values are not used) with these weights: matched by name, else by order and
// shape. Throws Error starting with `who`, naming the weight that does not fit.
Model with_weights(const Model& network, const LooseWeights& weights, const std::string& who);

inline constexpr size_t kMostCandidates = 64;
inline constexpr char kRecognisedKey[] = "mnist.recognised";

}  // namespace mnist
