// Zip archives (PKWARE's APPNOTE), read from memory so that no two readers can see different files
// in one archive, and written without compression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace mnist {

struct ZipEntry {
  std::string_view name;
  uint64_t size = 0;  // of its content
  uint32_t crc = 0;
  bool deflated = false;
  std::span<const std::byte> stored;  // as it lies in the archive
};

// Accepted is what zip programs, NumPy, PyTorch and Keras write: entries one behind the other from
// the first byte to the directory, stored or deflated, each described alike in its own header and
// in the directory, each name once. Refused is the rest: several disks, encryption, holes, bytes in
// front and behind, absolute names and "..".
class ZipArchive {
 public:
  // `bytes` outlive the archive. `who` starts every message. Throws Error.
  ZipArchive(std::span<const std::byte> bytes, std::string who);

  const std::string& who() const { return who_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }  // in their order in the file
  const ZipEntry* find(std::string_view name) const;                 // null if there is none

  // An entry's content, its CRC checked. `plain` is for one that is stored and stays in the
  // archive's bytes; it throws for a deflated one, `content` inflates it. All entries together are
  // not implausibly larger than the archive: one that would be is refused when it is opened.
  std::span<const std::byte> plain(const ZipEntry& entry) const;
  std::vector<std::byte> content(const ZipEntry& entry) const;

 private:
  std::string who_;
  std::vector<ZipEntry> entries_;
  std::map<std::string_view, size_t> by_name_;
};

// Writes an archive of stored entries.
class ZipWriter {
 public:
  // Every entry's content begins at a multiple of `alignment`.
  explicit ZipWriter(Sink& sink, size_t alignment = 1) : sink_(sink), alignment_(alignment) {}

  void add(const std::string& name, std::span<const std::byte> content);
  void add(const std::string& name, std::string_view content);
  // Writes the directory. To be called once, at the end.
  void finish();

 private:
  struct Written {
    std::string name;
    uint32_t crc;
    uint32_t size;
    uint32_t offset;
  };

  void put(std::span<const std::byte> bytes);

  Sink& sink_;
  size_t alignment_;
  uint64_t position_ = 0;
  std::vector<Written> written_;
};

}  // namespace mnist
