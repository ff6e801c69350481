// A network that the user named: to look at, or to train.
#pragma once

#include <string>

#include "mnist/model.h"

namespace mnist {

// A model's file, a JSON file that describes a network without weights' values (docs/network.md),
// or an architecture's name. The values are zero for the last two. Throws Error.
Model load_network(const std::string& name);

// The network that a JSON file describes.
Model load_description(const std::string& path);

}  // namespace mnist
