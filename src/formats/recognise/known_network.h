// Networks that the program knows by name, found by the names and shapes of their weights.
#pragma once

#include <optional>
#include <string>

#include "formats/loose_weights.h"

namespace mnist {

// The architecture whose weights are called and shaped exactly like these, with them; nothing if
// there is none.
std::optional<Model> known_network(const LooseWeights& weights, const std::string& who);

}  // namespace mnist
