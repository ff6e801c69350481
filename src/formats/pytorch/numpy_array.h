// NumPy's arrays in a pickle: what programs without a framework save, and some with one.
#pragma once

#include <optional>
#include <string>

#include "formats/pytorch/pickle.h"
#include "mnist/model.h"

namespace mnist {

// Whether the value is an array of numbers.
bool is_numpy_array(PickleRef value);

// The values of an array that holds others (NumPy's dtype "object"), as a list; null for any else.
PickleRef numpy_objects(PickleRef value);

// The array's values as floats, nothing where it holds integers; they are taken off `values_left`.
// Throws Error starting with `place` for an array of another byte order, or one whose bytes are not
// those of its shape.
std::optional<Tensor> numpy_tensor(PickleRef value, size_t& values_left, const std::string& place);

}  // namespace mnist
