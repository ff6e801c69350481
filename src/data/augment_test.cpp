#include "data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "mnist/error.h"

namespace mnist {
namespace {

using Picture = std::vector<uint8_t>;

// A ring and a stroke, off the middle.
Picture test_picture(size_t height, size_t width) {
  Picture picture(height * width);
  for (size_t y = 0; y < height; ++y)
    for (size_t x = 0; x < width; ++x) {
      double dx = static_cast<double>(x) - 0.45 * static_cast<double>(width);
      double dy = static_cast<double>(y) - 0.4 * static_cast<double>(height);
      double radius = std::sqrt(dx * dx + dy * dy) - 0.22 * static_cast<double>(height);
      double ink = std::clamp(2 - std::abs(radius), 0.0, 1.0);
      if (x == width / 2 && y > height / 2 && y < height - 3) ink = 1;
      picture[y * width + x] = static_cast<uint8_t>(255 * ink);
    }
  return picture;
}

Picture varied(const Picture& in, size_t height, size_t width, const Augmentation& limits,
               uint64_t key) {
  Picture out(in.size(), 99);
  augment(in.data(), height, width, limits, key, out.data());
  return out;
}

double mass(const Picture& picture) { return std::accumulate(picture.begin(), picture.end(), 0.0); }

double mean_row(const Picture& picture, size_t width) {
  double sum = 0;
  for (size_t i = 0; i < picture.size(); ++i) sum += picture[i] * static_cast<double>(i / width);
  return sum / mass(picture);
}

TEST(Augment, NoneGivesTheSamePicture) {
  Picture in = test_picture(28, 28);
  EXPECT_EQ(varied(in, 28, 28, augmentation_by_name("none"), 5), in);
}

TEST(Augment, ResamplingWithoutMotionIsExact) {
  // Limits so small that every displacement rounds to nothing, through the whole machinery.
  Augmentation tiny{.rotation_degrees = 1e-5F,
                    .scale = 1e-6F,
                    .aspect = 1e-6F,
                    .shear = 1e-6F,
                    .translate_pixels = 1e-5F,
                    .elastic_pixels = 1e-5F};
  for (auto [height, width] : {std::pair<size_t, size_t>{28, 28}, {1, 1}, {5, 130}, {63, 17}}) {
    Picture in = test_picture(height, width);
    EXPECT_EQ(varied(in, height, width, tiny, 3), in) << height << "x" << width;
  }
}

TEST(Augment, IsAFunctionOfItsKey) {
  Picture in = test_picture(28, 28);
  for (const char* name : {"light", "strong"}) {
    Augmentation limits = augmentation_by_name(name);
    std::set<std::string> seen;
    for (uint64_t key = 0; key < 50; ++key) {
      Picture out = varied(in, 28, 28, limits, key);
      EXPECT_EQ(out, varied(in, 28, 28, limits, key));
      seen.emplace(out.begin(), out.end());
    }
    EXPECT_EQ(seen.size(), 50U) << name;
  }
}

TEST(Augment, LightKeepsTheInkAboutTheSame) {
  Picture in = test_picture(28, 28);
  double sum = 0;
  for (uint64_t key = 0; key < 200; ++key) {
    double share = mass(varied(in, 28, 28, augmentation_by_name("light"), key)) / mass(in);
    EXPECT_GT(share, 0.6);
    EXPECT_LT(share, 1.6);
    sum += share / 200;
  }
  EXPECT_NEAR(sum, 1, 0.06);
}

TEST(Augment, TranslationStaysWithinItsLimit) {
  Picture in = test_picture(28, 28);
  double least = 99, most = -99;
  for (uint64_t key = 0; key < 300; ++key) {
    double moved =
        mean_row(varied(in, 28, 28, {.translate_pixels = 2}, key), 28) - mean_row(in, 28);
    least = std::min(least, moved);
    most = std::max(most, moved);
  }
  EXPECT_NEAR(least, -2, 0.15);
  EXPECT_NEAR(most, 2, 0.15);
}

TEST(Augment, RotationTurnsAboutTheMiddle) {
  // A lone spot right of the middle moves along the circle through it.
  Picture in(41 * 41);
  in[20 * 41 + 35] = 255;
  double highest = 0;
  for (uint64_t key = 0; key < 300; ++key) {
    Picture out = varied(in, 41, 41, {.rotation_degrees = 45}, key);
    double sum = 0, x = 0, y = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      sum += out[i];
      x += out[i] * (static_cast<double>(i % 41) - 20);
      y += out[i] * (static_cast<double>(i / 41) - 20);
    }
    if (sum < 64) continue;  // between four pixels; its place is coarse
    double angle = std::atan2(y / sum, x / sum) * 57.29578;
    EXPECT_NEAR(std::hypot(x / sum, y / sum), 15, 0.8);
    EXPECT_LE(std::abs(angle), 47);
    highest = std::max(highest, std::abs(angle));
  }
  EXPECT_GT(highest, 40);
}

TEST(Augment, ElasticFieldHasItsDeviation) {
  // On a ramp a displacement shows as a difference of grey: 4 levels a pixel.
  constexpr size_t kSide = 60;
  Picture ramp(kSide * kSide);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<uint8_t>(4 * (i % kSide));
  double squares = 0, count = 0;
  for (uint64_t key = 0; key < 400; ++key) {
    Picture out = varied(ramp, kSide, kSide, {.elastic_pixels = 2}, key);
    for (size_t y = 10; y < kSide - 10; ++y)
      for (size_t x = 10; x < kSide - 10; ++x) {
        double d = (out[y * kSide + x] - ramp[y * kSide + x]) / 4.0;
        squares += d * d;
        ++count;
      }
  }
  EXPECT_NEAR(std::sqrt(squares / count), 2, 0.3);
}

TEST(Augment, ThicknessGoesBothWays) {
  Picture in = test_picture(28, 28);
  double least = 9, most = 0;
  for (uint64_t key = 0; key < 100; ++key) {
    double share = mass(varied(in, 28, 28, {.thickness = 1}, key)) / mass(in);
    least = std::min(least, share);
    most = std::max(most, share);
  }
  EXPECT_LT(least, 0.65);
  EXPECT_GT(most, 1.4);
}

TEST(Augment, BlurKeepsTheMassAndContrastLowersIt) {
  Picture in = test_picture(28, 28);
  double blurred = mass(varied(in, 28, 28, {.blur = 1}, 4));
  EXPECT_NEAR(blurred / mass(in), 1, 0.02);
  EXPECT_NE(varied(in, 28, 28, {.blur = 1}, 4), in);
  for (uint64_t key = 0; key < 50; ++key) {
    double share = mass(varied(in, 28, 28, {.contrast = 0.5F}, key)) / mass(in);
    EXPECT_LE(share, 1);
    EXPECT_GE(share, 0.48);
  }
}

TEST(Augment, NoiseStaysWithinItsLimit) {
  Picture in(28 * 28, 100);
  int least = 255, most = 0;
  for (uint64_t key = 0; key < 50; ++key)
    for (int v : varied(in, 28, 28, {.noise = 0.1F}, key)) {
      least = std::min(least, v);
      most = std::max(most, v);
    }
  EXPECT_GE(least, 100 - 27);
  EXPECT_LE(least, 100 - 20);
  EXPECT_LE(most, 100 + 27);
  EXPECT_GE(most, 100 + 20);
}

TEST(Augment, OtherSizesThanMnists) {
  for (auto [height, width] : {std::pair<size_t, size_t>{1, 1}, {3, 200}, {97, 2}, {64, 64}}) {
    Picture in(height * width, 200);
    for (uint64_t key = 0; key < 20; ++key)
      EXPECT_EQ(varied(in, height, width, augmentation_by_name("strong"), key).size(), in.size());
  }
  augment(nullptr, 0, 28, augmentation_by_name("strong"), 1, nullptr);
}

TEST(Augment, UnknownNameListsTheKnownOnes) {
  try {
    augmentation_by_name("heavy");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "augmentation: expected none, light or strong, got 'heavy'");
  }
}

}  // namespace
}  // namespace mnist
