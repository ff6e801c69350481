// JPEG, the form of photographs, as grey. Needs libjpeg (compile definition MNIST_WITH_JPEG);
// without it such a file is recognised and refused.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "mnist/image.h"

namespace mnist {

bool is_jpeg(std::span<const std::byte> bytes);

// The luma that the file stores, turned upright as its Exif orientation says. Throws Error
// "WHO: ..." for damage, a size beyond check_image_size, or a build without libjpeg.
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& who);

}  // namespace mnist
