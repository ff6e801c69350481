// What must hold of a PNG file before libpng sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mnist {

// Walks the chunks up to IEND: none may reach beyond the file or have a wrong CRC. Throws Error
// starting with `who`.
void check_png_chunks(std::span<const std::byte> bytes, const std::string& who);

// libpng unpacks whatever follows an image's pixels, without a limit. Throws Error if the pixels of
// a file that passed check_png_chunks unpack to more than `most` bytes; what is damaged otherwise
// is for libpng to say.
void check_png_expansion(std::span<const std::byte> bytes, uint64_t most, const std::string& who);

}  // namespace mnist
