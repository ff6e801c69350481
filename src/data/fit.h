// Pictures as they are, made to fit an input: the raw alternative to prepare.h.
#pragma once

#include <cstddef>

#include "mnist/image.h"

namespace mnist {

// Shrunk, never enlarged, until it is no longer than the shorter side; in the middle of height x
// width pixels, black around it.
Image fit_picture(const Image& picture, size_t height, size_t width);

}  // namespace mnist
