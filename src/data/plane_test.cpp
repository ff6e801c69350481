#include "data/plane.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/components.h"
#include "data/grid_lines.h"
#include "data/pen.h"

namespace mnist {
namespace {

Plane noise(size_t height, size_t width) {
  Plane plane(height, width);
  unsigned state = 12345;
  for (float& value : plane.values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 24);
  }
  return plane;
}

TEST(Plane, WindowsAgreeWithTheirDefinition) {
  for (const auto& [height, width] :
       {std::pair<size_t, size_t>{1, 1}, {1, 9}, {9, 1}, {7, 12}, {20, 13}}) {
    const Plane plane = noise(height, width);
    for (const size_t radius : {0U, 1U, 2U, 5U, 30U}) {
      const Plane largest = window_max(plane, radius);
      const Plane smallest = window_min(plane, radius);
      const Plane mean = box_blur(plane, radius);
      for (size_t r = 0; r < height; ++r) {
        for (size_t c = 0; c < width; ++c) {
          float high = 0, low = 255, sum = 0, count = 0;
          for (size_t y = r > radius ? r - radius : 0; y < std::min(height, r + radius + 1); ++y) {
            for (size_t x = c > radius ? c - radius : 0; x < std::min(width, c + radius + 1); ++x) {
              high = std::max(high, plane.at(y, x));
              low = std::min(low, plane.at(y, x));
              sum += plane.at(y, x);
              ++count;
            }
          }
          ASSERT_EQ(largest.at(r, c), high) << radius;
          ASSERT_EQ(smallest.at(r, c), low) << radius;
          ASSERT_NEAR(mean.at(r, c), sum / count, 1e-2) << radius;
        }
      }
    }
  }
}

TEST(Plane, ShrinkingKeepsTheMeanAndEnlargingTheEnds) {
  Image image{6, 4, std::vector<uint8_t>(24)};
  for (size_t i = 0; i < 24; ++i) image.pixels[i] = static_cast<uint8_t>(10 * i);
  const Plane small = shrink(image, {0, 0, 6, 4}, 3);
  EXPECT_EQ(small.height, 3U);
  EXPECT_EQ(small.width, 2U);
  EXPECT_FLOAT_EQ(small.at(0, 0), (0 + 10 + 40 + 50) / 4.0F);
  EXPECT_FLOAT_EQ(small.at(2, 1), (180 + 190 + 220 + 230) / 4.0F);
  EXPECT_EQ(shrink(image, {1, 1, 3, 3}, 100).values, (std::vector<float>{50, 60, 90, 100}));
  const Plane large = enlarge(small, 9, 8);
  EXPECT_FLOAT_EQ(large.at(0, 0), small.at(0, 0));
  EXPECT_FLOAT_EQ(large.at(8, 7), small.at(2, 1));
  const Plane shifted = area_average(small, -1, 0, 4, 2, 4, 2);
  EXPECT_FLOAT_EQ(shifted.at(0, 0), 0);
  EXPECT_FLOAT_EQ(shifted.at(1, 0), small.at(0, 0));
}

TEST(Plane, QuantilesAndBounds) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({3, 1, 2}, 1), 3);
  std::vector<float> many(100000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i);
  EXPECT_NEAR(quantile(many, 0.25), 25000, 100);
  Plane plane(5, 6);
  EXPECT_EQ(bounds(plane, 0).longest(), 0U);
  plane.at(1, 2) = plane.at(3, 3) = 1;
  const Box box = bounds(plane, 0);
  EXPECT_EQ(box.top, 1U);
  EXPECT_EQ(box.left, 2U);
  EXPECT_EQ(box.bottom, 4U);
  EXPECT_EQ(box.right, 4U);
}

TEST(Pen, DistancesAreExactAndWidthIsTheStrokes) {
  Mask ink(30, 40);
  for (size_t r = 10; r < 16; ++r) {
    for (size_t c = 5; c < 35; ++c) ink.at(r, c) = 1;
  }
  const Plane distance = signed_distance(ink);
  EXPECT_FLOAT_EQ(distance.at(12, 20), 2.5F);
  EXPECT_FLOAT_EQ(distance.at(10, 20), 0.5F);
  EXPECT_FLOAT_EQ(distance.at(9, 20), -0.5F);
  EXPECT_FLOAT_EQ(distance.at(7, 1), 0.5F - 5.0F);  // 3 rows and 4 columns away
  EXPECT_NEAR(pen_width(distance), 5, 1);
  EXPECT_EQ(pen_width(signed_distance(Mask(8, 8))), 0);
}

TEST(Components, TheDigitIsChosenFromDustAndFrame) {
  Mask mask(40, 40);
  for (size_t i = 0; i < 40; ++i) mask.at(0, i) = mask.at(39, i) = mask.at(i, 0) = 1;
  for (size_t r = 12; r < 28; ++r) mask.at(r, 20) = mask.at(r, 21) = 1;
  mask.at(15, 33) = 1;                                  // dust
  for (size_t c = 16; c < 20; ++c) mask.at(10, c) = 1;  // a stroke nearby
  const Components pieces = find_components(mask);
  EXPECT_EQ(pieces.all.size(), 4U);
  const Box box = bounds(to_plane(select_digit(pieces)), 0);
  EXPECT_EQ(box.top, 10U);
  EXPECT_EQ(box.left, 16U);
  EXPECT_EQ(box.bottom, 28U);
  EXPECT_EQ(box.right, 22U);
}

TEST(GridLines, LinesGoAndCrossingStrokesStay) {
  Mask mask(50, 60);
  for (size_t c = 0; c < 60; ++c) mask.at(20 + c / 30, c) = 1;  // slightly sloping
  for (size_t r = 5; r < 45; ++r) mask.at(r, 30) = mask.at(r, 31) = 1;
  const std::vector<GridLine> lines = remove_grid_lines(mask, 0.85, false);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].across);
  EXPECT_NEAR(lines[0].place, 0.42, 0.03);
  EXPECT_EQ(lines[0].thickness, 1);
  const Box box = bounds(to_plane(mask), 0);
  EXPECT_EQ(box.left, 30U);
  EXPECT_EQ(box.right, 32U);
  EXPECT_EQ(box.height(), 40U);
}

}  // namespace
}  // namespace mnist
