#include "formats/gguf_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kHalf = kGgufBlockValues / 2;

template <typename T>
T little(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// What the blocks of 4 and 5 bits have: a scale, a minimum or none, the fifth bits or none, and two
// values a byte, value i and i + 16.
struct Nibbles {
  bool has_minimum;
  bool has_fifth_bits;
};

void read_nibbles(const std::byte* block, Nibbles layout, float* values) {
  const float scale = float_from_f16(little<uint16_t>(block));
  block += sizeof(uint16_t);
  float minimum = layout.has_fifth_bits ? -16.0F * scale : -8.0F * scale;
  if (layout.has_minimum) {
    minimum = float_from_f16(little<uint16_t>(block));
    block += sizeof(uint16_t);
  }
  uint32_t fifth = 0;
  if (layout.has_fifth_bits) {
    fifth = little<uint32_t>(block);
    block += sizeof(uint32_t);
  }
  for (size_t i = 0; i < kHalf; ++i) {
    const auto pair = std::to_integer<uint32_t>(block[i]);
    const uint32_t low = (pair & 0xf) | ((fifth >> i) & 1) << 4;
    const uint32_t high = (pair >> 4) | ((fifth >> (i + kHalf)) & 1) << 4;
    values[i] = static_cast<float>(low) * scale + minimum;
    values[i + kHalf] = static_cast<float>(high) * scale + minimum;
  }
}

void read_q8_0(const std::byte* block, float* values) {
  const float scale = float_from_f16(little<uint16_t>(block));
  for (size_t i = 0; i < kGgufBlockValues; ++i) {
    values[i] = static_cast<float>(little<int8_t>(block + sizeof(uint16_t) + i)) * scale;
  }
}

}  // namespace

size_t gguf_block_bytes(GgufTensorType type) {
  switch (type) {
    case GgufTensorType::kQ4_0:
      return 18;
    case GgufTensorType::kQ4_1:
      return 20;
    case GgufTensorType::kQ5_0:
      return 22;
    case GgufTensorType::kQ5_1:
      return 24;
    case GgufTensorType::kQ8_0:
      return 34;
    default:
      return 0;
  }
}

std::vector<float> values_from_blocks(GgufTensorType type, std::span<const std::byte> blocks) {
  const size_t bytes = gguf_block_bytes(type);
  std::vector<float> values(blocks.size() / bytes * kGgufBlockValues);
  const bool has_minimum = type == GgufTensorType::kQ4_1 || type == GgufTensorType::kQ5_1;
  const bool has_fifth = type == GgufTensorType::kQ5_0 || type == GgufTensorType::kQ5_1;
  for (size_t i = 0; i * bytes < blocks.size(); ++i) {
    float* const to = values.data() + i * kGgufBlockValues;
    if (type == GgufTensorType::kQ8_0) {
      read_q8_0(blocks.data() + i * bytes, to);
    } else {
      read_nibbles(blocks.data() + i * bytes, {has_minimum, has_fifth}, to);
    }
  }
  return values;
}

std::vector<std::byte> q8_0_blocks(std::span<const float> values) {
  std::vector<std::byte> bytes;
  bytes.reserve(values.size() / kGgufBlockValues * gguf_block_bytes(GgufTensorType::kQ8_0));
  for (; !values.empty(); values = values.subspan(kGgufBlockValues)) {
    const std::span<const float> block = values.first(kGgufBlockValues);
    float most = 0.0F;
    for (float value : block) most = std::max(most, std::abs(value));
    const float scale = most / 127.0F;
    // A scale whose inverse overflows is zero as a 16-bit float.
    const float inverse = std::isfinite(1.0F / scale) ? 1.0F / scale : 0.0F;
    const uint16_t stored = f16_from_float(scale);
    if (!std::isfinite(float_from_f16(stored))) {
      throw Error(fmt::format("a block with {} does not fit q8_0: store it as f32", most));
    }
    bytes.push_back(static_cast<std::byte>(stored & 0xff));
    bytes.push_back(static_cast<std::byte>(stored >> 8));
    for (float value : block) {
      bytes.push_back(static_cast<std::byte>(static_cast<int8_t>(std::round(value * inverse))));
    }
  }
  return bytes;
}

}  // namespace mnist
