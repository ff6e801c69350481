#include "data/png.h"

#include <gmock/gmock.h>
#include <png.h>
#include <zlib.h>

#include "data/pixels.h"
#include "data/testing.h"

namespace mnist {
namespace {

using testing::big_endian;
using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::operator+;

Bytes chunk(std::string_view type, const Bytes& content) {
  Bytes body = bytes_of(type) + content;
  auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian({static_cast<uint32_t>(content.size())}) + body +
         big_endian({static_cast<uint32_t>(sum)});
}

Bytes deflated(const Bytes& raw) {
  uLongf length = compressBound(raw.size());
  Bytes packed(length);
  compress(reinterpret_cast<Bytef*>(packed.data()), &length,
           reinterpret_cast<const Bytef*>(raw.data()), raw.size());
  packed.resize(length);
  return packed;
}

Bytes header(uint32_t width, uint32_t height, int depth, int colour, int interlaced = 0) {
  Bytes fields = big_endian({width, height});
  for (int field : {depth, colour, 0, 0, interlaced}) fields.push_back(std::byte(field));
  return chunk("IHDR", fields);
}

const Bytes kSignature = bytes_of("\x89PNG\r\n\x1a\n");

// A whole file; `raw` are the rows, each behind its filter's number.
Bytes png(const Bytes& head, const Bytes& raw, const Bytes& before_pixels = {}) {
  return kSignature + head + before_pixels + chunk("IDAT", deflated(raw)) + chunk("IEND", {});
}

Bytes raw(std::initializer_list<int> values) {
  Bytes bytes;
  for (int value : values) bytes.push_back(std::byte(value));
  return bytes;
}

std::vector<uint8_t> pixels_of(const Bytes& file) { return decode_png(file, "x.png").pixels; }
std::string png_error(const Bytes& file) {
  return error_of([&] { decode_png(file, "x.png"); });
}

using Pixels = std::vector<uint8_t>;
enum Colour { kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgbAlpha = 6 };

TEST(Png, ReadsGreyOfEveryDepth) {
  EXPECT_EQ(pixels_of(png(header(3, 1, 8, kGrey), raw({0, 0, 100, 255}))), (Pixels{0, 100, 255}));
  EXPECT_EQ(pixels_of(png(header(4, 1, 1, kGrey), raw({0, 0b10100000}))), (Pixels{255, 0, 255, 0}));
  EXPECT_EQ(pixels_of(png(header(4, 1, 2, kGrey), raw({0, 0b00011011}))),
            (Pixels{0, 85, 170, 255}));
  EXPECT_EQ(pixels_of(png(header(2, 1, 4, kGrey), raw({0, 0x3f}))), (Pixels{51, 255}));
  EXPECT_EQ(pixels_of(png(header(3, 1, 16, kGrey), raw({0, 0, 0, 0x80, 0x7f, 0xff, 0xff}))),
            (Pixels{0, 128, 255}));
}

TEST(Png, TurnsColoursIntoLuma) {
  EXPECT_EQ(
      pixels_of(png(header(4, 1, 8, kRgb), raw({0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9}))),
      (Pixels{76, 150, 29, 9}));  // Pillow's convert("L")
  Bytes palette = chunk("PLTE", raw({255, 255, 255, 255, 0, 0, 0, 0, 0}));
  EXPECT_EQ(pixels_of(png(header(4, 1, 2, kPalette), raw({0, 0b00011000}), palette)),
            (Pixels{255, 76, 0, 255}));
}

TEST(Png, LaysTransparencyOverWhite) {
  EXPECT_EQ(pixels_of(png(header(3, 1, 8, kGreyAlpha), raw({0, 0, 255, 0, 0, 100, 128}))),
            (Pixels{0, 255, 177}));  // 100 * 128/255 + 255 * 127/255
  EXPECT_EQ(pixels_of(png(header(2, 1, 8, kRgbAlpha), raw({0, 0, 0, 0, 0, 255, 0, 0, 255}))),
            (Pixels{255, 76}));
  Bytes palette = chunk("PLTE", raw({0, 0, 0, 0, 0, 0})) + chunk("tRNS", raw({0}));
  EXPECT_EQ(pixels_of(png(header(2, 1, 1, kPalette), raw({0, 0b01000000}), palette)),
            (Pixels{255, 0}));
  Bytes clear = chunk("tRNS", raw({0, 7}));  // grey 7 is transparent
  EXPECT_EQ(pixels_of(png(header(2, 1, 8, kGrey), raw({0, 7, 8}), clear)), (Pixels{255, 8}));
}

TEST(Png, ShowsWhiteInkOnNothing) {
  EXPECT_EQ(pixels_of(png(header(3, 1, 8, kGreyAlpha), raw({0, 255, 0, 255, 255, 255, 128}))),
            (Pixels{255, 0, 127}));
  Bytes palette = chunk("PLTE", raw({255, 255, 255, 255, 255, 255})) + chunk("tRNS", raw({0}));
  EXPECT_EQ(pixels_of(png(header(2, 1, 1, kPalette), raw({0, 0b01000000}), palette)),
            (Pixels{255, 0}));
}

TEST(Png, RefusesMoreDataThanPixels) {
  const Bytes bomb = png(header(2, 2, 8, kGrey), Bytes(10'000'000));
  EXPECT_THAT(png_error(bomb), HasSubstr("more data than its pixels need"));
}

// A file as libpng itself writes it.
Bytes libpng_file(const Pixels& pixels, uint32_t side, int interlaced) {
  Bytes file;
  png_structp writer = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(writer);
  png_set_write_fn(
      writer, &file,
      [](png_structp self, png_bytep data, size_t count) {
        auto* out = static_cast<Bytes*>(png_get_io_ptr(self));
        auto* first = reinterpret_cast<std::byte*>(data);
        out->insert(out->end(), first, first + count);
      },
      [](png_structp) {});
  png_set_IHDR(writer, info, side, side, 8, PNG_COLOR_TYPE_GRAY, interlaced, 0, 0);
  std::vector<png_bytep> rows;
  for (size_t y = 0; y < side; ++y) {
    rows.push_back(const_cast<png_bytep>(pixels.data() + y * side));
  }
  png_set_rows(writer, info, rows.data());
  png_write_png(writer, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&writer, &info);
  return file;
}

TEST(Png, ReadsWhatLibpngWritesInterlacedOrNot) {
  for (uint32_t side : {1u, 3u, 8u, 29u}) {
    Pixels pixels(size_t{side} * side);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 37);
    EXPECT_EQ(pixels_of(libpng_file(pixels, side, PNG_INTERLACE_NONE)), pixels) << side;
    EXPECT_EQ(pixels_of(libpng_file(pixels, side, PNG_INTERLACE_ADAM7)), pixels) << side;
  }
}

TEST(Png, ReadsWhatItWrites) {
  Image image{3, 5, Pixels(15)};
  for (size_t i = 0; i < 15; ++i) image.pixels[i] = static_cast<uint8_t>(i * 17);
  MemorySink sink;
  write_png(image, sink);
  EXPECT_TRUE(is_png(sink.bytes));
  Image again = decode_png(sink.bytes, "x.png");
  EXPECT_EQ(again.height, 3u);
  EXPECT_EQ(again.width, 5u);
  EXPECT_EQ(again.pixels, image.pixels);
}

TEST(Png, RefusesAFileThatIsCutAtAnyLength) {
  Bytes whole = png(header(4, 1, 2, kPalette), raw({0, 0b00011000}),
                    chunk("PLTE", raw({255, 255, 255, 255, 0, 0, 0, 0, 0})));
  for (size_t length = 8; length < whole.size(); ++length) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_THAT(png_error(cut), HasSubstr("x.png: PNG is damaged")) << length;
  }
}

