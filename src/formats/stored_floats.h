// Floats as files store them: little-endian, in four widths.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

enum class StoredFloat { kF64, kF32, kF16, kBF16 };

size_t size_of(StoredFloat type);

// The values of `bytes`, whose length is a multiple of size_of(type). What float32 cannot hold
// becomes infinite, which check_model refuses.
std::vector<float> floats_from(std::span<const std::byte> bytes, StoredFloat type);

// element_count of a shape that a file says; its Error starts with `place`.
size_t stored_count(const Shape& shape, const std::string& place);

// `type` as a writer's choice for a weight of this shape: biases and statistics stay float32.
StoredFloat stored_type(const Shape& shape, TensorType type);

// The values in a width that floats_from reads. Throws Error naming the tensor where a value is too
// large for it.
std::vector<std::byte> bytes_from(const std::vector<float>& values, StoredFloat type,
                                  const std::string& tensor);

}  // namespace mnist
