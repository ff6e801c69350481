#include "data/folder.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "data/pnm.h"
#include "data/testing.h"

namespace mnist {
namespace {

using testing::bytes_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::save;
using testing::TemporaryFolder;
using Labels = std::vector<Label>;
using Names = std::vector<std::string>;

class FolderTest : public ::testing::Test {
 protected:
  // An image whose first pixel is `mark`.
  void add(std::string_view name, uint8_t mark, size_t height = 2, size_t width = 2) {
    Image image{height, width, std::vector<uint8_t>(height * width)};
    image.pixels[0] = mark;
    MemorySink sink;
    write_pgm(image, sink);
    save(folder_ / name, sink.bytes);
  }
  Dataset read(const PrepareImage& prepare = {}) {
    return read_image_folder(folder_.path(), prepare);
  }
  std::string read_error() {
    return error_of([&] { read(); });
  }
  static Labels marks(const Dataset& data) {
    Labels marks;
    for (size_t i = 0; i < data.size(); ++i) marks.push_back(data.image(i)[0]);
    return marks;
  }

  TemporaryFolder folder_;
};

TEST_F(FolderTest, TakesNumbersOfSubFoldersAsLabels) {
  add("10/a.pgm", 1);
  add("2/b.PGM", 2);
  add("2/a.pgm", 3);
  save(folder_ / "2/notes.txt", bytes_of("x"));
  save(folder_ / "2/.hidden.png", bytes_of("x"));
  Dataset data = read();
  EXPECT_EQ(data.labels, (Labels{2, 2, 10}));
  EXPECT_EQ(marks(data), (Labels{3, 2, 1}));
  EXPECT_EQ(data.classes, 11u);
  EXPECT_TRUE(data.class_names.empty());
  EXPECT_TRUE(data.sources.empty());
  EXPECT_EQ(data.files[2], (folder_ / "10/a.pgm").string());
  EXPECT_EQ(data.height, 2u);
}

TEST_F(FolderTest, NumbersOtherSubFoldersInAlphabeticalOrder) {
  add("shoe/1.pgm", 1);
  add("bag/20.pgm", 2);
  add("coat/300.pgm", 3);
  Dataset data = read();
  EXPECT_EQ(data.class_names, (Names{"bag", "coat", "shoe"}));
  EXPECT_EQ(data.labels, (Labels{0, 1, 2}));
  EXPECT_EQ(marks(data), (Labels{2, 3, 1}));
  EXPECT_EQ(data.classes, 3u);
}

TEST_F(FolderTest, TakesLabelsFromNames) {
  add("7_first.pgm", 1);
  add("0.pgm", 2);
  add("7-second.pgm", 3);
  Dataset data = read();
  EXPECT_EQ(data.labels, (Labels{0, 7, 7}));
  EXPECT_EQ(marks(data), (Labels{2, 3, 1}));
  EXPECT_EQ(data.classes, 8u);
}

TEST_F(FolderTest, KeepsTheSourcesOfAFolderOfFolders) {
  add("anna/3_0.pgm", 1);
  add("anna/1_0.pgm", 2);
  add("bert/3_0.pgm", 3);
  save(folder_ / "README.md", bytes_of("x"));
  Dataset data = read();
  EXPECT_EQ(data.labels, (Labels{1, 3, 3}));
  EXPECT_EQ(data.sources, (Names{"anna", "anna", "bert"}));
  EXPECT_TRUE(data.class_names.empty());
}

TEST_F(FolderTest, TakesNumberedFilesOfNamedClassesForNoLabels) {
  add("cat/0.pgm", 1);
  add("cat/1.pgm", 2);
  add("dog/2.pgm", 3);
  Dataset data = read();
  EXPECT_EQ(data.class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(data.labels, (Labels{0, 0, 1}));
}

TEST_F(FolderTest, OrdersClassesAsItIsTold) {
  add("dog/2.pgm", 3);
  EXPECT_EQ(read_image_folder(folder_.path(), {}, {"cat", "dog"}).labels, (Labels{1}));
  EXPECT_THAT(error_of([&] {
                read_image_folder(folder_.path(), {}, {"cat", "cow"});
              }),
              HasSubstr("dog: is none of the classes cat, cow"));
}

TEST_F(FolderTest, DoesNotChooseBetweenFilesAndFolders) {
  add("7_a.pgm", 1);
  add("3/a.pgm", 2);
  EXPECT_THAT(read_error(), HasSubstr("holds images, such as 7_a.pgm, beside folders"));
}

TEST_F(FolderTest, WantsImagesOfOneSizeUnlessPrepared) {
  add("0_a.pgm", 1);
  add("1_b.pgm", 2, 3, 4);
  EXPECT_THAT(read_error(), HasSubstr("1_b.pgm: 4 x 3 pixels, but "));
  Dataset data = read([](const Image& image) { return Image{1, 1, {image.pixels[0]}}; });
  EXPECT_EQ(data.size(), 2u);
  EXPECT_EQ(data.pixels, (std::vector<uint8_t>{1, 2}));
}

TEST_F(FolderTest, SaysWhatIsWrong) {
  EXPECT_THAT(read_error(), HasSubstr("none found"));
  add("seven.pgm", 1);
  EXPECT_THAT(read_error(), HasSubstr("seven.pgm: its name should start with its label"));
  std::filesystem::remove(folder_ / "seven.pgm");
  add("65536_a.pgm", 1);
  EXPECT_THAT(read_error(), HasSubstr("65536_a.pgm: label 65536: 0 to 65535 expected"));
  std::filesystem::remove(folder_ / "65536_a.pgm");
  save(folder_ / "1_a.bmp", bytes_of("BM"));
  EXPECT_THAT(read_error(), HasSubstr("1_a.bmp: PNG, PGM, PPM or JPEG expected"));
  std::filesystem::remove(folder_ / "1_a.bmp");
  save(folder_ / "1_a.png", bytes_of("no image"));
  EXPECT_THAT(read_error(), HasSubstr("1_a.png: PNG, PGM, PPM or JPEG expected"));
  EXPECT_THAT(error_of([&] { read_image_folder(folder_ / "none"); }),
              HasSubstr("none: cannot be listed"));
}

TEST_F(FolderTest, KnowsAnImageFolder) {
  EXPECT_FALSE(is_image_folder(folder_.path()));
  save(folder_ / "a/b/1.png", bytes_of("x"));
  EXPECT_FALSE(is_image_folder(folder_.path())) << "too deep";
  save(folder_ / "a/1.png", bytes_of("x"));
  EXPECT_TRUE(is_image_folder(folder_.path()));
}

TEST(Folder, ReadsRealDrawings) {
  const char* directory = std::getenv("MNIST_DRAWN_DIR");
  if (directory == nullptr) GTEST_SKIP() << "MNIST_DRAWN_DIR is not set";
#ifndef MNIST_WITH_JPEG
  GTEST_SKIP() << "some of the drawings are JPEG files, and this build has no libjpeg";
#endif
  size_t largest = 0;
  Dataset data = read_image_folder(directory, [&](const Image& image) {
    EXPECT_EQ(image.pixels.size(), image.height * image.width);
    largest = std::max(largest, image.height);
    return Image{1, 1, {image.pixels[0]}};
  });
  EXPECT_EQ(data.size(), 292u);
  EXPECT_EQ(data.classes, 10u);
  EXPECT_EQ(std::count(data.sources.begin(), data.sources.end(), "sudoku"), 60);
  EXPECT_GT(largest, 28u);
}

}  // namespace
}  // namespace mnist
