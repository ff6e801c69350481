// Random variations of training images: one resampling pass through a combined affine map and a
// smooth displacement field, then small changes of stroke thickness, sharpness and grey.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mnist {

// How far each variation goes; 0 leaves it out. Amounts are drawn uniformly between -limit and
// +limit, unless said otherwise.
struct Augmentation {
  float rotation_degrees = 0;  // up to 45
  float scale = 0;             // both axes times about exp(amount)
  float aspect = 0;            // width over height times about exp(amount)
  float shear = 0;             // columns a row
  float translate_pixels = 0;  // along each axis
  float elastic_pixels = 0;    // deviation of the smooth displacement field
  float thickness = 0;         // 0..1; 1: strokes gain or lose up to one pixel on each side
  float blur = 0;              // 0..1, drawn from 0 up: share of a 3x3 mean in the result
  float contrast = 0;          // 0..1, drawn from 0 up: how much darker the ink may get
  float noise = 0;             // 0..1, pixel by pixel: grey levels as a share of 255

  bool operator==(const Augmentation&) const = default;
};

// "none"; "light": for images like those of the training set, as a test set's are; "strong": also
// for pens, scanners and cameras of other makes. Throws Error for another name.
Augmentation augmentation_by_name(std::string_view name);

// Writes a variation of the image `in` (height * width, 0 the background) to `out`, which must not
// overlap it. A pure function of its arguments: the same `key` (see random_key, base/random.h)
// gives the same picture on every thread. What moves in from outside is background.
void augment(const uint8_t* in, size_t height, size_t width, const Augmentation& limits,
             uint64_t key, uint8_t* out);

}  // namespace mnist
