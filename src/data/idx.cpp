#include "data/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "data/content.h"
#include "data/gzip.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const ContentReader& file, std::string_view reason) {
  throw Error(fmt::format("{}: {}", file.who(), reason));
}

uint32_t take_number(ContentReader& file, std::string_view what) {
  std::array<std::byte, 4> raw;
  file.take(raw, what);
  return ByteReader(raw, file.who()).big<uint32_t>(what);
}

// Why a file that starts with `magic` is not IDX of the wanted kind.
std::string explain_magic(uint32_t magic, uint32_t wanted) {
  bool images = wanted == kIdxImagesMagic;
  if (magic == kIdxLabelsMagic && images) {
    return "these are labels (IDX magic 0x0801), images are expected: are the two swapped?";
  }
  if (magic == kIdxImagesMagic && !images) {
    return "these are images (IDX magic 0x0803), labels are expected: are the two swapped?";
  }
  std::string expected =
      fmt::format("IDX {} (magic 0x{:04x}) expected, ", images ? "images" : "labels", wanted);
  if (magic == 0x03080000 || magic == 0x01080000) {
    return expected + "this header has its bytes reversed: it must be big-endian";
  }
  if (magic >> 8 == 0x08) {
    return expected + fmt::format("this is IDX with {} dimensions", magic & 0xff);
  }
  if (magic >> 16 == 0 && (magic >> 8 >= 0x09 && magic >> 8 <= 0x0e)) {
    return expected +
           fmt::format("this is IDX, but its numbers are not bytes (type 0x{:02x})", magic >> 8);
  }
  if (magic >> 24 == '<') {
    return expected + "this looks like a web page: was an error page saved instead of the file?";
  }
  return expected + fmt::format("but the file starts with 0x{:08x}: it is something else", magic);
}

void check_magic(ContentReader& file, uint32_t wanted) {
  uint32_t magic = take_number(file, "IDX magic number");
  if (magic != wanted) fail(file, explain_magic(magic, wanted));
}

// The bytes of one label: those of MNIST are bytes, others are int16 or int32.
size_t label_width(ContentReader& file) {
  const uint32_t magic = take_number(file, "IDX magic number");
  if (magic == kIdxLabelsMagic) return 1;
  if (magic == kIdxInt16LabelsMagic) return 2;
  if (magic == kIdxInt32LabelsMagic) return 4;
  fail(file, explain_magic(magic, kIdxLabelsMagic));
}

Label label_from(std::span<const uint8_t> bytes, size_t index, const ContentReader& file) {
  uint32_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  if (bytes.size() == 2 && value > INT16_MAX) value |= 0xffff0000U;
  if (value >= kMostClasses) {
    fail(file, fmt::format("label {} of image {}: 0 to {} expected", static_cast<int32_t>(value),
                           index, kMostClasses - 1));
  }
  return static_cast<Label>(value);
}

// `count` * `item` bytes are to follow; throws where the file cannot hold them, before anything is
// allocated for them.
size_t checked_content(const ContentReader& file, uint64_t count, uint64_t item,
                       std::string_view what) {
  std::optional<uint64_t> bytes = checked_multiply(count, item);
  if (!bytes || *bytes > kLargestFile) {
    fail(file, fmt::format("the header promises {}, more than the {} bytes that are accepted", what,
                           kLargestFile));
  }
  if (*bytes > file.most_remaining()) {
    fail(file, fmt::format("the header promises {}: {} bytes expected, at most {} follow: the file "
                           "is incomplete",
                           what, *bytes, file.most_remaining()));
  }
  return static_cast<size_t>(*bytes);
}

// Reads exactly `count` bytes into a vector that grows with what really comes where the file's size
// does not bound it (a pipe).
std::vector<uint8_t> take_bytes(ContentReader& file, size_t count, std::string_view what) {
  constexpr size_t kFirstStep = size_t{64} << 20;
  std::vector<uint8_t> bytes;
  while (bytes.size() < count) {
    size_t have = bytes.size();
    bytes.resize(std::min(count, std::max(kFirstStep, have * 2)));
    file.take(std::as_writable_bytes(std::span(bytes)).subspan(have), what);
  }
  return bytes;
}

