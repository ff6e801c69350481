// Arithmetic on what is known of a TensorFlow graph.
#pragma once

#include <functional>

#include "formats/tensorflow/graph.h"

namespace mnist {

// The places in row-major order of `shape` that the elements of `result` come from, `shape` being
// broadcast to it (NumPy's rules). Throws Error where it cannot be.
std::vector<size_t> broadcast_places(const Shape& shape, const Shape& result);

// The shape that two arrays are broadcast to.
Shape broadcast_shape(const Shape& a, const Shape& b);

// Element by element, with broadcasting.
TfConstant combine(const TfConstant& a, const TfConstant& b,
                   const std::function<double(double, double)>& function);

TfConstant transposed(const TfConstant& constant, const std::vector<int64_t>& axes);

}  // namespace mnist
