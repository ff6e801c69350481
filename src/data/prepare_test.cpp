#include "data/prepare.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>

#include "data/drawing.h"
#include "data/idx.h"
#include "mnist/image_file.h"

namespace mnist {
namespace {

using testing::draw;
using testing::five;
using testing::mean_difference;
using testing::seven;
using testing::sheet;

// Same digit, other picture: an outline may lie half a pixel aside (measured: up to 12).
constexpr double kSame = 16.0;

Image plain_five() {
  Image image = sheet(100, 100, 255);
  draw(image, five(), 25, 20, 60, 7, 0);
  return image;
}

Image inverted(Image image) {
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(255 - pixel);
  return image;
}

bool is_blank(const Image& image) {
  return std::all_of(image.pixels.begin(), image.pixels.end(), [](uint8_t p) { return p == 0; });
}

// 28x28, the ink within 20x20, the centre of mass in the middle.
void expect_final_form(const Image& image, const std::string& what) {
  ASSERT_EQ(image.height, 28U) << what;
  ASSERT_EQ(image.width, 28U) << what;
  ASSERT_EQ(image.pixels.size(), 784U) << what;
  ASSERT_FALSE(is_blank(image)) << what;
  size_t top = 28, left = 28, bottom = 0, right = 0;
  double mass = 0, row = 0, column = 0;
  for (size_t r = 0; r < 28; ++r) {
    for (size_t c = 0; c < 28; ++c) {
      if (image.at(r, c) == 0) continue;
      top = std::min(top, r);
      left = std::min(left, c);
      bottom = std::max(bottom, r + 1);
      right = std::max(right, c + 1);
      mass += image.at(r, c);
      row += image.at(r, c) * (static_cast<double>(r) + 0.5);
      column += image.at(r, c) * (static_cast<double>(c) + 0.5);
    }
  }
  EXPECT_EQ(std::max(bottom - top, right - left), 20U) << what;
  EXPECT_NEAR(row / mass, 14.5, 0.51) << what;
  EXPECT_NEAR(column / mass, 14.5, 0.51) << what;
}

TEST(Prepare, BringsADrawingToMnistsForm) {
  PrepareReport report;
  const Image prepared = prepare_digit(plain_five(), {}, &report);
  expect_final_form(prepared, "five");
  EXPECT_EQ(*std::max_element(prepared.pixels.begin(), prepared.pixels.end()), 255);
  EXPECT_TRUE(report.dark_on_light);
  EXPECT_FALSE(report.unchanged);
  EXPECT_EQ(report.removed_lines, 0U);
  EXPECT_NEAR(static_cast<double>(report.box.top), 17, 2);
  EXPECT_NEAR(static_cast<double>(report.box.bottom), 83, 2);
  EXPECT_NEAR(report.pen, 7.0 * 20 / 67, 0.4);
}

TEST(Prepare, BothPolaritiesGiveTheSame) {
  PrepareReport report;
  const Image light = prepare_digit(inverted(plain_five()), {}, &report);
  EXPECT_FALSE(report.dark_on_light);
  EXPECT_LT(mean_difference(light, prepare_digit(plain_five())), 1.0);
}

TEST(Prepare, PlaceAndSizeDoNotMatter) {
  const Image expected = prepare_digit(plain_five());
  Image corner = sheet(180, 300, 255);
  draw(corner, five(), 5, 8, 60, 7, 0);
  EXPECT_LT(mean_difference(prepare_digit(corner), expected), kSame);
  Image large = sheet(900, 1400, 255);
  draw(large, five(), 700, 200, 480, 56, 0);
  EXPECT_LT(mean_difference(prepare_digit(large), expected), kSame);
  Image small_in_large = sheet(1000, 1000, 255);
  draw(small_in_large, five(), 800, 100, 60, 7, 0);
  EXPECT_LT(mean_difference(prepare_digit(small_in_large), expected), kSame);
  Image tiny = sheet(28, 28, 255);
  draw(tiny, five(), 12, 10, 12, 1.4, 0);
  EXPECT_LT(mean_difference(prepare_digit(tiny), expected), 2 * kSame);
}

TEST(Prepare, PensAreBroughtTogether) {
  Image thin = sheet(100, 100, 255);
  draw(thin, five(), 25, 20, 60, 1, 0);
  Image thick = sheet(100, 100, 255);
  draw(thick, five(), 25, 20, 60, 16, 0);
  const auto ink = [](const Image& image) {
    return std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0);
  };
  PrepareReport report;
  const Image thin_prepared = prepare_digit(thin, {}, &report);
  EXPECT_LT(report.pen, 0.8F);
  const Image thick_prepared = prepare_digit(thick, {}, &report);
  EXPECT_GT(report.pen, 3.6F);
  expect_final_form(thin_prepared, "thin");
  expect_final_form(thick_prepared, "thick");
  EXPECT_LT(ink(thick_prepared), 2.2 * ink(thin_prepared));  // 16 times as wide before
}

TEST(Prepare, UnevenLightAndNoiseAreNotInk) {
  Image photo = plain_five();
  for (size_t r = 0; r < photo.height; ++r) {
    for (size_t c = 0; c < photo.width; ++c) {
      const size_t noise = (r * 7919 + c * 104729 + r * c * 31) % 13;
      photo.at(r, c) = static_cast<uint8_t>(photo.at(r, c) * (100 + c) / 300 + noise + r / 4 + 20);
    }
  }
  const Image prepared = prepare_digit(photo);
  expect_final_form(prepared, "photo");
  EXPECT_LT(mean_difference(prepared, prepare_digit(plain_five())), kSame);
}

TEST(Prepare, RuledAndSquaredPaperIsCleared) {
  const Image expected = prepare_digit(plain_five());
  for (const bool squared : {false, true}) {
    Image paper = sheet(100, 100, 240);
    for (int line = 0; line < 4; ++line) {
      const double at = 14.0 + 24.0 * line;
      draw(paper, {{-0.1, at}, {100.1, at + 2}}, 0, 0, 1, 1.5, 130);
      if (squared) draw(paper, {{at, -0.1}, {at - 2, 100.1}}, 0, 0, 1, 1.5, 130);
    }
    draw(paper, five(), 25, 20, 60, 7, 20);
    PrepareReport report;
    const Image prepared = prepare_digit(paper, {}, &report);
    expect_final_form(prepared, "ruled");
    EXPECT_LT(mean_difference(prepared, expected), kSame) << squared;
  }
}

TEST(Prepare, AFrameThatTheDigitTouchesIsCleared) {
  Image cell = sheet(100, 100, 230);
  draw(cell, {{6, 5}, {95, 7}, {93, 94}, {5, 93}, {6, 5}}, 0, 0, 1, 4, 20);
  draw(cell, five(), 20, 32, 60, 7, 40);  // down to the frame
  PrepareReport report;
  const Image prepared = prepare_digit(cell, {}, &report);
  EXPECT_GE(report.removed_lines, 3U);
  EXPECT_GT(report.box.left, 15U);
  EXPECT_LT(report.box.right, 85U);
  EXPECT_LT(mean_difference(prepared, prepare_digit(plain_five())), 2 * kSame);
}

TEST(Prepare, TheBarOfATightlyCutSevenIsAStroke) {
  Image image = sheet(60, 50, 255);
  draw(image, {{0, 3}, {50, 3}, {25, 60}}, 0, 0, 1, 6, 0);
  PrepareReport report;
  const Image prepared = prepare_digit(image, {}, &report);
  EXPECT_EQ(report.removed_lines, 0U);
  EXPECT_GT(report.box.width(), 45U);
}

TEST(Prepare, StrokesApartStayTogetherAndDustGoes) {
  Image image = sheet(120, 120, 255);
  draw(image, seven(), 30, 30, 60, 6, 0);
  const Image expected = prepare_digit(image);
  draw(image, {{8, 10}, {9, 10}}, 0, 0, 1, 3, 60);
  draw(image, {{100, 100}, {101, 100}}, 0, 0, 1, 3, 60);
  EXPECT_LT(mean_difference(prepare_digit(image), expected), 1.0);
  Image parts = sheet(120, 120, 255);
  draw(parts, {{40, 40}, {38, 60}, {65, 62}, {60, 90}, {38, 88}}, 0, 0, 1, 6, 0);
  draw(parts, {{50, 38}, {75, 36}}, 0, 0, 1, 6, 0);  // the bar of a 5 in a stroke of its own
  PrepareReport report;
  prepare_digit(parts, {}, &report);
  EXPECT_LE(report.box.top, 36U);
}

TEST(Prepare, NothingDrawnIsBlank) {
  for (const uint8_t level : {uint8_t{0}, uint8_t{128}, uint8_t{255}}) {
    for (const auto& [height, width] :
         {std::pair<size_t, size_t>{1, 1}, {28, 28}, {1, 500}, {500, 1}, {300, 200}}) {
      PrepareReport report;
      const Image prepared = prepare_digit(sheet(height, width, level), {}, &report);
      EXPECT_TRUE(is_blank(prepared)) << height << 'x' << width;
      EXPECT_EQ(prepared.pixels.size(), 784U);
      EXPECT_EQ(report.box.longest(), 0U);
    }
  }
  EXPECT_TRUE(is_blank(prepare_digit(Image{})));
  Image gradient = sheet(100, 100, 0);
  for (size_t i = 0; i < gradient.pixels.size(); ++i) {
    gradient.pixels[i] = static_cast<uint8_t>(60 + i % 100 + i / 200);
  }
  EXPECT_TRUE(is_blank(prepare_digit(gradient)));
}

TEST(Prepare, HostileSizesAndContentsAreSurvived) {
  for (const auto& [height, width] : {std::pair<size_t, size_t>{1, 1},
                                      {1, 2},
                                      {2, 1},
                                      {2, 2},
                                      {3, 5000},
                                      {5000, 3},
                                      {1, 100000},
                                      {100000, 1},
                                      {27, 29}}) {
    for (const unsigned seed : {1U, 2U, 3U}) {
      Image image = sheet(height, width, 0);
      unsigned state = seed * 2654435761U;
      for (uint8_t& pixel : image.pixels) {
        state = state * 1664525U + 1013904223U;
        pixel = static_cast<uint8_t>(seed == 1 ? state >> 24 : (state >> 24) / 128 * 255);
        if (seed == 3 && (state >> 8) % 50 != 0) pixel = 0;
      }
      EXPECT_EQ(prepare_digit(image).pixels.size(), 784U) << height << 'x' << width;
    }
  }
}

TEST(Prepare, OtherSizesCanBeAskedFor) {
  const Image prepared = prepare_digit(plain_five(), {.size = 32, .box = 24});
  EXPECT_EQ(prepared.height, 32U);
  EXPECT_EQ(prepared.width, 32U);
  EXPECT_FALSE(is_blank(prepared));
}

TEST(Prepare, MnistItselfPassesUnchanged) {
  const char* folder = std::getenv("MNIST_DATA_DIR");
  if (folder == nullptr) GTEST_SKIP() << "MNIST_DATA_DIR is not set";
  std::filesystem::path path = std::filesystem::path(folder) / "t10k-images-idx3-ubyte";
  if (!std::filesystem::exists(path)) path += ".gz";
  const IdxImages all = read_idx_images(path);
  size_t changed = 0;
  for (size_t i = 0; i < all.count; ++i) {
    const auto* first = all.pixels.data() + i * 784;
    const Image image{28, 28, std::vector<uint8_t>(first, first + 784)};
    changed += prepare_digit(image).pixels != image.pixels ? 1 : 0;
    if (i >= 50) continue;
    // As a black drawing on white it is the same again, and enlarged it stays the same digit.
    EXPECT_EQ(prepare_digit(inverted(image)).pixels, image.pixels) << i;
    Image large = sheet(112, 112, 0);
    for (size_t p = 0; p < large.pixels.size(); ++p) {
      large.pixels[p] = image.at(p / 112 / 4, p % 112 / 4);
    }
    EXPECT_LT(mean_difference(prepare_digit(large), image), 2 * kSame) << i;
  }
  EXPECT_LE(changed, all.count / 1000);
}

TEST(Prepare, EveryDrawnDigitIsFound) {
  const char* folder = std::getenv("MNIST_DRAWN_DIR");
  if (folder == nullptr) GTEST_SKIP() << "MNIST_DRAWN_DIR is not set";
  size_t images = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string suffix = entry.path().extension().string();
    if (suffix != ".png" && suffix != ".jpg") continue;
    expect_final_form(prepare_digit(read_image(entry.path())), entry.path().string());
    ++images;
  }
  EXPECT_GE(images, 100U);
}

}  // namespace
}  // namespace mnist
