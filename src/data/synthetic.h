// Handwritten digits that the program draws itself: no file, no network, any number, from a seed.
//
// Stroke skeletons in several styles a digit (strokes.h) are mixed, jittered, bent by a smooth
// random field, slanted, turned and stretched, drawn with a pen of random width and brought to
// MNIST's own form (raster.h). No image of any data set takes part.
#pragma once

#include <cstddef>
#include <cstdint>

#include "data/dataset.h"

namespace mnist {

// Draws image number `index` of the endless data set `seed`: 28 * 28 pixels, 0 = paper, 255 = ink,
// and its label. A pure function of its arguments, safe from any thread. Every ten images from a
// multiple of 10 on hold each digit once, in random order.
Label draw_synthetic_digit(uint64_t seed, uint64_t index, uint8_t* pixels784);

// Images 0..count-1 of data set `seed`.
Dataset synthetic_digits(size_t count, uint64_t seed);

}  // namespace mnist
