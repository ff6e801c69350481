// From TorchScript's code to the network that it computes.
#pragma once

#include "formats/loose_weights.h"
#include "formats/pytorch/torch_file.h"
#include "mnist/model.h"

namespace mnist {

// The network of a TorchScript file: its code is followed once, for the first of the usual image
// sizes that it fits, and what it would compute becomes nodes. Nothing of it is run otherwise, and
// there are loops that are not followed. `weights` are the file's tensors under their names. Throws
// Error starting with the file's name for what is no network of operators that are known.
Model model_of_script(const TorchFile& file, const LooseWeights& weights);

}  // namespace mnist
