// PNG (ISO/IEC 15948): every colour type, bit depth and interlacing, as grey.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/file.h"
#include "mnist/image.h"

namespace mnist {

bool is_png(std::span<const std::byte> bytes);

// Transparency is laid over white and colours become luma (see pixels.h). Throws Error "WHO: ..."
// for damage, a wrong checksum, a missing end, a size beyond check_image_size.
Image decode_png(std::span<const std::byte> bytes, const std::string& who);

// 8 bits, grey.
void write_png(const Image& image, Sink& sink);

}  // namespace mnist
