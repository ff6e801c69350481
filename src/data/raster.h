// Drawing strokes into MNIST's form: a 20x20 box, grey edges, centre of mass in the middle of
// 28x28.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "data/strokes.h"

namespace mnist {

inline constexpr size_t kDigitSide = 28;
inline constexpr size_t kDigitBox = 20;

// All lengths in pixels of the 28x28 image.
struct Pen {
  float radius = 1.4F;
  float edge = 1.2F;       // width of the ramp from ink to paper
  float roughness = 0.0F;  // random shift of the edge, pixel by pixel
};

// Scales the segments to the 20x20 box (aspect kept, the pen's width included), draws them with the
// pen (times each segment's own radius) and shifts the box by whole pixels so that the ink's centre
// of mass comes nearest to pixel (14, 14), as MNIST's makers did. Writes 28 * 28 pixels, 0 = paper.
void draw_normalised(std::span<Segment> segments, const Pen& pen, uint64_t noise_key,
                     uint8_t* pixels);

}  // namespace mnist
