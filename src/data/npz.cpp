#include "data/npz.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "data/content.h"
#include "data/idx.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

// NumPy pads headers of such arrays to 128 bytes.
constexpr size_t kLongestHeader = 1 << 12;

struct ZipCloser {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, ZipCloser>;

struct NpyHeader {
  std::string type;             // "|u1", "<i8"
  std::vector<uint64_t> shape;  // outermost first
};

// The Python literal in an .npy header: {'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }
// with its keys in this order, as NumPy writes them.
class NpyHeaderParser {
 public:
  NpyHeaderParser(std::string_view text, const std::string& who) : text_(text), who_(who) {}

  NpyHeader parse() {
    NpyHeader header;
    expect("{'descr': '");
    size_t end = std::min(text_.find('\'', position_), text_.size());
    header.type = std::string(text_.substr(position_, end - position_));
    position_ = end;
    expect("', 'fortran_order': False, 'shape': (");
    while (!skip(")")) {
      header.shape.push_back(number());
      if (!skip(",")) {
        expect(")");
        break;
      }
      skip(" ");
    }
    skip(",");
    skip(" ");
    expect("}");
    if (text_.find_first_not_of(" \n", position_) != std::string_view::npos) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(
        fmt::format("{}: NumPy header {{'descr': ..., 'fortran_order': False, 'shape': ...}} "
                    "expected, got: {}",
                    who_, text_.substr(0, 100)));
  }
  bool skip(std::string_view word) {
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!skip(word)) fail();
  }
  uint64_t number() {
    uint64_t value = 0;
    const char* start = text_.data() + position_;
    auto [end, error] = std::from_chars(start, text_.data() + text_.size(), value);
    if (error != std::errc()) fail();
    position_ += static_cast<size_t>(end - start);
    return value;
  }

  std::string_view text_;
  const std::string& who_;
  size_t position_ = 0;
};

// One array of an archive, read in order.
class ArrayFile {
 public:
  ArrayFile(zip_t* archive, const fs::path& path, const std::string& name)
      : who_(fmt::format("{}: {}", path.string(), name)) {
    zip_stat_t status;
    if (zip_stat(archive, name.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0 ||
        (status.valid & ZIP_STAT_COMP_SIZE) == 0) {
      throw Error(fmt::format("{}: no such array in the archive", who_));
    }
    if (status.size > status.comp_size * kMostDeflateRatio + kLongestHeader) {
      throw Error(fmt::format("{}: {} bytes promised, {} cannot hold them", who_, status.size,
                              status.comp_size));
    }
    left_ = status.size;
    file_.reset(zip_fopen(archive, name.c_str(), 0));
    if (!file_) throw Error(fmt::format("{}: {}", who_, zip_strerror(archive)));
    read_header();
  }

  const NpyHeader& header() const { return header_; }
  const std::string& who() const { return who_; }

  // The content, which must be `count` bytes. Reading on to the end makes libzip check its CRC.
  std::vector<uint8_t> content(uint64_t count) {
    if (count != left_) {
      throw Error(fmt::format("{}: {} bytes of numbers expected, it has {}", who_, count, left_));
    }
    std::vector<uint8_t> bytes(count);
    take(std::as_writable_bytes(std::span(bytes)));
    std::byte extra;
    if (zip_fread(file_.get(), &extra, 1) != 0) fail();
    return bytes;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(fmt::format("{}: is damaged: {}", who_, zip_file_strerror(file_.get())));
  }

  void take(std::span<std::byte> out) {
    while (!out.empty()) {
      zip_int64_t length = zip_fread(file_.get(), out.data(), out.size());
      if (length <= 0) fail();
      out = out.subspan(static_cast<size_t>(length));
      left_ -= static_cast<uint64_t>(length);
    }
  }

  void read_header() {
    std::array<std::byte, 10> start;
    if (left_ < start.size()) throw Error(fmt::format("{}: too short for an array", who_));
    take(start);
    ByteReader reader(start, who_);
    if (reader.text(6, "magic") != std::string_view("\x93NUMPY", 6))
      reader.fail("not a NumPy array");
    if (reader.big<uint16_t>("version") != 0x0100) reader.fail("NumPy format 1.0 expected");
    auto length = reader.little<uint16_t>("header length");
    if (length > std::min<uint64_t>(left_, kLongestHeader)) reader.fail("header is too long");
    std::string text(length, '\0');
    take(std::as_writable_bytes(std::span(text)));
    header_ = NpyHeaderParser(text, who_).parse();
  }

  std::string who_;
  std::unique_ptr<zip_file_t, ZipCloser> file_;
  uint64_t left_ = 0;
  NpyHeader header_;
};

void read_images(ArrayFile file, Dataset& data) {
  const NpyHeader& header = file.header();
  if (header.type != "|u1" || header.shape.size() != 3) {
    throw Error(fmt::format("{}: uint8 images [count][height][width] expected", file.who()));
  }
  uint64_t side = std::max(header.shape[1], header.shape[2]);
  std::optional<uint64_t> bytes =
      side > kLargestIdxSide ? std::nullopt
                             : checked_multiply(header.shape[0], header.shape[1] * header.shape[2]);
  if (!bytes || *bytes == 0 || *bytes > kLargestFile) {
    throw Error(fmt::format("{}: {} images of {} x {} are not accepted", file.who(),
                            header.shape[0], header.shape[1], header.shape[2]));
  }
  data.height = header.shape[1];
  data.width = header.shape[2];
  data.pixels = file.content(*bytes);
}

void read_labels(ArrayFile file, Dataset& data) {
  const NpyHeader& header = file.header();
  size_t count = data.pixels.size() / (data.height * data.width);
  size_t width = header.type == "|u1" ? 1 : 8;
  if ((width == 8 && header.type != "<i8") || header.shape != std::vector<uint64_t>{count}) {
    throw Error(fmt::format("{}: {} labels of uint8 or int64 expected, one for each image",
                            file.who(), count));
  }
  std::vector<uint8_t> bytes = file.content(count * width);
  data.labels.resize(count);
  for (size_t i = 0; i < count; ++i) {
    auto label = std::span(bytes).subspan(i * width, width);
    if (std::any_of(label.begin() + 1, label.end(), [](uint8_t high) { return high != 0; })) {
      throw Error(
          fmt::format("{}: label {} is not within 0 to {}", file.who(), i, kMostClasses - 1));
    }
    data.labels[i] = label[0];
  }
  data.classes = count_classes(data.labels, file.who());
}

}  // namespace

Dataset read_npz_dataset(const fs::path& path, const std::string& prefix) {
  int problem = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &problem));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, problem);
    std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Error(fmt::format("{}: cannot be opened as .npz: {}", path.string(), reason));
  }
  Dataset data;
  data.name = path.string();
  read_images(ArrayFile(archive.get(), path, "x_" + prefix + ".npy"), data);
  read_labels(ArrayFile(archive.get(), path, "y_" + prefix + ".npy"), data);
  return data;
}

}  // namespace mnist
