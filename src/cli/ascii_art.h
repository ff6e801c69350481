// An image in letters.
#pragma once

#include <cstddef>
#include <string>

#include "mnist/image.h"

namespace mnist {

// One line for each row, two letters for a pixel so that it looks square; 0 is a space, 255 '@'.
// Images that are wider than `columns` letters or higher than half of that are made smaller first,
// by averages.
std::string ascii_art(const Image& image, size_t columns = 80);

}  // namespace mnist
