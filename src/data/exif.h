// The one thing that matters of a camera's notes: which way up it was held.
#pragma once

#include <cstddef>
#include <span>

#include "mnist/image.h"

namespace mnist {

// The orientation (1 to 8, Exif 2.3 section 4.6.4) in the APP1 segment of a JPEG file, given
// without marker and length; 1, upright, where it holds none or is damaged.
int exif_orientation(std::span<const std::byte> segment);

// `image` turned and mirrored so that it is upright.
Image turned_upright(Image image, int orientation);

}  // namespace mnist
