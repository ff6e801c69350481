// From pixels to the lane layout and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mnist/model.h"

namespace mnist {

// out[block][element][lane] = images[block * lanes + lane][element] * scale + offset, for as many
// blocks as the images fill, the last one perhaps in part; its other lanes hold `offset`.
void load_images(std::span<const uint8_t* const> images, size_t elements, size_t lanes,
                 const PixelScaling& scaling, float* out);

// The same without scaling, for inputs that are network inputs already; unused lanes hold 0.
void load_inputs(std::span<const float* const> inputs, size_t elements, size_t lanes, float* out);

// out[image][element] = values[block][element][lane] for the first `images`.
void store_outputs(const float* values, size_t images, size_t elements, size_t lanes, float* out);

}  // namespace mnist
