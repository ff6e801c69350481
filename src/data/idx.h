// The format of MNIST's own files (yann.lecun.com/exdb/mnist): big-endian int32 magic 0x0803,
// count, rows, columns and then bytes [count][rows][columns] for images, 0 the background; magic
// 0x0801, count and then bytes [count] for labels; labels may be int16 (0x0b01) or int32 (0x0c01),
// too, for more than 256 classes. Plain or gzipped, told by content. The number of
// bytes must be exactly what the header says, and a gzipped file exactly one member with a right
// checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "mnist/image.h"

namespace mnist {

constexpr uint32_t kIdxImagesMagic = 0x0803;
constexpr uint32_t kIdxLabelsMagic = 0x0801;
constexpr uint32_t kIdxInt16LabelsMagic = 0x0b01;
constexpr uint32_t kIdxInt32LabelsMagic = 0x0c01;
constexpr size_t kIdxImagesHeader = 16;  // bytes
constexpr size_t kIdxLabelsHeader = 8;

// Images of more rows or columns are taken for damage.
constexpr size_t kLargestIdxSide = 4096;

struct IdxImages {
  size_t count = 0;
  size_t height = 0;
  size_t width = 0;
  std::vector<uint8_t> pixels;  // [count][height][width]
};

// All readers throw Error "PATH: ..." for anything but a whole file of their kind.
IdxImages read_idx_images(const std::filesystem::path& path);
std::vector<Label> read_idx_labels(const std::filesystem::path& path);

// Both, which must agree in number. Named after the image file.
Dataset read_idx_dataset(const std::filesystem::path& images, const std::filesystem::path& labels);

// One image, counted from 0, without reading those behind it. Throws if there are not that many.
Image read_idx_image(const std::filesystem::path& path, uint64_t index);

// What "t10k-images-idx3-ubyte:1234" means, unless a file of that very name exists.
struct IdxImageName {
  std::filesystem::path path;
  uint64_t index = 0;
};
std::optional<IdxImageName> parse_idx_image_name(std::string_view text);

// `pixels` are whole images of height * width. Gzipped if `path` ends with ".gz". Written as
// write_file does: all or nothing.
void write_idx_images(const std::filesystem::path& path, size_t height, size_t width,
                      std::span<const uint8_t> pixels);
// As bytes where they are below 256, else as int32.
void write_idx_labels(const std::filesystem::path& path, std::span<const Label> labels);

}  // namespace mnist
