// Weights that a program keeps as two lists, of matrices and of biases, as in Nielsen's book.
#pragma once

#include "formats/loose_weights.h"

namespace mnist {

// Where all tensors are those of two lists of one length, "weights.0", "weights.1" and "biases.0",
// ..., or of a pair of lists, each bias comes behind its matrix and is a list, which it may not be
// there ((30,1)). Otherwise nothing changes.
void pair_lists(LooseWeights& weights);

}  // namespace mnist
