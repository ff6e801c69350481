// TorchScript as PyTorch 1.0 to 1.3 wrote it: modules and tensors in a JSON text, no pickle.
#pragma once

#include <span>
#include <string>

#include "base/zip.h"
#include "formats/loose_weights.h"

namespace mnist {

// Whether the archive is such a file.
bool is_script_json(const ZipArchive& archive);

// Parameters and buffers, named as in a state dict, in the order of the modules. Throws Error
// starting with the archive's name.
LooseWeights read_script_json(const ZipArchive& archive);

}  // namespace mnist
