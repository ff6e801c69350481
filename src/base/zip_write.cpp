#include <fmt/format.h>
#include <zlib.h>

#include <limits>

#include "base/text.h"
#include "base/zip.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint16_t kPaddingExtra = 0x4246;  // "FB", as PyTorch pads

class Record {
 public:
  template <typename T>
  Record& add(T value) {
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>((static_cast<uint64_t>(value) >> (8 * i)) & 0xff));
    }
    return *this;
  }
  Record& text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Record& zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// 1 January 1980, so that the same content gives the same archive.
constexpr uint32_t kTime = 0x00210000;
constexpr uint16_t kVersion = 20;
constexpr size_t kLocalSize = 30;

}  // namespace

void ZipWriter::put(std::span<const std::byte> bytes) {
  sink_.write(bytes);
  position_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::string_view content) {
  add(name, std::as_bytes(std::span(content.data(), content.size())));
}

void ZipWriter::add(const std::string& name, std::span<const std::byte> content) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max() - (1 << 20);
  if (content.size() > kMost || position_ > kMost - content.size() || written_.size() >= 65'534 ||
      name.size() > 65'535) {
    throw Error(fmt::format("'{}' does not fit a zip archive", printable(name, 80)));
  }
  const auto crc = static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  const auto size = static_cast<uint32_t>(content.size());
  const auto offset = static_cast<uint32_t>(position_);
  // An extra field of zeros moves the content to where it shall begin.
  size_t extra = 0;
  const size_t begin = position_ + kLocalSize + name.size();
  if (begin % alignment_ != 0) {
    extra = alignment_ - begin % alignment_;
    while (extra < 4) extra += alignment_;
  }
  Record local;
  local.add<uint32_t>(0x04034b50).add(kVersion).add<uint16_t>(0).add<uint16_t>(0).add(kTime);
  local.add(crc).add(size).add(size);
  local.add(static_cast<uint16_t>(name.size())).add(static_cast<uint16_t>(extra)).text(name);
  if (extra != 0) local.add(kPaddingExtra).add(static_cast<uint16_t>(extra - 4)).zeros(extra - 4);
  put(local.bytes());
  put(content);
  written_.push_back({name, crc, size, offset});
}

void ZipWriter::finish() {
  const uint64_t start = position_;
  for (const Written& entry : written_) {
    Record line;
    line.add<uint32_t>(0x02014b50).add(kVersion).add(kVersion).add<uint16_t>(0).add<uint16_t>(0);
    line.add(kTime).add(entry.crc).add(entry.size).add(entry.size);
    line.add(static_cast<uint16_t>(entry.name.size())).zeros(12).add(entry.offset);
    line.text(entry.name);
    put(line.bytes());
  }
  Record end;
  end.add<uint32_t>(0x06054b50).add<uint32_t>(0);
  end.add(static_cast<uint16_t>(written_.size())).add(static_cast<uint16_t>(written_.size()));
  end.add(static_cast<uint32_t>(position_ - start)).add(static_cast<uint32_t>(start));
  end.add<uint16_t>(0);
  put(end.bytes());
}

}  // namespace mnist
