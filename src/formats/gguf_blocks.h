// ggml's quantised types: rows in blocks of 32 values, each with a scale of its own (ggml's
// src/ggml-common.h and ggml-quants.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/gguf.h"

namespace mnist {

inline constexpr size_t kGgufBlockValues = 32;

// Bytes of a block; 0 for a type that is not one of blocks.
size_t gguf_block_bytes(GgufTensorType type);

// The values of whole blocks.
std::vector<float> values_from_blocks(GgufTensorType type, std::span<const std::byte> blocks);

// Q8_0, rounded as ggml does; values.size() is a multiple of 32. Throws Error where a value is too
// large for the scale, a 16-bit float.
std::vector<std::byte> q8_0_blocks(std::span<const float> values);

}  // namespace mnist
