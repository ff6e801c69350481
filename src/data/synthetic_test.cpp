#include "data/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace mnist {
namespace {

constexpr size_t kPixels = 28 * 28;

TEST(Synthetic, SetHasMnistsForm) {
  Dataset set = synthetic_digits(25, 3);
  EXPECT_EQ(set.name, "synthetic");
  EXPECT_EQ(set.height, 28U);
  EXPECT_EQ(set.width, 28U);
  EXPECT_EQ(set.classes, 10U);
  EXPECT_EQ(set.size(), 25U);
  EXPECT_EQ(set.pixels.size(), 25 * kPixels);
  EXPECT_EQ(synthetic_digits(0, 3).size(), 0U);
}

TEST(Synthetic, SetIsTheSequenceOfItsImages) {
  Dataset set = synthetic_digits(40, 11);
  Dataset longer = synthetic_digits(80, 11);
  for (size_t i = 40; i-- > 0;) {
    std::array<uint8_t, kPixels> pixels;
    EXPECT_EQ(draw_synthetic_digit(11, i, pixels.data()), set.labels[i]);
    EXPECT_TRUE(std::equal(pixels.begin(), pixels.end(), set.image(i).begin())) << i;
    EXPECT_TRUE(std::memcmp(longer.image(i).data(), set.image(i).data(), kPixels) == 0) << i;
  }
}

TEST(Synthetic, LabelsAreBalancedAndShuffled) {
  Dataset set = synthetic_digits(1000, 5);
  std::set<std::string> orders;
  for (size_t first = 0; first < 1000; first += 10) {
    std::vector<Label> ten(set.labels.begin() + static_cast<std::ptrdiff_t>(first),
                           set.labels.begin() + static_cast<std::ptrdiff_t>(first) + 10);
    orders.emplace(ten.begin(), ten.end());
    std::ranges::sort(ten);
    EXPECT_EQ(ten, (std::vector<Label>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
  EXPECT_GT(orders.size(), 95U);
}

TEST(Synthetic, EveryPictureIsAnother) {
  std::set<std::string> seen;
  for (uint64_t seed : {1, 2}) {
    Dataset set = synthetic_digits(500, seed);
    for (size_t i = 0; i < set.size(); ++i) seen.emplace(set.image(i).begin(), set.image(i).end());
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Synthetic, PicturesAreNormalisedAsMnistIs) {
  Dataset set = synthetic_digits(2000, 7);
  std::array<double, 256> grey{};
  size_t off_centre = 0;
  double mean_mass = 0;
  for (size_t i = 0; i < set.size(); ++i) {
    auto image = set.image(i);
    double mass = 0, x_sum = 0, y_sum = 0;
    size_t top = 28, bottom = 0, left = 28, right = 0;
    for (size_t y = 0; y < 28; ++y)
      for (size_t x = 0; x < 28; ++x) {
        uint8_t v = image[y * 28 + x];
        if (v == 0) continue;
        ++grey[v];
        mass += v;
        x_sum += v * static_cast<double>(x);
        y_sum += v * static_cast<double>(y);
        top = std::min(top, y);
        bottom = std::max(bottom, y);
        left = std::min(left, x);
        right = std::max(right, x);
      }
    size_t longer = std::max(bottom - top, right - left) + 1;
    EXPECT_LE(longer, 20U) << i;
    EXPECT_GE(longer, 17U) << i;
    off_centre += std::abs(x_sum / mass - 14) > 0.51 || std::abs(y_sum / mass - 14) > 0.51;
    mean_mass += mass / 255 / static_cast<double>(set.size());
  }
  // Only a mass so far from the middle of its box that the box would leave the image is off.
  EXPECT_LE(off_centre, set.size() / 100);
  // MNIST's training images: 103 pixels' worth of ink on average.
  EXPECT_NEAR(mean_mass, 103, 15);
  EXPECT_GT(grey[255], 0);
}

// A pinned picture, so that a change of the drawing, or a machine that draws otherwise, is noticed:
// models and figures made from "synthetic" depend on it.
TEST(Synthetic, PicturesStayTheSame) {
  Dataset set = synthetic_digits(1000, 1);
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (uint8_t v : set.pixels) hash = (hash ^ v) * 0x100000001b3ULL;
  for (const Label v : set.labels) hash = (hash ^ v) * 0x100000001b3ULL;
  EXPECT_EQ(hash, 13846153535618792269ULL);
}

}  // namespace
}  // namespace mnist
