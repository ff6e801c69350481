// The order in which a dense layer reads the maps in front of it.
#pragma once

#include "mnist/model.h"

namespace mnist {

// A dense layer's weight (out,in) whose columns are in row, column, channel order, for columns in
// channel, row, column order; `features` is (channels, height, width) and its product the columns'
// number.
Tensor channels_first(const Tensor& weight, const Shape& features);

}  // namespace mnist
