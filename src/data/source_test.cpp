#include "data/source.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/sha256.h"
#include "data/copies.h"
#include "data/idx.h"
#include "data/loopback_server.h"
#include "data/pnm.h"

namespace mnist {
namespace {

using ::testing::AllOf;
using testing::Answer;
using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using testing::give;
using ::testing::HasSubstr;
using testing::LoopbackServer;
using testing::NoProxies;
using testing::Request;
using testing::save;
using testing::ScopedVariable;
using testing::TemporaryFolder;
using Kind = DataSource::Kind;

// Nothing of whoever runs the tests: neither their variables nor their files.
class SourceTest : public ::testing::Test {
 protected:
  SourceTest() { std::filesystem::current_path(folder_.path()); }
  ~SourceTest() override { std::filesystem::current_path(before_); }

  // Two images for each half, the first pixel being 10 + half; with the given spelling of names.
  void write_idx(const std::filesystem::path& directory, std::string_view suffix = "",
                 bool dotted = false) {
    std::filesystem::create_directories(directory);
    for (Split split : {Split::kTrain, Split::kTest}) {
      auto name = [&](std::string_view standard) {
        std::string spelled(standard);
        if (dotted) spelled[spelled.rfind("-idx")] = '.';
        return directory / (spelled + std::string(suffix));
      };
      uint8_t mark = split == Split::kTrain ? 10 : 11;
      write_idx_images(name(idx_images_name(split)), 1, 2, std::vector<uint8_t>{mark, 1, 2, 3});
      write_idx_labels(name(idx_labels_name(split)), std::vector<Label>{4, 2});
    }
  }
  static int first_pixel(const Dataset& data) { return data.pixels.at(0); }

