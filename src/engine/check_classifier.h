// Whether a network sorts images into classes.
#pragma once

#include "mnist/model.h"

namespace mnist {

// Throws Error where describe() does, and where the output is not one value for each class.
void check_classifier(const Model& model);

}  // namespace mnist
