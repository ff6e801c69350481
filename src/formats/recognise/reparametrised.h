// Weights that a training program keeps as what it makes them of.
#pragma once

#include <string>

#include "formats/loose_weights.h"

namespace mnist {

// Puts, in the place of their parts, the weights that PyTorch computes anew in every step: pruned
// ones (`weight_orig` x `weight_mask`), those of a weight norm (`weight_g` v / |v|) and of a
// spectral norm (`weight_orig` / (u W v)), under their names before and since
// torch.nn.utils.parametrize. Throws Error starting with `who` where the parts do not fit.
void merge_reparametrised(LooseWeights& weights, const std::string& who);

}  // namespace mnist
