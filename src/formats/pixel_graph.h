// Networks that bring pixels 0..255 to their range themselves, as nodes of the graph.
#pragma once

#include "mnist/model.h"

namespace mnist {

// Whether the network begins by scaling pixels itself, so that they are its input as they are.
bool scales_pixels(const Model& model);

// The same function of pixels, with what the graph does to every value of its input alike (v * a,
// v + b) as a part of model.pixels: for formats that hold layers only.
Model scaling_as_pixels(Model model);

}  // namespace mnist
