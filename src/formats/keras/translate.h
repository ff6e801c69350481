// A whole Keras network as the document.
#pragma once

#include <string>
#include <vector>

#include "formats/keras/topology.h"
#include "formats/keras/translation.h"
#include "mnist/model.h"

namespace mnist {

// `weights` has an entry a layer. `version` is Keras's own ("2.3.0-tf"), which some usual values
// depend on. Throws Error starting with `who`, naming the layer.
Model translate_keras(const KerasNetwork& network, std::vector<KerasWeights> weights,
                      const std::string& version, const std::string& who);

}  // namespace mnist
