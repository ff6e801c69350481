#include "mnist/image_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "data/idx.h"
#include "data/png.h"
#include "data/pnm.h"
#include "data/testing.h"

namespace mnist {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::save;
using testing::TemporaryFolder;

const Image kImage{2, 3, {0, 50, 100, 150, 200, 250}};

Bytes encoded(void (*write)(const Image&, Sink&)) {
  MemorySink sink;
  write(kImage, sink);
  return sink.bytes;
}

TEST(ImageFile, DecidesByContentNotByName) {
  TemporaryFolder folder;
  EXPECT_EQ(read_image(save(folder / "a.pgm", encoded(write_png))).pixels, kImage.pixels);
  EXPECT_EQ(read_image(save(folder / "b", encoded(write_pgm))).pixels, kImage.pixels);
}

TEST(ImageFile, TakesBytesOfExactlyTheRightNumberAsRaw) {
  Bytes raw = bytes_of({"\0\1\2\3\4\5", 6});
  Image image = decode_image(raw, "x", {2, 3});
  EXPECT_EQ(image.height, 2u);
  EXPECT_EQ(image.width, 3u);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_THAT(error_of([&] {
                decode_image(raw, "x", {2, 4});
              }),
              HasSubstr("x: PNG, PGM, PPM or JPEG or 2 x 4 raw bytes expected: it has 6 bytes"));
  EXPECT_THAT(error_of([&] { decode_image(raw, "x"); }),
              HasSubstr("x: PNG, PGM, PPM or JPEG expected: it has 6 bytes"));
}

TEST(ImageFile, ReadsOneImageOfAnIdxFile) {
  TemporaryFolder folder;
  auto path = folder / "images-idx3-ubyte";
  write_idx_images(path, 2, 3, std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(read_image(path.string() + ":1").pixels, (std::vector<uint8_t>{7, 8, 9, 10, 11, 12}));
  EXPECT_THAT(error_of([&] { read_image(path.string() + ":2"); }),
              HasSubstr("it holds 2 (0 to 1)"));
  EXPECT_THAT(error_of([&] { read_image(path); }), HasSubstr("name one image of an IDX file"));
}

TEST(ImageFile, SaysWhatAFileIsThatIsNoImage) {
  struct Case {
    std::string_view head;
    const char* text;
  };
  const Case cases[] = {
      {"", "the file is empty"},
      {"GIF89a", "convert it to PNG"},
      {"BM......", "convert it to PNG"},
      {"RIFF....WEBP", "convert it to PNG"},
      {"P4 1 1 x", "convert it from PBM to PGM"},
      {{"\0\0\x08\x01", 4}, "IDX labels"},
      {"GGUF....", "this is a model"},
      {"\x89PNG", "this PNG is damaged"},
      {"hello", "it has 5 bytes"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(error_of([&] { decode_image(bytes_of(c.head), "x"); }), HasSubstr(c.text));
  }
}

TEST(ImageFile, SaysWhatCannotBeRead) {
  TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { read_image(folder / "none.png"); }),
              HasSubstr("none.png: cannot be opened"));
  EXPECT_THAT(error_of([&] { read_image(folder.path()); }), HasSubstr("directory"));
}

TEST(ImageFile, ReadsStandardInput) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  Bytes png = encoded(write_png);
  ASSERT_EQ(::write(pipe_ends[1], png.data(), png.size()), static_cast<ssize_t>(png.size()));
  ::close(pipe_ends[1]);
  int saved = ::dup(STDIN_FILENO);
  ::dup2(pipe_ends[0], STDIN_FILENO);
  ::close(pipe_ends[0]);
  EXPECT_EQ(read_image("-").pixels, kImage.pixels);
  EXPECT_THAT(error_of([] { read_image("-"); }), HasSubstr("standard input: PNG"));  // at its end
  if (saved >= 0) ::dup2(saved, STDIN_FILENO);
  ::close(saved);
}

}  // namespace
}  // namespace mnist
