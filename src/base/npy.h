// NumPy's arrays in files (NEP 1): a magic number, a header, the numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mnist {

struct NpyArray {
  std::string type;  // "|u1", "<f4"
  bool fortran_order = false;
  std::vector<uint64_t> shape;         // outermost first
  std::span<const std::byte> content;  // the numbers, as many bytes as follow the header
};

// An array file as NumPy writes it (formats 1.0 and 2.0). `bytes` outlive the result. Whether the
// content fills the shape is for the caller to check. Throws Error starting with `who`.
NpyArray parse_npy(std::span<const std::byte> bytes, const std::string& who);

}  // namespace mnist
