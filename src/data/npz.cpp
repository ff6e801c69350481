#include "data/npz.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/npy.h"
#include "base/zip.h"
#include "data/content.h"
#include "data/idx.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// An array of the archive, out of which its numbers point.
struct ArrayFile {
  std::string who;
  std::vector<std::byte> bytes;
  NpyArray array;
};

ArrayFile read_array(const ZipArchive& archive, const std::string& name) {
  ArrayFile file{fmt::format("{}: {}", archive.who(), name), {}, {}};
  const ZipEntry* entry = archive.find(name);
  if (entry == nullptr) throw Error(fmt::format("{}: no such array in the archive", file.who));
  file.bytes = archive.content(*entry);
  file.array = parse_npy(file.bytes, file.who);
  if (file.array.fortran_order) {
    throw Error(fmt::format("{}: a NumPy header with 'fortran_order': False expected", file.who));
  }
  return file;
}

void expect_size(const ArrayFile& file, uint64_t bytes) {
  if (file.array.content.size() == bytes) return;
  throw Error(fmt::format("{}: {} bytes of numbers expected, it has {}", file.who, bytes,
                          file.array.content.size()));
}

void read_images(const ArrayFile& file, Dataset& data) {
  const std::vector<uint64_t>& shape = file.array.shape;
  if (file.array.type != "|u1" || shape.size() != 3) {
    throw Error(fmt::format("{}: uint8 images [count][height][width] expected", file.who));
  }
  const uint64_t side = std::max(shape[1], shape[2]);
  const std::optional<uint64_t> bytes =
      side > kLargestIdxSide ? std::nullopt : checked_multiply(shape[0], shape[1] * shape[2]);
  if (!bytes || *bytes == 0 || *bytes > kLargestFile) {
    throw Error(fmt::format("{}: {} images of {} x {} are not accepted", file.who, shape[0],
                            shape[1], shape[2]));
  }
  expect_size(file, *bytes);
  data.height = shape[1];
  data.width = shape[2];
  const auto* pixels = reinterpret_cast<const uint8_t*>(file.array.content.data());
  data.pixels.assign(pixels, pixels + *bytes);
}

void read_labels(const ArrayFile& file, Dataset& data) {
  const size_t count = data.pixels.size() / (data.height * data.width);
  const size_t width = file.array.type == "|u1" ? 1 : 8;
  if ((width == 8 && file.array.type != "<i8") ||
      file.array.shape != std::vector<uint64_t>{count}) {
    throw Error(fmt::format("{}: {} labels of uint8 or int64 expected, one for each image",
                            file.who, count));
  }
  expect_size(file, count * width);
  data.labels.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const auto label = file.array.content.subspan(i * width, width);
    uint64_t value = 0;
    for (size_t byte = width; byte-- > 0;) {
      value = value << 8 | std::to_integer<uint64_t>(label[byte]);
    }
    if (value >= kMostClasses) {
      throw Error(fmt::format("{}: the label of image {} is not within 0 to {}", file.who, i,
                              kMostClasses - 1));
    }
    data.labels[i] = static_cast<Label>(value);
  }
  data.classes = count_classes(data.labels);
}

}  // namespace

Dataset read_npz_dataset(const std::filesystem::path& path, const std::string& prefix) {
  const std::vector<std::byte> bytes = read_file(path);
  const ZipArchive archive(bytes, path.string());
  Dataset data;
  data.name = path.string();
  read_images(read_array(archive, "x_" + prefix + ".npy"), data);
  read_labels(read_array(archive, "y_" + prefix + ".npy"), data);
  return data;
}

}  // namespace mnist
