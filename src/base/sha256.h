// SHA-256 (FIPS 180-4): names the content of a file whatever it is called and wherever it lies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mnist {

// Bytes are added in pieces of any size; `finish` is called once, at the end.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);

  // The digest as 64 lower-case hexadecimal digits.
  std::string finish();

 private:
  void transform(const std::byte* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> block_{};
  size_t filled_ = 0;  // bytes waiting in block_
  uint64_t length_ = 0;
};

// Of `bytes` at once.
std::string sha256(std::span<const std::byte> bytes);

}  // namespace mnist
