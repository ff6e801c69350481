// The network of layers that are called one behind the other.
#pragma once

#include <optional>
#include <string>

#include "formats/loose_weights.h"

namespace mnist {

// The network of `weights.layers` in their order, for the first of the usual image sizes that it
// fits, with a Flatten in front of dense layers that read maps. Nothing where it fits none.
std::optional<Model> chain_of_layers(const LooseWeights& weights, const std::string& who);

// The images that a dense layer of so many inputs reads; nothing if they are no square.
std::optional<Shape> image_of(int64_t inputs);

}  // namespace mnist