TEST(Png, RefusesWrongBytes) {
  const Bytes whole = png(header(2, 2, 8, kGrey), raw({0, 1, 2, 0, 3, 4}));
  for (size_t i = 12; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= std::byte{0x01};
    EXPECT_THAT(png_error(damaged), HasSubstr("x.png: ")) << i;
  }
}

TEST(Png, RefusesSizesThatAreTooLargeOrCannotBeInTheFile) {
  Bytes pixel = raw({0, 1});
  EXPECT_THAT(png_error(png(header(8193, 1, 8, kGrey), pixel)),
              HasSubstr("8193 x 1 pixels is too large"));
  EXPECT_THAT(png_error(png(header(8192, 8192, 1, kGrey), pixel)), HasSubstr("too large"));
  EXPECT_THAT(png_error(png(header(0x7fffffff, 0x7fffffff, 16, kRgbAlpha), pixel)),
              HasSubstr("too large"));
  EXPECT_THAT(png_error(png(header(0x80000000, 1, 8, kGrey), pixel)), HasSubstr("damaged"));
  EXPECT_THAT(png_error(png(header(0, 1, 8, kGrey), pixel)), HasSubstr("damaged"));
  EXPECT_THAT(png_error(png(header(4000, 4000, 8, kGrey), pixel)), HasSubstr("cannot be in"));
}

TEST(Png, RefusesWhatTheFormatForbids) {
  EXPECT_THAT(png_error(png(header(1, 1, 8, kGrey), raw({5, 1}))), HasSubstr("damaged"));  // filter
  EXPECT_THAT(png_error(png(header(1, 1, 3, kGrey), raw({0, 1}))), HasSubstr("damaged"));  // depth
  EXPECT_THAT(png_error(png(header(1, 1, 8, kPalette), raw({0, 0}))),
              HasSubstr("damaged"));  // PLTE
  EXPECT_THAT(png_error(png(header(2, 2, 8, kGrey), raw({0, 1, 2}))),
              HasSubstr("damaged"));  // rows
  Bytes palette = chunk("PLTE", raw({0, 0, 0, 9, 9, 9}));
  EXPECT_THAT(png_error(png(header(1, 1, 8, kPalette), raw({0, 2}), palette)),
              HasSubstr("colour is not in the palette"));
}

TEST(Pixels, BoundsTheSizeOfImages) {
  EXPECT_NO_THROW(check_image_size(4096, 8192, "x"));
  EXPECT_THAT(error_of([] { check_image_size(4097, 8192, "x"); }), HasSubstr("too large"));
  EXPECT_THAT(error_of([] { check_image_size(1, 8193, "x"); }), HasSubstr("too large"));
  EXPECT_THAT(error_of([] { check_image_size(0, 3, "x"); }), HasSubstr("empty"));
  EXPECT_THAT(error_of([] { check_image_size(~0ULL, ~0ULL, "x"); }), HasSubstr("too large"));
}

}  // namespace
}  // namespace mnist
