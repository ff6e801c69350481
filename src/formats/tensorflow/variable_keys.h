// Under which names a SavedModel keeps its variables' values.
#pragma once

#include <map>
#include <string>

#include "formats/tensorflow/graph.h"

namespace mnist {

// For each node that stands for a variable the name in the bundle, as the graph's own way of
// restoring them says: nodes RestoreV2 with names, whose outputs are assigned.
std::map<std::string, std::string> variable_keys(const TfGraph& graph);

}  // namespace mnist
