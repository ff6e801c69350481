// The model that is part of the library.
#pragma once

#include "mnist/model.h"

namespace mnist {

// A classifier of digits as people write them (models/digit.gguf), read from the program's own
// memory on the first call. Its images are 28 x 28, in MNIST's form.
const Model& builtin_model();

}  // namespace mnist