  TemporaryFolder folder_;
  std::filesystem::path before_ = std::filesystem::current_path();
  NoProxies none_;
  ScopedVariable home_{"HOME", (folder_ / "home").string()};
  ScopedVariable keras_{"KERAS_HOME", nullptr};
  ScopedVariable torch_{"TORCH_HOME", nullptr};
  ScopedVariable cache_{"MNIST_CACHE_DIR", (folder_ / "cache").string()};
  ScopedVariable mirror_{"MNIST_MIRROR", "http://127.0.0.1:1"};
  ScopedVariable data_{"MNIST_DATA_DIR", nullptr};
};

// The folder of real files, which SourceTest takes out of the environment.
const char* const kRealFiles = std::getenv("MNIST_DATA_DIR");

TEST_F(SourceTest, KnowsNamesAndSuggestsTheNearest) {
  EXPECT_EQ(parse_data_source("mnist").kind, Kind::kNamed);
  EXPECT_EQ(parse_data_source("fashion-mnist").kind, Kind::kNamed);
  EXPECT_EQ(parse_data_source("synthetic").kind, Kind::kSynthetic);
  EXPECT_EQ(parse_data_source("synthetic:500").count, 500u);
  EXPECT_THAT(error_of([] { parse_data_source("fashon-mnist"); }),
              AllOf(HasSubstr("fashon-mnist: no such directory, and no data set of that name"),
                    HasSubstr("did you mean 'fashion-mnist'?"),
                    HasSubstr("mnist, fashion-mnist, kmnist, synthetic")));
  for (const char* wrong : {"synthetic:", "synthetic:0", "synthetic:x", "synthetic:1000001"}) {
    EXPECT_THAT(error_of([&] { parse_data_source(wrong); }), HasSubstr("synthetic:N")) << wrong;
  }
}

TEST_F(SourceTest, DrawsDifferentDigitsForBothHalves) {
  DataSource source = parse_data_source("synthetic:20");
  Dataset train = load_dataset(source, Split::kTrain);
  Dataset test = load_dataset(source, Split::kTest);
  EXPECT_EQ(train.size(), 20u);
  EXPECT_EQ(train.classes, 10u);
  EXPECT_NE(train.pixels, test.pixels);
  EXPECT_EQ(train.pixels, load_dataset(source, Split::kTrain).pixels);
  EXPECT_NE(train.pixels, load_dataset(source, Split::kTrain, {.seed = 2}).pixels);
}

TEST_F(SourceTest, ReadsADirectoryOfIdxFilesUnderAnySpelling) {
  write_idx("plain");
  write_idx("packed", ".gz");
  write_idx("dotted", "", true);
  write_idx("vision/MNIST/raw");
  write_idx("root/raw", ".gz");
  for (const char* directory : {"plain", "packed", "dotted", "vision", "root"}) {
    DataSource source = parse_data_source(directory);
    EXPECT_EQ(source.kind, Kind::kIdxDirectory);
    EXPECT_FALSE(has_one_half(source));
    EXPECT_EQ(first_pixel(load_dataset(source, Split::kTrain)), 10) << directory;
    EXPECT_EQ(first_pixel(load_dataset(source, Split::kTest)), 11) << directory;
  }
}

TEST_F(SourceTest, SaysWhatADirectoryLacks) {
  write_idx("half");
  std::filesystem::remove("half/t10k-labels-idx1-ubyte");
  EXPECT_THAT(
      error_of([] { load_dataset(parse_data_source("half"), Split::kTest); }),
      AllOf(HasSubstr("half: the test half is missing"), HasSubstr("t10k-labels-idx1-ubyte")));
  std::filesystem::create_directory("empty");
  EXPECT_THAT(error_of([] { parse_data_source("empty"); }), HasSubstr("empty: no data set found"));
  write_idx("two/A/raw");
  write_idx("two/B/raw");
  EXPECT_THAT(error_of([] { parse_data_source("two"); }), HasSubstr("holds several data sets"));
  EXPECT_THAT(error_of([] { parse_data_source("half/train-images-idx3-ubyte"); }),
              HasSubstr("IMAGES LABELS"));
}

TEST_F(SourceTest, ReadsExplicitFiles) {
  write_idx("d");
  DataSource two = data_files("d/train-images-idx3-ubyte", "d/train-labels-idx1-ubyte");
  EXPECT_TRUE(has_one_half(two));
  EXPECT_EQ(first_pixel(load_dataset(two, Split::kTest)), 10);
  DataSource four = data_files("d/train-images-idx3-ubyte", "d/train-labels-idx1-ubyte",
                               "d/t10k-images-idx3-ubyte", "d/t10k-labels-idx1-ubyte");
  EXPECT_FALSE(has_one_half(four));
  EXPECT_EQ(first_pixel(load_dataset(four, Split::kTest)), 11);
}

TEST_F(SourceTest, ReadsImageFoldersWholeOrInHalves) {
  auto add = [](const char* path, uint8_t mark) {
    MemorySink sink;
    write_pgm({1, 1, {mark}}, sink);
    save(path, sink.bytes);
  };
  add("one/3/a.pgm", 7);
  DataSource one = parse_data_source("one");
  EXPECT_EQ(one.kind, Kind::kImageFolder);
  EXPECT_TRUE(has_one_half(one));
  EXPECT_EQ(first_pixel(load_dataset(one, Split::kTest)), 7);
  add("two/train/3/a.pgm", 8);
  add("two/test/3/a.pgm", 9);
  DataSource two = parse_data_source("two");
  EXPECT_FALSE(has_one_half(two));
  EXPECT_EQ(first_pixel(load_dataset(two, Split::kTrain)), 8);
  EXPECT_EQ(first_pixel(load_dataset(two, Split::kTest)), 9);
  add("named/train/a/1.pgm", 1);
  add("named/train/b/1.pgm", 2);
  add("named/test/b/1.pgm", 3);
  EXPECT_EQ(load_dataset(parse_data_source("named"), Split::kTest).labels.front(), 1);
  DataOptions options;
  options.prepare = [](const Image&) { return Image{1, 1, {99}}; };
  EXPECT_EQ(first_pixel(load_dataset(one, Split::kTrain, options)), 99);
}

TEST_F(SourceTest, TakesANameForTheNameAndAPathForTheDirectory) {
  write_idx("mnist");
  EXPECT_EQ(parse_data_source("mnist").kind, Kind::kNamed);
  EXPECT_EQ(parse_data_source("./mnist").kind, Kind::kIdxDirectory);
}

TEST_F(SourceTest, ReadsMnistFromTheFolderOfTheEnvironment) {
  write_idx("mine");
  ScopedVariable variable("MNIST_DATA_DIR", "mine");
  Dataset data = load_dataset(parse_data_source("mnist"), Split::kTest);
  EXPECT_EQ(first_pixel(data), 11);
  EXPECT_EQ(data.name, "mnist");
  EXPECT_EQ(data.classes, 10u);
  ScopedVariable missing("MNIST_DATA_DIR", "nowhere");
  EXPECT_THAT(error_of([] { load_dataset(parse_data_source("mnist"), Split::kTest); }),
              HasSubstr("nowhere: the test half is missing"));
}

TEST_F(SourceTest, DoesNotTakeAnotherSetForMnist) {
  write_idx("data/MNIST/raw");  // torchvision's place, but two images
  EXPECT_THAT(
      error_of([] { load_dataset(parse_data_source("mnist"), Split::kTest, {.offline = true}); }),
      HasSubstr("mnist: downloading was forbidden"));
  write_idx("cache/mnist");
  EXPECT_THAT(error_of([] { load_dataset(parse_data_source("mnist"), Split::kTest); }),
              HasSubstr("2 images of 1 x 2 are not the test half of mnist"));
}

TEST_F(SourceTest, FetchesTheHalfThatIsAskedForOnce) {
  if (kRealFiles == nullptr) GTEST_SKIP() << "MNIST_DATA_DIR is not set";
  LoopbackServer server([](const Request& request) {
    size_t slash = request.target.rfind('/');
    return give(request, read_file(kRealFiles + request.target.substr(slash)));
  });
  ScopedVariable mirror("MNIST_MIRROR", server.url());
  for (int run = 0; run < 2; ++run) {
    Dataset data = load_dataset(parse_data_source("mnist"), Split::kTest);
    EXPECT_EQ(data.size(), 10'000u);
    EXPECT_EQ(data.name, "mnist");
  }
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests()[0].target, "/mnist/t10k-images-idx3-ubyte.gz");
  EXPECT_EQ(sha256(read_file("cache/mnist/t10k-images-idx3-ubyte")),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7");
}

TEST_F(SourceTest, UsesTheCopiesOfOtherProgramsReadOnly) {
  if (kRealFiles == nullptr) GTEST_SKIP() << "MNIST_DATA_DIR is not set";
  auto offline_labels = [] {
    return load_dataset(parse_data_source("mnist"), Split::kTest, {.offline = true}).labels;
  };
  for (const char* place :
       {"data/MNIST/raw", "home/data/MNIST/raw", "home/.keras/datasets/mnist"}) {
    for (std::string_view name : {idx_images_name(Split::kTest), idx_labels_name(Split::kTest)}) {
      std::string file = std::string(name) + ".gz";
      save(std::filesystem::path(place) / file, read_file(kRealFiles + ("/" + file)));
    }
    EXPECT_EQ(offline_labels().size(), 10'000u) << place;
    // One wrong pixel, and it is not MNIST.
    Dataset data = load_dataset(parse_data_source(place), Split::kTest);
    data.pixels[12345] ^= 1;
    std::filesystem::path images = std::filesystem::path(place) / idx_images_name(Split::kTest);
    write_idx_images(images, 28, 28, data.pixels);
    EXPECT_THAT(error_of([&] { offline_labels(); }), HasSubstr("downloading was forbidden"))
        << place;
    std::filesystem::remove_all(place);
  }
  EXPECT_FALSE(std::filesystem::exists("cache")) << "nothing is copied";
}

}  // namespace
}  // namespace mnist
