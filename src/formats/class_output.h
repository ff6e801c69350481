// Networks that end in the number of the class.
#pragma once

#include "mnist/model.h"

namespace mnist {

// The model ending in the scores from which it takes the greatest one's number, where it does that
// at its end; noted in the metadata under kClassOutputKey.
Model ending_in_scores(Model model);

inline constexpr char kClassOutputKey[] = "mnist.output";

}  // namespace mnist
