#include "data/exif.h"

#include <gtest/gtest.h>

#include "data/testing.h"

namespace mnist {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::operator+;

// An Exif segment with one unrelated entry and the orientation, big-endian ("MM") or little ("II").
Bytes segment(int orientation, bool big) {
  Bytes tiff = bytes_of(big ? "MM" : "II");
  auto number = [&](uint32_t value, int length) {
    for (int i = 0; i < length; ++i) {
      tiff.push_back(std::byte(value >> 8 * (big ? length - 1 - i : i) & 0xff));
    }
  };
  number(42, 2);
  number(8, 4);
  number(2, 2);
  for (auto [tag, value] :
       {std::pair{0x0100u, 640u}, {0x0112u, static_cast<uint32_t>(orientation)}}) {
    number(tag, 2);
    number(3, 2);
    number(1, 4);
    number(value, 2);
    number(0, 2);
  }
  return bytes_of({"Exif\0\0", 6}) + tiff;
}

TEST(Exif, ReadsTheOrientationInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(segment(orientation, true)), orientation);
    EXPECT_EQ(exif_orientation(segment(orientation, false)), orientation);
  }
}

TEST(Exif, TakesWhatItCannotReadAsUpright) {
  EXPECT_EQ(exif_orientation({}), 1);
  EXPECT_EQ(exif_orientation(segment(0, true)), 1);
  EXPECT_EQ(exif_orientation(segment(9, true)), 1);
  Bytes whole = segment(6, true);
  for (size_t length = 0; length + 2 < whole.size(); ++length) {
    EXPECT_EQ(exif_orientation(std::span(whole).first(length)), 1) << length;
  }
  Bytes far = whole;
  far[10] = std::byte{0xff};  // the directory lies beyond the end
  EXPECT_EQ(exif_orientation(far), 1);
}

TEST(Exif, TurnsImagesUpright) {
  //  1 2 3
  //  4 5 6
  Image image{2, 3, {1, 2, 3, 4, 5, 6}};
  using Pixels = std::vector<uint8_t>;
  EXPECT_EQ(turned_upright(image, 1).pixels, (Pixels{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(turned_upright(image, 2).pixels, (Pixels{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(turned_upright(image, 3).pixels, (Pixels{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(turned_upright(image, 4).pixels, (Pixels{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(turned_upright(image, 5).pixels, (Pixels{1, 4, 2, 5, 3, 6}));  // transposed
  EXPECT_EQ(turned_upright(image, 6).pixels, (Pixels{4, 1, 5, 2, 6, 3}));  // a quarter clockwise
  EXPECT_EQ(turned_upright(image, 7).pixels, (Pixels{6, 3, 5, 2, 4, 1}));
  EXPECT_EQ(turned_upright(image, 8).pixels, (Pixels{3, 6, 2, 5, 1, 4}));  // and back
  Image turned = turned_upright(image, 6);
  EXPECT_EQ(turned.height, 3u);
  EXPECT_EQ(turned.width, 2u);
}

}  // namespace
}  // namespace mnist
