#include "data/pnm.h"

#include <gmock/gmock.h>

#include "data/testing.h"

namespace mnist {
namespace {

using ::testing::AllOf;
using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using ::testing::HasSubstr;
using Pixels = std::vector<uint8_t>;

Image decode(std::string_view text) { return decode_pnm(bytes_of(text), "x.pgm"); }
std::string pnm_error(std::string_view text) {
  return error_of([&] { decode(text); });
}

TEST(Pnm, ReadsTheFourKinds) {
  EXPECT_EQ(decode("P2\n3 2\n255\n0 1 2\n3 4 255\n").pixels, (Pixels{0, 1, 2, 3, 4, 255}));
  EXPECT_EQ(decode("P3 2 1 255 255 0 0 0 0 255").pixels, (Pixels{76, 29}));
  EXPECT_EQ(decode({"P5\n2 1\n255\n\x00\xff", 13}).pixels, (Pixels{0, 255}));
  EXPECT_EQ(decode({"P6 1 1 255 \x00\xff\x00", 14}).pixels, (Pixels{150}));
  Image wide = decode("P2 3 1 9 0 1 2");
  EXPECT_EQ(wide.width, 3u);
  EXPECT_EQ(wide.height, 1u);
}

TEST(Pnm, ScalesTheLargestValueTo255) {
  EXPECT_EQ(decode("P2 4 1 15 0 1 7 15").pixels, (Pixels{0, 17, 119, 255}));
  EXPECT_EQ(decode("P2 3 1 65535 0 32768 65535").pixels, (Pixels{0, 128, 255}));
  EXPECT_EQ(decode({"P5 2 1 65535 \x80\x00\xff\xff", 17}).pixels, (Pixels{128, 255}));
  EXPECT_EQ(decode("P2 2 1 1 0 1").pixels, (Pixels{0, 255}));
}

TEST(Pnm, PassesOverComments) {
  EXPECT_EQ(decode("P2 # made by hand\n# 9 9\n2 1\n#\n255\n7 8 # end").pixels, (Pixels{7, 8}));
  EXPECT_TRUE(is_pnm(bytes_of("P5#x\n")));
  EXPECT_FALSE(is_pnm(bytes_of("P55")));
  EXPECT_FALSE(is_pnm(bytes_of("P4 ")));
}

TEST(Pnm, WritesWhatItReads) {
  MemorySink sink;
  write_pgm({2, 3, {0, 1, 2, 253, 254, 255}}, sink);
  EXPECT_EQ(sink.bytes, bytes_of({"P5\n3 2\n255\n\x00\x01\x02\xfd\xfe\xff", 17}));
  EXPECT_EQ(decode_pnm(sink.bytes, "x").pixels, (Pixels{0, 1, 2, 253, 254, 255}));
}

TEST(Pnm, RefusesAFileThatIsCutAtAnyLength) {
  for (std::string_view whole :
       {std::string_view("P2\n3 2\n255\n0 1 2\n3 4 255"), std::string_view("P5\n3 2\n255\nabcdef"),
        std::string_view("P6 1 2 65535 abcdefabcdef")}) {
    // Cut within its last number, "P2 ... 25" is still an image.
    size_t digits = whole[1] == '2' ? 2 : 0;
    for (size_t length = 3; length < whole.size() - digits; ++length) {
      EXPECT_THAT(pnm_error(whole.substr(0, length)), HasSubstr("x.pgm: "))
          << whole.substr(0, length);
    }
  }
}

TEST(Pnm, NamesWhatIsWrong) {
  EXPECT_THAT(pnm_error("P5 2 1 255 abc"), HasSubstr("1 bytes follow the image"));
  EXPECT_THAT(pnm_error("P2 1 1 255 7 8"), HasSubstr("bytes follow the image"));
  EXPECT_THAT(pnm_error("P2 1 1 15 16"), HasSubstr("pixel 16 is above the largest, 15"));
  EXPECT_THAT(pnm_error("P2 1 1 0 0"), HasSubstr("the largest value is 0"));
  EXPECT_THAT(pnm_error("P2 1 1 65536 0"), HasSubstr("the largest value is 65536"));
  EXPECT_THAT(pnm_error("P2 2 1 255 1 x"), HasSubstr("pixel expected (at byte 13)"));
  EXPECT_THAT(pnm_error("P2 -1 1 255 1"), HasSubstr("width expected"));
  EXPECT_THAT(pnm_error("P5 0 1 255 "), HasSubstr("empty"));
  EXPECT_THAT(pnm_error("P5 9999 9999 255 a"), HasSubstr("too large"));
  EXPECT_THAT(pnm_error("P5 99999999999 1 255 a"), HasSubstr("width is too large"));
  EXPECT_THAT(pnm_error("P5 4096 4096 255 a"),
              AllOf(HasSubstr("16777216 bytes of pixels expected"), HasSubstr("incomplete")));
}

}  // namespace
}  // namespace mnist
