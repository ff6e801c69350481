// Lets a model read the images that there are: of one channel, and of another size.
//
// What is between the images and the model becomes nodes at its beginning, so that everything that
// runs, trains or writes it works as ever.
#pragma once

#include <string>
#include <vector>

#include "classify/input_size.h"
#include "mnist/model.h"

namespace mnist {

// How images of another size are made to fit.
enum class Fit {
  kNone,    // they have to be of the model's size
  kPad,     // background around them, the same on both sides
  kResize,  // scaled, bilinear between pixel centres
  kMean,    // means of whole blocks of pixels
};

// "none", "pad", "resize", "mean". Throws Error naming them for another word.
Fit parse_fit(const std::string& word);
std::string to_string(Fit fit);
const std::vector<Fit>& all_fits();

// Whether images of height x width can be brought to `size` in that way.
bool can_fit(Fit fit, const InputSize& size, size_t height, size_t width);

// `model` for grey images of height x width: its input becomes (1,height,width) where it has three
// channels (the image is each of them) or another size; else it is `model` itself. Throws Error
// naming `who` where the images do not fit in that way.
Model adapt_input(const Model& model, size_t height, size_t width, Fit fit, const std::string& who);

// The same for images of the model's own size, which is what someone has who draws for it.
Model grey_input(const Model& model, const std::string& who);

}  // namespace mnist
