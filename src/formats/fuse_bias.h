// Graphs that say a layer's bias as a sum of its own.
#pragma once

#include "mnist/model.h"

namespace mnist {

// The model with each Add of one value for each output, behind a Gemm or Conv without bias that
// nothing else reads, taken into that node; which is then called as the Add was.
Model fuse_bias(Model model);

}  // namespace mnist
