// What all readers of image files share: the bounds, and how a colour becomes grey.
#pragma once

#include <cstdint>
#include <string_view>

namespace mnist {

constexpr uint64_t kLargestImageSide = 8192;
constexpr uint64_t kMostImagePixels = uint64_t{1} << 25;  // 32 Mi: a 24-megapixel photograph fits

// Throws Error "WHO: ..." unless both sides and their product are within the bounds.
void check_image_size(uint64_t height, uint64_t width, std::string_view who);

// Luma of ITU-R BT.601 with the integer weights that Pillow's convert("L") uses.
constexpr uint8_t luma(uint32_t red, uint32_t green, uint32_t blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

// `value` under `alpha` (255: opaque) laid over white.
constexpr uint32_t over_white(uint32_t value, uint32_t alpha) {
  return (value * alpha + 255 * (255 - alpha) + 127) / 255;
}

}  // namespace mnist
