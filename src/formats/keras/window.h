// Windows of convolutions and poolings: Keras's padding "same" and "valid" as ONNX's pads.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "formats/keras/translation.h"

namespace mnist {

// kernel_shape, and strides, pads and dilations where they are not the usual ones; from the layer's
// config, whose strides are `strides` where it says none.
std::map<std::string, Attribute> window_attributes(const KerasTranslation& layer,
                                                   const KerasValue& planes,
                                                   std::pair<int64_t, int64_t> kernel,
                                                   std::pair<int64_t, int64_t> strides);

// The padding before and behind an axis with which TensorFlow's "SAME" makes ceil(input / stride)
// outputs; the odd one is behind.
std::pair<int64_t, int64_t> same_padding(int64_t input, int64_t kernel, int64_t stride,
                                         int64_t dilation);

}  // namespace mnist
