// A SavedModel's saved_model.pb.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "formats/tensorflow/graph.h"

namespace mnist {

// The graph that is tagged for serving, with its signature. Throws Error starting with `who`.
TfGraph read_saved_model(std::span<const std::byte> bytes, const std::string& who);

}  // namespace mnist