// Everything of an image file's header but the pixels.
IdxImages read_header(ContentReader& file) {
  check_magic(file, kIdxImagesMagic);
  IdxImages images;
  images.count = take_number(file, "number of images");
  images.height = take_number(file, "number of rows");
  images.width = take_number(file, "number of columns");
  if (images.count == 0) fail(file, "holds no images");
  if (std::min(images.height, images.width) == 0 ||
      std::max(images.height, images.width) > kLargestIdxSide) {
    fail(file, fmt::format("images of {} x {} pixels: 1 to {} a side are expected", images.height,
                           images.width, kLargestIdxSide));
  }
  checked_content(file, images.count, images.height * images.width,
                  fmt::format("{} images of {} x {}", images.count, images.height, images.width));
  return images;
}

void write_idx(const fs::path& path, std::span<const uint32_t> header,
               std::span<const uint8_t> content) {
  std::vector<std::byte> head;
  for (uint32_t number : header) {
    for (int shift = 24; shift >= 0; shift -= 8) head.push_back(std::byte(number >> shift & 0xff));
  }
  auto body = std::as_bytes(content);
  write_file(path, [&](Sink& sink) {
    if (path.extension() == ".gz") {
      GzipSink gzip(sink);
      gzip.write(head);
      gzip.write(body);
      gzip.finish();
    } else {
      sink.write(head);
      sink.write(body);
    }
  });
}

}  // namespace

IdxImages read_idx_images(const fs::path& path) {
  ContentReader file(path);
  IdxImages images = read_header(file);
  images.pixels = take_bytes(file, images.count * images.height * images.width, "pixels");
  file.finish();
  return images;
}

std::vector<Label> read_idx_labels(const fs::path& path) {
  ContentReader file(path);
  const size_t width = label_width(file);
  uint32_t count = take_number(file, "number of labels");
  if (count == 0) fail(file, "holds no labels");
  size_t size = checked_content(file, count, width, fmt::format("{} labels", count));
  const std::vector<uint8_t> bytes = take_bytes(file, size, "labels");
  file.finish();
  std::vector<Label> labels(count);
  for (size_t i = 0; i < count; ++i) {
    labels[i] = label_from(std::span(bytes).subspan(i * width, width), i, file);
  }
  return labels;
}

Dataset read_idx_dataset(const fs::path& images, const fs::path& labels) {
  IdxImages read = read_idx_images(images);
  Dataset data;
  data.labels = read_idx_labels(labels);
  if (data.labels.size() != read.count) {
    throw Error(fmt::format("{}: {} labels, but {} holds {} images: do the two belong together?",
                            labels.string(), data.labels.size(), images.string(), read.count));
  }
  data.name = images.string();
  data.labels_file = labels.string();
  data.height = read.height;
  data.width = read.width;
  data.classes = count_classes(data.labels);
  data.pixels = std::move(read.pixels);
  return data;
}

Image read_idx_image(const fs::path& path, uint64_t index) {
  ContentReader file(path);
  IdxImages header = read_header(file);
  if (index >= header.count) {
    fail(file, fmt::format("image {} is asked for, it holds {} (0 to {})", index, header.count,
                           header.count - 1));
  }
  size_t size = header.height * header.width;
  file.skip(index * size, "pixels");
  return {header.height, header.width, take_bytes(file, size, "pixels")};
}

std::optional<IdxImageName> parse_idx_image_name(std::string_view text) {
  size_t colon = text.rfind(':');
  std::error_code error;
  if (colon == std::string_view::npos || colon == 0 || fs::exists(text, error)) return std::nullopt;
  IdxImageName name{text.substr(0, colon), 0};
  std::string_view digits = text.substr(colon + 1);
  auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), name.index);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return name;
}

void write_idx_images(const fs::path& path, size_t height, size_t width,
                      std::span<const uint8_t> pixels) {
  auto count = static_cast<uint32_t>(pixels.size() / (height * width));
  const uint32_t header[] = {kIdxImagesMagic, count, static_cast<uint32_t>(height),
                             static_cast<uint32_t>(width)};
  write_idx(path, header, pixels);
}

void write_idx_labels(const fs::path& path, std::span<const Label> labels) {
  const bool are_bytes = count_classes(labels) <= 256;
  const uint32_t header[] = {are_bytes ? kIdxLabelsMagic : kIdxInt32LabelsMagic,
                             static_cast<uint32_t>(labels.size())};
  std::vector<uint8_t> bytes;
  bytes.reserve(labels.size() * (are_bytes ? 1 : 4));
  for (const Label label : labels) {
    if (!are_bytes) bytes.insert(bytes.end(), {0, 0, static_cast<uint8_t>(label >> 8)});
    bytes.push_back(static_cast<uint8_t>(label & 0xff));
  }
  write_idx(path, header, bytes);
}

}  // namespace mnist
