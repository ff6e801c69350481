#include "data/idx.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>

#include "base/sha256.h"
#include "data/testing.h"

namespace mnist {
namespace {

using ::testing::AllOf;
using testing::big_endian;
using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using testing::gzipped;
using ::testing::HasSubstr;
using testing::save;
using testing::TemporaryFolder;
using testing::operator+;

constexpr uint32_t kImages = kIdxImagesMagic;
constexpr uint32_t kLabels = kIdxLabelsMagic;

// 3 images of 2 x 4 pixels, numbered through.
Bytes small_images() {
  Bytes bytes = big_endian({kImages, 3, 2, 4});
  for (int i = 0; i < 24; ++i) bytes.push_back(std::byte(i));
  return bytes;
}
Bytes small_labels() { return big_endian({kLabels, 3}) + bytes_of({"\x04\x00\x09", 3}); }

std::string images_error(const std::filesystem::path& path) {
  return error_of([&] { read_idx_images(path); });
}

TEST(Idx, ReadsImagesAndLabelsPlainAndGzipped) {
  TemporaryFolder folder;
  for (bool packed : {false, true}) {
    auto images = save(folder / "images", packed ? gzipped(small_images()) : small_images());
    auto labels = save(folder / "labels", packed ? gzipped(small_labels()) : small_labels());
    Dataset data = read_idx_dataset(images, labels);
    EXPECT_EQ(data.size(), 3u);
    EXPECT_EQ(data.height, 2u);
    EXPECT_EQ(data.width, 4u);
    EXPECT_EQ(data.classes, 10u);
    EXPECT_EQ(data.labels, (std::vector<Label>{4, 0, 9}));
    EXPECT_EQ(data.pixels.size(), 24u);
    EXPECT_EQ(data.image(2)[7], 23);
    EXPECT_EQ(data.image(1).front(), 8);
  }
}

TEST(Idx, CountsClassesFromTheLabels) {
  EXPECT_EQ(count_classes(std::vector<Label>{0, 0}), 2u);
  EXPECT_EQ(count_classes(std::vector<Label>{0, 61}), 62u);
  EXPECT_EQ(count_classes(std::vector<Label>{65'535}), 65'536u);
}

TEST(Idx, LabelsOfAnyNumberOfClassesComeBack) {
  TemporaryFolder folder;
  for (const std::vector<Label>& labels :
       {std::vector<Label>{255, 0}, {256, 0}, {65'535, 1, 300}}) {
    write_idx_labels(folder / "labels", labels);
    EXPECT_EQ(read_idx_labels(folder / "labels"), labels);
  }
  const auto refusal = [&](std::string_view content) {
    save(folder / "labels", bytes_of(content));
    return error_of([&] { read_idx_labels(folder / "labels"); });
  };
  save(folder / "labels", bytes_of(std::string_view("\0\0\x0b\1\0\0\0\2\1\0\0\7", 12)));
  EXPECT_EQ(read_idx_labels(folder / "labels"), (std::vector<Label>{256, 7}));
  EXPECT_THAT(refusal(std::string_view("\0\0\x0b\1\0\0\0\1\xff\xff", 10)),
              HasSubstr("labels: label -1 of image 0: 0 to 65535 expected"));
  EXPECT_THAT(refusal(std::string_view("\0\0\x0c\1\0\0\0\1\0\1\0\0", 12)),
              HasSubstr("labels: label 65536 of image 0: 0 to 65535 expected"));
  EXPECT_THAT(refusal(std::string_view("\0\0\x0c\1\0\0\0\2\0\0\0\1", 12)),
              HasSubstr("2 labels: 8 bytes expected, at most 4 follow"));
}

TEST(Dataset, LabelsThatHardlyAnImageHasLookLikeDamage) {
  std::vector<Label> labels;
  for (int i = 0; i < 22'000; ++i) labels.push_back(static_cast<Label>(i % 10));
  expect_plausible_labels(labels, "x");
  for (const int damage : {10, 11, 200}) {
    std::vector<Label> damaged = labels;
    damaged[17] = static_cast<Label>(damage);
    EXPECT_THAT(
        error_of([&] { expect_plausible_labels(damaged, "x"); }),
        HasSubstr(fmt::format("x: label {} of image 17: 1 of 22000 images has it", damage)));
  }
  // Few images, a class left out, two classes of many, none at 0.
  expect_plausible_labels(std::vector<Label>{0, 1, 2, 3, 4}, "x");
  expect_plausible_labels(std::vector<Label>{3, 7, 3, 7, 7, 3}, "x");
  expect_plausible_labels(std::vector<Label>{1, 2, 26}, "x");
  expect_plausible_labels(std::vector<Label>{9}, "x");
}

TEST(Idx, ReadsOneImageByItsNumber) {
  TemporaryFolder folder;
  for (bool packed : {false, true}) {
    auto path = save(folder / "images", packed ? gzipped(small_images()) : small_images());
    Image image = read_idx_image(path, 2);
    EXPECT_EQ(image.height, 2u);
    EXPECT_EQ(image.width, 4u);
    EXPECT_EQ(image.pixels, (std::vector<uint8_t>{16, 17, 18, 19, 20, 21, 22, 23}));
    EXPECT_THAT(error_of([&] { read_idx_image(path, 3); }),
                HasSubstr("image 3 is asked for, it holds 3 (0 to 2)"));
  }
}

TEST(Idx, TakesTheNumberOfAnImageFromItsName) {
  TemporaryFolder folder;
  auto name = parse_idx_image_name("dir/t10k-images-idx3-ubyte:1234");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->path, "dir/t10k-images-idx3-ubyte");
  EXPECT_EQ(name->index, 1234u);
  for (const char* other : {"digit.png", ":3", "a:", "a:3x", "a:-1", "a:99999999999999999999"}) {
    EXPECT_FALSE(parse_idx_image_name(other)) << other;
  }
  auto real = save(folder / "a:7", bytes_of("x"));
  EXPECT_FALSE(parse_idx_image_name(real.string())) << "a file of that very name";
}

TEST(Idx, WritesWhatItReads) {
  TemporaryFolder folder;
  std::vector<uint8_t> pixels(3 * 8);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i);
  write_idx_images(folder / "images", 2, 4, pixels);
  EXPECT_EQ(read_file(folder / "images"), small_images());
  write_idx_labels(folder / "labels.gz", std::vector<Label>{4, 0, 9});
  EXPECT_EQ(read_file(folder / "labels.gz"), gzipped(small_labels()));
  EXPECT_EQ(read_idx_labels(folder / "labels.gz"), (std::vector<Label>{4, 0, 9}));
}

TEST(Idx, RefusesAFileThatIsCutAtAnyLength) {
  TemporaryFolder folder;
  for (const Bytes& whole : {small_images(), small_labels()}) {
    bool images = whole.size() == small_images().size();
    for (size_t length = 0; length < whole.size(); ++length) {
      auto path = save(folder / "cut",
                       Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)));
      auto read = [&] {
        if (images) read_idx_images(path);
        if (!images) read_idx_labels(path);
      };
      EXPECT_THAT(error_of(read), AllOf(HasSubstr("cut: "), HasSubstr("incomplete"))) << length;
    }
  }
}

TEST(Idx, RefusesMoreThanTheHeaderSays) {
  TemporaryFolder folder;
  for (bool packed : {false, true}) {
    Bytes longer = small_images() + Bytes(1);
    auto path = save(folder / "long", packed ? gzipped(longer) : longer);
    EXPECT_THAT(images_error(path), HasSubstr("more content follows at byte 40"));
  }
}

TEST(Idx, RecognisesSwappedImagesAndLabels) {
  TemporaryFolder folder;
  auto images = save(folder / "images", small_images());
  auto labels = save(folder / "labels", small_labels());
  EXPECT_THAT(error_of([&] { read_idx_dataset(labels, images); }),
              AllOf(HasSubstr("labels: these are labels"), HasSubstr("swapped")));
  EXPECT_THAT(error_of([&] { read_idx_labels(images); }),
              AllOf(HasSubstr("images: these are images"), HasSubstr("swapped")));
  EXPECT_THAT(error_of([&] { read_idx_dataset(images, images); }), HasSubstr("swapped"));
}

TEST(Idx, RefusesImagesAndLabelsOfDifferentNumber) {
  TemporaryFolder folder;
  auto images = save(folder / "images", small_images());
  auto labels = save(folder / "labels", big_endian({kLabels, 2}) + Bytes(2));
  EXPECT_THAT(error_of([&] { read_idx_dataset(images, labels); }),
              AllOf(HasSubstr("labels: 2 labels, but"), HasSubstr("holds 3 images")));
}

TEST(Idx, SaysWhatAnotherFileIs) {
  TemporaryFolder folder;
  struct Case {
    Bytes bytes;
    const char* text;
  };
  const Case cases[] = {
      {big_endian({0x03080000, 3, 2, 4}) + Bytes(24), "bytes reversed"},
      {big_endian({0x00000d03, 3, 2, 4}) + Bytes(96), "not bytes (type 0x0d)"},
      {big_endian({0x00000804, 3, 1, 2, 4}) + Bytes(24), "IDX with 4 dimensions"},
      {bytes_of("<html>404</html>"), "web page"},
      {bytes_of("GGUF and more of it"), "starts with 0x47475546"},
      {bytes_of(""), "incomplete"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(images_error(save(folder / "other", c.bytes)), HasSubstr(c.text));
  }
}

TEST(Idx, RefusesHeadersThatLieBeforeAllocating) {
  TemporaryFolder folder;
  struct Case {
    std::initializer_list<uint32_t> header;
    const char* text;
  };
  const Case cases[] = {
      {{kImages, 0, 2, 4}, "holds no images"},
      {{kImages, 3, 0, 4}, "0 x 4 pixels"},
      {{kImages, 3, 2, 4097}, "2 x 4097 pixels"},
      {{kImages, 0xffffffff, 4096, 4096}, "more than the 1073741824 bytes"},
      {{kImages, 0xffffffff, 2, 4}, "more than the 1073741824 bytes"},
      {{kImages, 1'000'000, 28, 28}, "784000000 bytes expected, at most"},
      {{kImages, 4, 2, 4}, "32 bytes expected, at most 24 follow"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(images_error(save(folder / "lie", big_endian(c.header) + Bytes(24))),
                HasSubstr(c.text));
  }
  // Gzipped, a small file cannot hold it either.
  auto packed =
      save(folder / "packed", gzipped(big_endian({kImages, 1'000'000, 28, 28}) + Bytes(24)));
  EXPECT_THAT(images_error(packed), HasSubstr("784000000 bytes expected, at most"));
}

TEST(Idx, StopsAGzipBombAtWhatItsHeaderDeclares) {
  TemporaryFolder folder;
  Bytes bomb = gzipped(big_endian({kImages, 1, 2, 4}) + Bytes(size_t{16} << 20));
  ASSERT_LT(bomb.size(), 100'000u);
  auto path = save(folder / "bomb", bomb);
  EXPECT_THAT(images_error(path), HasSubstr("more content follows at byte 24"));
}

TEST(Idx, ReadsTheRealFilesToTheLastBit) {
  const char* directory = std::getenv("MNIST_DATA_DIR");
  if (directory == nullptr) GTEST_SKIP() << "MNIST_DATA_DIR is not set";
  std::filesystem::path path = directory;
  Dataset data =
      read_idx_dataset(path / "t10k-images-idx3-ubyte.gz", path / "t10k-labels-idx1-ubyte.gz");
  EXPECT_EQ(data.size(), 10'000u);
  EXPECT_EQ(data.classes, 10u);
  EXPECT_EQ(data.labels[0], 7);
  TemporaryFolder folder;
  write_idx_images(folder / "images", data.height, data.width, data.pixels);
  EXPECT_EQ(sha256(read_file(folder / "images")),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7");
}

}  // namespace
}  // namespace mnist
