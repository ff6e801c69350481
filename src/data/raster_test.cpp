#include "data/raster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace mnist {
namespace {

using Pixels = std::array<uint8_t, kDigitSide * kDigitSide>;

Pixels draw(std::vector<Segment> segments, const Pen& pen = {}) {
  Pixels pixels;
  pixels.fill(99);
  draw_normalised(segments, pen, 1, pixels.data());
  return pixels;
}

struct Box {
  size_t top = kDigitSide, bottom = 0, left = kDigitSide, right = 0;
};

Box ink_box(const Pixels& pixels) {
  Box box;
  for (size_t y = 0; y < kDigitSide; ++y)
    for (size_t x = 0; x < kDigitSide; ++x)
      if (pixels[y * kDigitSide + x] > 0) {
        box.top = std::min(box.top, y);
        box.bottom = std::max(box.bottom, y);
        box.left = std::min(box.left, x);
        box.right = std::max(box.right, x);
      }
  return box;
}

TEST(Raster, UprightStrokeFillsTheHeight) {
  Box box = ink_box(draw({{0, 0, 0, 1000, 1}}));
  EXPECT_EQ(box.bottom - box.top + 1, kDigitBox);
  EXPECT_LE(box.right - box.left + 1, 5U);
  EXPECT_EQ((box.left + box.right + 1) / 2, kDigitSide / 2);
}

TEST(Raster, ScaleAndPlaceOfTheStrokesDoNotMatter) {
  std::vector<Segment> segments = {{0, 0, 8, 16, 1}, {8, 16, 0, 16, 1}};
  std::vector<Segment> moved = segments;
  for (Segment& s : moved) s = {4 * s.x0 - 64, 4 * s.y0 + 32, 4 * s.x1 - 64, 4 * s.y1 + 32, 1};
  EXPECT_EQ(draw(segments), draw(moved));
}

TEST(Raster, MassIsInTheMiddleEvenOfALopsidedFigure) {
  // Nearly all ink at the lower right.
  Pixels pixels = draw({{0, 0, 100, 100, 1}, {70, 100, 100, 100, 1}, {70, 90, 100, 90, 1}});
  double mass = 0, x_sum = 0, y_sum = 0;
  for (size_t y = 0; y < kDigitSide; ++y)
    for (size_t x = 0; x < kDigitSide; ++x) {
      double v = pixels[y * kDigitSide + x];
      mass += v;
      x_sum += v * static_cast<double>(x);
      y_sum += v * static_cast<double>(y);
    }
  EXPECT_NEAR(x_sum / mass, 14, 0.51);
  EXPECT_NEAR(y_sum / mass, 14, 0.51);
}

TEST(Raster, WiderPenLeavesMoreInk) {
  auto mass = [](const Pixels& pixels) {
    unsigned sum = 0;
    for (uint8_t v : pixels) sum += v;
    return sum;
  };
  std::vector<Segment> ring = {
      {0, 0, 50, 0, 1}, {50, 0, 50, 100, 1}, {50, 100, 0, 100, 1}, {0, 100, 0, 0, 1}};
  EXPECT_GT(mass(draw(ring, {.radius = 2})), 1.5 * mass(draw(ring, {.radius = 1})));
  EXPECT_EQ(std::ranges::max(draw(ring, {.radius = 2})), 255);
}

TEST(Raster, DotAndNothingAreDrawnToo) {
  EXPECT_GT(draw({{5, 5, 5, 5, 1}})[14 * kDigitSide + 14], 200);
  EXPECT_EQ(std::ranges::max(draw({})), 0);
}

TEST(Raster, HugePenStaysInTheBox) {
  Box box = ink_box(draw({{0, 0, 10, 10, 1}}, {.radius = 40}));
  EXPECT_EQ(box.bottom - box.top + 1, kDigitBox);
  EXPECT_EQ(box.right - box.left + 1, kDigitBox);
}

}  // namespace
}  // namespace mnist
