#include "data/jpeg.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "data/testing.h"

#ifdef MNIST_WITH_JPEG
// jpeglib.h needs stdio.h before it.
#include <stdio.h>
//
#include <jpeglib.h>
#endif

namespace mnist {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::operator+;

#ifdef MNIST_WITH_JPEG

struct Form {
  bool colour = false;
  bool progressive = false;
  Bytes exif = {};
};

// A file as libjpeg itself writes it: dark in its left half, light in its right one.
Bytes jpeg_file(size_t height, size_t width, const Form& form = {}) {
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&encoder, &memory, &length);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = form.colour ? 3 : 1;
  encoder.in_color_space = form.colour ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 95, TRUE);
  if (form.progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  if (!form.exif.empty()) {
    jpeg_write_marker(&encoder, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(form.exif.data()),
                      static_cast<unsigned>(form.exif.size()));
  }
  std::vector<JSAMPLE> row;
  for (size_t x = 0; x < width; ++x) {
    auto value = static_cast<JSAMPLE>(x < width / 2 ? 20 : 230);
    row.insert(row.end(), static_cast<size_t>(encoder.input_components), value);
  }
  for (size_t y = 0; y < height; ++y) {
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&encoder, &line, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  auto* first = reinterpret_cast<std::byte*>(memory);
  Bytes file(first, first + length);
  free(memory);
  return file;
}

TEST(Jpeg, ReadsBaselineAndProgressiveGreyAndColour) {
  for (bool colour : {false, true}) {
    for (bool progressive : {false, true}) {
      Image image = decode_jpeg(jpeg_file(19, 32, {colour, progressive}), "x.jpg");
      EXPECT_EQ(image.height, 19u);
      EXPECT_EQ(image.width, 32u);
      EXPECT_NEAR(image.at(0, 0), 20, 3);
      EXPECT_NEAR(image.at(18, 31), 230, 3);
    }
  }
}

TEST(Jpeg, TurnsWhatTheCameraHeldSideways) {
  // One big-endian entry: the orientation is 6, to be turned a quarter clockwise.
  Bytes exif = bytes_of({"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 28});
  Image image = decode_jpeg(jpeg_file(16, 32, {.exif = exif}), "x.jpg");
  EXPECT_EQ(image.height, 32u);
  EXPECT_EQ(image.width, 16u);
  EXPECT_NEAR(image.at(0, 15), 20, 3);
  EXPECT_NEAR(image.at(31, 0), 230, 3);
}

TEST(Jpeg, RefusesAFileThatIsCutAtAnyLength) {
  for (bool progressive : {false, true}) {
    const Bytes whole = jpeg_file(24, 24, {.progressive = progressive});
    // The last two bytes are the end marker; without the pixels' last bits there is no image.
    for (size_t length = 3; length < whole.size() - 2; ++length) {
      Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
      EXPECT_THAT(error_of([&] { decode_jpeg(cut, "x.jpg"); }), HasSubstr("x.jpg: JPEG is damaged"))
          << length;
    }
  }
}

TEST(Jpeg, RefusesSizesThatAreTooLarge) {
  Bytes file = jpeg_file(8, 8);
  const Bytes marker = bytes_of("\xff\xc0");  // start of a baseline frame
  auto frame = std::search(file.begin(), file.end(), marker.begin(), marker.end());
  ASSERT_NE(frame, file.end());
  for (int i = 5; i < 9; ++i) frame[i] = std::byte{0xf0};  // height and width
  EXPECT_THAT(error_of([&] { decode_jpeg(file, "x.jpg"); }),
              HasSubstr("61680 x 61680 pixels is too"));
}

TEST(Jpeg, RefusesNoise) {
  Bytes noise = bytes_of("\xff\xd8\xff");
  for (int i = 0; i < 3000; ++i) noise.push_back(std::byte(i * i >> 3 & 0xff));
  EXPECT_THAT(error_of([&] { decode_jpeg(noise, "x.jpg"); }), HasSubstr("JPEG is damaged"));
}

#else

TEST(Jpeg, IsRecognisedAndRefusedWithoutLibjpeg) {
  Bytes head = bytes_of("\xff\xd8\xff\xe0");
  EXPECT_TRUE(is_jpeg(head));
  EXPECT_THAT(error_of([&] { decode_jpeg(head, "x.jpg"); }), HasSubstr("built without libjpeg"));
}

#endif

}  // namespace
}  // namespace mnist
