// A network that the user named: to look at, or to train.
#pragma once

#include <optional>
#include <string>

#include "mnist/model.h"

namespace mnist {

// The network of an architecture's name, or of a JSON file that describes one without weights'
// values (docs/network.md); its weights are zero. Nothing where `name` is neither, which a model's
// file is not. Throws Error.
std::optional<Model> find_network(const std::string& name);

// Whether `name` is a JSON file of that kind.
bool is_network_file(const std::string& name);

// The network that a JSON file describes. Throws Error naming the file and the place, also for ops
// and shapes that do not fit.
Model load_description(const std::string& path);

}  // namespace mnist
