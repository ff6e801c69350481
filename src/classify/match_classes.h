// Classes of a data set that have names, and those of a model.
#pragma once

#include <string>

#include "data/dataset.h"
#include "mnist/model.h"

namespace mnist {

// Numbers the labels of `dataset` as `model` does where both call their classes by names: a folder
// of images may hold some of the classes only, or the model's in another order. Nothing is changed
// where either has no names, or no name of the one is a name of the other but there are as many.
// Throws Error, starting with `who` (the model), for a class that the model does not know.
void match_classes(Dataset& dataset, const Model& model, const std::string& who);

}  // namespace mnist
