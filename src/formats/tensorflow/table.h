// LevelDB's sorted tables, which TensorFlow keeps the index of its variables in: keys and values in
// blocks, each with a checksum, and a block that says where the others are.
//
// Format: github.com/google/leveldb/blob/main/doc/table_format.md. TensorFlow does not compress
// such tables; compressed blocks are refused.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace mnist {

// All entries; the values lie in `bytes`. Throws Error starting with `who`.
std::map<std::string, std::span<const std::byte>> read_table(std::span<const std::byte> bytes,
                                                             const std::string& who);

}  // namespace mnist
