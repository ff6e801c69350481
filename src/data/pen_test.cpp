#include "data/pen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mnist {
namespace {

// The same by looking at every pixel.
Plane slow_signed_distance(const Mask& ink) {
  Plane out(ink.height, ink.width);
  for (size_t i = 0; i < ink.values.size(); ++i) {
    float nearest = 1000.0F;
    for (size_t j = 0; j < ink.values.size(); ++j) {
      if (ink.values[j] == ink.values[i]) continue;
      const auto rows = static_cast<float>(i / ink.width) - static_cast<float>(j / ink.width);
      const auto columns = static_cast<float>(i % ink.width) - static_cast<float>(j % ink.width);
      nearest = std::min(nearest, std::sqrt(rows * rows + columns * columns));
    }
    out.values[i] = ink.values[i] != 0 ? nearest - 0.5F : 0.5F - nearest;
  }
  return out;
}

TEST(Pen, DistancesAreThoseToTheNearestPixelOfTheOtherKind) {
  for (const auto& [height, width] : {std::pair<size_t, size_t>{1, 1}, {1, 9}, {9, 1}, {13, 21}}) {
    for (const unsigned share : {1U, 8U, 15U}) {
      Mask ink(height, width);
      unsigned state = 12345;
      for (uint8_t& pixel : ink.values) {
        state = state * 1664525U + 1013904223U;
        pixel = (state >> 28U) < share ? 1 : 0;
      }
      const Plane fast = signed_distance(ink);
      const Plane slow = slow_signed_distance(ink);
      for (size_t i = 0; i < ink.values.size(); ++i) {
        ASSERT_FLOAT_EQ(fast.values[i], slow.values[i]) << height << " x " << width << " at " << i;
      }
    }
  }
}

TEST(Pen, IsAsWideAsItsStroke) {
  Mask ink(40, 60);
  for (size_t row = 15; row < 22; ++row) {
    for (size_t column = 5; column < 55; ++column) ink.at(row, column) = 1;
  }
  EXPECT_NEAR(pen_width(signed_distance(ink)), 7.0F, 0.5F);
}

}  // namespace
}  // namespace mnist
