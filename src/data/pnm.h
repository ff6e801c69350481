// PGM and PPM, the netpbm formats: P2 and P3 in decimal digits, P5 and P6 in bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/file.h"
#include "mnist/image.h"

namespace mnist {

bool is_pnm(std::span<const std::byte> bytes);

// Largest values up to 65535 are scaled to 255, colours become luma (see pixels.h). Throws Error
// "WHO: ..." for damage, values above the largest, anything but one whole image, a size beyond
// check_image_size.
Image decode_pnm(std::span<const std::byte> bytes, const std::string& who);

// As P5 with the largest value 255.
void write_pgm(const Image& image, Sink& sink);

}  // namespace mnist
