#include "data/npz.h"

#include <gmock/gmock.h>

#include <map>

#include "base/zip.h"
#include "data/testing.h"

namespace mnist {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using ::testing::HasSubstr;
using testing::save;
using testing::TemporaryFolder;
using testing::operator+;

// An .npy file as NumPy writes it: the header is padded to a multiple of 64 bytes.
Bytes npy(const std::string& type, const std::string& shape, const Bytes& content,
          const std::string& order = "False") {
  std::string text =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }";
  text.resize((10 + text.size() + 64) / 64 * 64 - 10, ' ');
  text.back() = '\n';
  return bytes_of({"\x93NUMPY\x01\x00", 8}) +
         Bytes{std::byte(text.size() & 0xff), std::byte(text.size() >> 8)} + bytes_of(text) +
         content;
}

void write_zip(const std::filesystem::path& path, const std::map<std::string, Bytes>& files) {
  MemorySink sink;
  ZipWriter zip(sink);
  for (const auto& [name, bytes] : files) zip.add(name, bytes);
  zip.finish();
  save(path, sink.bytes);
}

Bytes numbered(size_t count) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = std::byte(i);
  return bytes;
}

// Keras's form: two training images and one to test.
std::map<std::string, Bytes> keras_files() {
  return {{"x_train.npy", npy("|u1", "2, 2, 3", numbered(12))},
          {"y_train.npy", npy("|u1", "2,", bytes_of("\x09\x04"))},
          {"x_test.npy", npy("|u1", "1, 2, 3", numbered(6))},
          {"y_test.npy", npy("<i8", "1,", bytes_of({"\x03\0\0\0\0\0\0\0", 8}))}};
}

class NpzTest : public ::testing::Test {
 protected:
  Dataset read(const std::map<std::string, Bytes>& files, const std::string& prefix = "train") {
    std::filesystem::remove(path_);
    write_zip(path_, files);
    return read_npz_dataset(path_, prefix);
  }
  // The message for Keras's files with one of them changed.
  std::string error_with(const std::string& name, const Bytes& content) {
    auto files = keras_files();
    files[name] = content;
    return error_of([&] { read(files); });
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "mnist.npz";
};

TEST_F(NpzTest, ReadsBothHalves) {
  Dataset train = read(keras_files());
  EXPECT_EQ(train.height, 2u);
  EXPECT_EQ(train.width, 3u);
  EXPECT_EQ(train.labels, (std::vector<Label>{9, 4}));
  EXPECT_EQ(train.image(1)[0], 6);
  EXPECT_EQ(train.classes, 10u);
  Dataset test = read(keras_files(), "test");
  EXPECT_EQ(test.labels, (std::vector<Label>{3}));
}

TEST_F(NpzTest, SaysWhatIsMissing) {
  auto files = keras_files();
  files.erase("y_train.npy");
  EXPECT_THAT(error_of([&] { read(files); }), HasSubstr("mnist.npz: y_train.npy: no such array"));
  EXPECT_THAT(error_of([&] { read_npz_dataset(folder_ / "none.npz", "train"); }),
              HasSubstr("none.npz"));
  save(path_, bytes_of("no archive at all, but long enough to look for one"));
  EXPECT_THAT(error_of([&] { read_npz_dataset(path_, "train"); }),
              HasSubstr("mnist.npz: does not end as a zip archive"));
}

TEST_F(NpzTest, RefusesOtherArrays) {
  EXPECT_THAT(error_with("x_train.npy", npy("<f4", "2, 2, 3", Bytes(48))),
              HasSubstr("uint8 images"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "2, 6", Bytes(12))), HasSubstr("uint8 images"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "2, 2, 3", Bytes(12), "True")),
              HasSubstr("NumPy header"));
  EXPECT_THAT(error_with("x_train.npy", npy("|O", "2, 2, 3", Bytes(12))),
              HasSubstr("uint8 images"));
  EXPECT_THAT(error_with("y_train.npy", npy("<i4", "2,", Bytes(8))), HasSubstr("labels of uint8"));
  EXPECT_THAT(error_with("y_train.npy", npy("|u1", "3,", Bytes(3))), HasSubstr("2 labels"));
  EXPECT_THAT(error_with("y_train.npy", npy("<i8", "2,", Bytes(16, std::byte{1}))),
              HasSubstr("the label of image 0 is not within 0 to 65535"));
  EXPECT_THAT(error_with("x_train.npy", bytes_of("short")),
              HasSubstr("magic number: 6 bytes expected"));
  EXPECT_THAT(error_with("x_train.npy", Bytes(200)), HasSubstr("not a NumPy array"));
}

TEST_F(NpzTest, RefusesHeadersThatLie) {
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "2, 2, 3", Bytes(11))),
              HasSubstr("12 bytes of numbers expected, it has 11"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "2, 2, 3", Bytes(13))), HasSubstr("it has 13"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "18446744073709551615, 28, 28", Bytes(12))),
              HasSubstr("are not accepted"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "1, 4294967296, 4294967296", Bytes(12))),
              HasSubstr("are not accepted"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "0, 2, 3", {})), HasSubstr("are not accepted"));
  EXPECT_THAT(error_with("x_train.npy", npy("|u1", "-2, 2, 3", Bytes(12))),
              HasSubstr("NumPy header"));
  Bytes long_header = npy("|u1", "2, 2, 3", Bytes(12));
  long_header[8] = long_header[9] = std::byte{0xff};
  EXPECT_THAT(error_with("x_train.npy", long_header), HasSubstr("header is too long"));
}

TEST_F(NpzTest, NeverTakesDamageForData) {
  write_zip(path_, keras_files());
  Bytes whole = read_file(path_);
  Dataset right = read_npz_dataset(path_, "train");
  for (size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= std::byte{0x04};
    save(path_, damaged);
    try {
      Dataset data = read_npz_dataset(path_, "train");
      EXPECT_EQ(data.pixels, right.pixels) << i;
      EXPECT_EQ(data.labels, right.labels) << i;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("mnist.npz"));
    }
  }
  for (size_t length = 0; length < whole.size(); ++length) {
    save(path_, Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)));
    EXPECT_THROW(read_npz_dataset(path_, "train"), Error) << length;
  }
}

}  // namespace
}  // namespace mnist
