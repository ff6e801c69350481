// Reading one picture, whatever it is in.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "mnist/image.h"

namespace mnist {

// Of an image without any header, height * width bytes row by row; nothing is read as such if 0.
struct RawSize {
  size_t height = 0;
  size_t width = 0;
};

// By content: PNG, PGM or PPM, JPEG, else raw bytes of exactly the size of `raw`. The pixels are
// the file's own, dark ink on light paper or the other way round (see prepare.h). `who` starts
// every message. Throws Error for anything else.
Image decode_image(std::span<const std::byte> bytes, const std::string& who, RawSize raw = {});

// A file, "-" for standard input, or "FILE:1234" for one image of an IDX file, counted from 0.
Image read_image(const std::filesystem::path& path, RawSize raw = {});

}  // namespace mnist
