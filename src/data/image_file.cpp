#include "mnist/image_file.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "base/file.h"
#include "data/idx.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data/pnm.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// 32 Mi pixels of 4 channels and 16 bits.
constexpr uint64_t kLargestImageFile = uint64_t{1} << 28;

bool starts_with(std::span<const std::byte> bytes, std::string_view head) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.starts_with(head);
}

// What a file that is not an image seems to be, for the message.
std::string likely_cause(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "the file is empty";
  if (starts_with(bytes, std::string_view("\0\0\x08\x03", 4)) || starts_with(bytes, "\x1f\x8b")) {
    return "name one image of an IDX file as FILE:0";
  }
  if (starts_with(bytes, std::string_view("\0\0\x08\x01", 4))) return "these are IDX labels";
  for (std::string_view head : {"GIF8", "BM", "RIFF", "II*", "MM", "%PDF"}) {
    if (starts_with(bytes, head)) return "convert it to PNG";
  }
  if (starts_with(bytes, "GGUF")) return "this is a model";
  if (starts_with(bytes, "P1") || starts_with(bytes, "P4")) return "convert it from PBM to PGM";
  if (starts_with(bytes, "\x89PNG")) return "this PNG is damaged";
  return fmt::format("it has {} bytes", bytes.size());
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, const std::string& who, RawSize raw) {
  if (is_png(bytes)) return decode_png(bytes, who);
  if (is_pnm(bytes)) return decode_pnm(bytes, who);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, who);
  size_t size = raw.height * raw.width;
  if (size > 0 && bytes.size() == size) {
    auto* first = reinterpret_cast<const uint8_t*>(bytes.data());
    return {raw.height, raw.width, std::vector<uint8_t>(first, first + size)};
  }
  std::string expected = "PNG, PGM, PPM or JPEG";
  if (size > 0) expected += fmt::format(" or {} x {} raw bytes", raw.height, raw.width);
  throw Error(fmt::format("{}: {} expected: {}", who, expected, likely_cause(bytes)));
}

Image read_image(const std::filesystem::path& path, RawSize raw) {
  if (std::optional<IdxImageName> name = parse_idx_image_name(path.native())) {
    return read_idx_image(name->path, name->index);
  }
  std::string who = path == "-" ? "standard input" : path.string();
  return decode_image(read_file(path, kLargestImageFile), who, raw);
}

}  // namespace mnist
