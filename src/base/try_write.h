// Whether a file can be written, asked before the work whose result is to lie in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace mnist {

// Throws what write_file would for these bytes, which go to the temporary file and vanish with it:
// the file `path` stays as it is. Of what is not a regular file only the permission is asked for.
void try_write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace mnist
