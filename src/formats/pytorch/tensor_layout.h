// Where a tensor lies in its storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "formats/stored_floats.h"
#include "mnist/model.h"

namespace mnist {

struct TensorLayout {
  Shape shape;
  Shape strides;  // in values
  int64_t offset = 0;
};

// The tensor's values in the order of its extents; they are taken off `values_left`, which bounds
// what all tensors of a file may take. Throws Error starting with `place` where shape, strides and
// offset lead out of the storage, or make more values than it has.
Tensor tensor_from_storage(const TensorLayout& layout, std::span<const std::byte> storage,
                           StoredFloat type, size_t& values_left, const std::string& place);

}  // namespace mnist
