#include "data/fit.h"

#include <gtest/gtest.h>

namespace mnist {
namespace {

TEST(FitPicture, LeavesWhatFitsAsItIs) {
  Image picture{28, 28, std::vector<uint8_t>(784)};
  for (size_t i = 0; i < 784; ++i) picture.pixels[i] = static_cast<uint8_t>(i % 251);
  EXPECT_EQ(fit_picture(picture, 28, 28).pixels, picture.pixels);
}

TEST(FitPicture, ShrinksAndPutsInTheMiddle) {
  const Image picture{280, 140, std::vector<uint8_t>(280 * 140, 200)};
  const Image fitted = fit_picture(picture, 28, 28);
  EXPECT_EQ(fitted.at(0, 14), 200);
  EXPECT_EQ(fitted.at(27, 14), 200);
  EXPECT_EQ(fitted.at(14, 6), 0);
  EXPECT_EQ(fitted.at(14, 7), 200);
  EXPECT_EQ(fitted.at(14, 20), 200);
  EXPECT_EQ(fitted.at(14, 21), 0);
}

TEST(FitPicture, OfNothingIsBlack) {
  EXPECT_EQ(fit_picture({0, 0, {}}, 2, 3).pixels, std::vector<uint8_t>(6));
}

}  // namespace
}  // namespace mnist
