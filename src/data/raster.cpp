#include "data/raster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/random.h"

namespace mnist {
namespace {

constexpr auto kBox = static_cast<int>(kDigitBox);
constexpr auto kSide = static_cast<int>(kDigitSide);
// The drawing board has a margin of one SIMD vector so that rows are written in whole vectors.
constexpr int kStride = kBox + 4;
constexpr float kNoInk = -1e9F;

// For each pixel, how deep its centre lies inside the ink (negative: outside).
using Depths = std::array<float, static_cast<size_t>(kBox* kStride)>;

// Ink whose coverage rounds to nothing is outside the box, as it was on the makers' scans.
float ink_margin(const Pen& pen) { return pen.radius + 0.5F * pen.edge - 0.45F; }

void fit_to_box(std::span<Segment> segments, const Pen& pen) {
  float left = 1e9F, right = -1e9F, top = 1e9F, bottom = -1e9F;
  for (const Segment& s : segments) {
    left = std::min({left, s.x0, s.x1});
    right = std::max({right, s.x0, s.x1});
    top = std::min({top, s.y0, s.y1});
    bottom = std::max({bottom, s.y0, s.y1});
  }
  float margin = ink_margin(pen);
  float room = std::max(static_cast<float>(kBox) - 2 * margin, 1.0F);
  float scale = room / std::max({right - left, bottom - top, 1e-3F});
  // Pixel centres are at whole numbers.
  float x = 0.5F * (static_cast<float>(kBox - 1) - scale * (left + right));
  float y = 0.5F * (static_cast<float>(kBox - 1) - scale * (top + bottom));
  for (Segment& s : segments) {
    s.x0 = x + scale * s.x0;
    s.x1 = x + scale * s.x1;
    s.y0 = y + scale * s.y0;
    s.y1 = y + scale * s.y1;
  }
}

void draw_segment(const Segment& s, const Pen& pen, Depths& depths) {
  float radius = pen.radius * s.radius;
  float reach = radius + 0.5F * pen.edge + pen.roughness;
  auto pixel = [](float v) { return std::clamp(static_cast<int>(v), 0, kBox - 1); };
  int first_row = pixel(std::min(s.y0, s.y1) - reach + 1);
  int last_row = pixel(std::max(s.y0, s.y1) + reach);
  int first_column = pixel(std::min(s.x0, s.x1) - reach + 1);
  int last_column = pixel(std::max(s.x0, s.x1) + reach);
  int columns = (last_column - first_column + 4) / 4 * 4;
  float dx = s.x1 - s.x0;
  float dy = s.y1 - s.y0;
  float inverse = 1 / std::max(dx * dx + dy * dy, 1e-6F);
  for (int row = first_row; row <= last_row; ++row) {
    float* depth = &depths[static_cast<size_t>(row) * kStride + static_cast<size_t>(first_column)];
    float y = static_cast<float>(row) - s.y0;
    float x0 = static_cast<float>(first_column) - s.x0;
    for (int c = 0; c < columns; ++c) {
      float x = x0 + static_cast<float>(c);
      float t = (x * dx + y * dy) * inverse;
      t = t < 0 ? 0 : t;
      t = t > 1 ? 1 : t;
      float ex = x - t * dx;
      float ey = y - t * dy;
      float d = radius - std::sqrt(ex * ex + ey * ey);
      depth[c] = depth[c] > d ? depth[c] : d;
    }
  }
}

// Depth to grey: an S-shaped ramp of width `edge` around the outline.
void shade(const Depths& depths, const Pen& pen, uint64_t noise_key, uint8_t* box) {
  Random random(noise_key);
  float slope = 1 / pen.edge;
  for (int row = 0; row < kBox; ++row) {
    uint64_t bits = 0;
    for (int column = 0; column < kBox; ++column) {
      if (column % 8 == 0) bits = random.bits();
      float noise = (static_cast<float>(bits & 255) - 127.5F) / 127.5F * pen.roughness;
      bits >>= 8;
      float depth =
          depths[static_cast<size_t>(row) * kStride + static_cast<size_t>(column)] + noise;
      float t = std::clamp(0.5F + depth * slope, 0.0F, 1.0F);
      box[row * kBox + column] = static_cast<uint8_t>(255.5F * t * t * (3 - 2 * t));
    }
  }
}

// Where the box goes so that the centre of mass comes nearest to pixel (14, 14); kept in the image.
int box_offset(uint64_t moment, uint64_t mass) {
  if (mass == 0) return (kSide - kBox) / 2;
  auto centre = static_cast<int>((2 * moment + mass) / (2 * mass));
  return std::clamp(kSide / 2 - centre, 0, kSide - kBox);
}

}  // namespace

void draw_normalised(std::span<Segment> segments, const Pen& pen, uint64_t noise_key,
                     uint8_t* pixels) {
  fit_to_box(segments, pen);
  Depths depths;
  depths.fill(kNoInk);
  for (const Segment& s : segments) draw_segment(s, pen, depths);
  std::array<uint8_t, kDigitBox * kDigitBox> box;
  shade(depths, pen, noise_key, box.data());

  uint64_t mass = 0, moment_x = 0, moment_y = 0;
  for (int row = 0; row < kBox; ++row) {
    uint64_t row_mass = 0;
    for (int column = 0; column < kBox; ++column) {
      uint64_t v = box[static_cast<size_t>(row) * kBox + static_cast<size_t>(column)];
      row_mass += v;
      moment_x += v * static_cast<uint64_t>(column);
    }
    mass += row_mass;
    moment_y += row_mass * static_cast<uint64_t>(row);
  }
  int offset_x = box_offset(moment_x, mass);
  int offset_y = box_offset(moment_y, mass);
  std::memset(pixels, 0, kDigitSide * kDigitSide);
  for (int row = 0; row < kBox; ++row)
    std::memcpy(pixels + static_cast<ptrdiff_t>(offset_y + row) * kSide + offset_x,
                &box[static_cast<size_t>(row) * kBox], kDigitBox);
}

}  // namespace mnist
