// CRC-32C (Castagnoli), the checksum of TensorFlow's and LevelDB's files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mnist {

uint32_t crc32c(std::span<const std::byte> bytes);

// As those files store it: a checksum of what holds checksums itself should not be one of them.
inline uint32_t masked_crc32c(std::span<const std::byte> bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

}  // namespace mnist
