#include "data/exif.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace mnist {
namespace {

constexpr size_t kTiffStart = 6;  // behind "Exif\0\0"
constexpr uint32_t kOrientationTag = 0x0112;

// Numbers of a TIFF structure, whose first two bytes tell their order. Nothing beyond the end.
class TiffReader {
 public:
  explicit TiffReader(std::span<const std::byte> bytes)
      : bytes_(bytes), big_(bytes.size() >= 2 && bytes[0] == std::byte{'M'}) {}

  std::optional<uint32_t> number(size_t position, size_t length) const {
    if (position > bytes_.size() || length > bytes_.size() - position) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < length; ++i) {
      size_t at = position + (big_ ? i : length - 1 - i);
      value = value << 8 | std::to_integer<uint32_t>(bytes_[at]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> segment) {
  if (segment.size() < kTiffStart || std::memcmp(segment.data(), "Exif\0", kTiffStart) != 0)
    return 1;
  TiffReader tiff(segment.subspan(kTiffStart));
  std::optional<uint32_t> directory = tiff.number(4, 4);
  if (!directory) return 1;
  std::optional<uint32_t> entries = tiff.number(*directory, 2);
  for (size_t i = 0; entries && i < *entries; ++i) {
    size_t entry = size_t{*directory} + 2 + 12 * i;  // tag, type, count, value
    std::optional<uint32_t> tag = tiff.number(entry, 2);
    if (!tag) return 1;
    if (*tag != kOrientationTag) continue;
    std::optional<uint32_t> value = tiff.number(entry + 8, 2);
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

Image turned_upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  bool swapped = orientation >= 5;  // rows and columns
  Image upright;
  upright.height = swapped ? image.width : image.height;
  upright.width = swapped ? image.height : image.width;
  upright.pixels.resize(image.pixels.size());
  // Where the stored first row and first column lie in the scene: 2 top-right, 3 bottom-right,
  // 4 bottom-left, 5 left-top, 6 right-top, 7 right-bottom, 8 left-bottom.
  bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  for (size_t y = 0; y < upright.height; ++y) {
    for (size_t x = 0; x < upright.width; ++x) {
      size_t row = from_bottom ? upright.height - 1 - y : y;
      size_t column = from_right ? upright.width - 1 - x : x;
      upright.at(y, x) = swapped ? image.at(column, row) : image.at(row, column);
    }
  }
  return upright;
}

}  // namespace mnist
