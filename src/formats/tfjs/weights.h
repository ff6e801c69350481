// The weights of TensorFlow.js: a manifest in model.json, values in files beside it.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "formats/format.h"
#include "formats/tensorflow/graph.h"

namespace mnist {

// By name. `manifest` is model.json's "weightsManifest". Quantised values are made floats. Throws
// Error with the place in it.
std::map<std::string, TfConstant> read_tfjs_weights(const JsonView& manifest,
                                                    const ModelSource& source);

}  // namespace mnist
