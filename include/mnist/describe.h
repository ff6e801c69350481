// What the engine knows of a model's nodes without running it.
#pragma once

#include <cstdint>
#include <vector>

#include "mnist/model.h"

namespace mnist {

struct NodeFacts {
  Shape output_shape;       // per image
  uint64_t parameters = 0;  // values of the weights that it reads
  uint64_t macs = 0;        // multiply-adds for one image
};

// One entry a node, in the model's order. Throws Error naming the node for an unknown op,
// attributes that it does not have, and shapes that do not fit.
std::vector<NodeFacts> describe(const Model& model);

}  // namespace mnist
