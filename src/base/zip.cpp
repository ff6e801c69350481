#include "base/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint32_t kLocalMark = 0x04034b50;
constexpr uint32_t kDirectoryMark = 0x02014b50;
constexpr uint32_t kDescriptorMark = 0x08074b50;
constexpr uint32_t kEndMark = 0x06054b50;
constexpr uint32_t kWideEndMark = 0x06064b50;
constexpr uint32_t kWideLocatorMark = 0x07064b50;
constexpr size_t kEndSize = 22;
constexpr size_t kWideLocatorSize = 20;
constexpr size_t kWideEndSize = 56;
constexpr uint16_t kWideExtra = 1;

// Flags that change nothing about what is read: the deflater's effort and UTF-8 names; and that
// sizes and CRC follow the content.
constexpr uint16_t kDescriptorFlag = 1 << 3;
constexpr uint16_t kKnownFlags = (1 << 1) | (1 << 2) | kDescriptorFlag | (1 << 11);

// deflate expands by at most 1032:1 (zlib technical details).
constexpr uint64_t kMostExpansion = 1032;
// What weights and descriptions of networks are: beyond the first bytes, an archive that would
// become so many times larger holds nothing but zeros.
constexpr uint64_t kFreelyInflated = uint64_t{16} << 20;
constexpr uint64_t kPlausibleExpansion = 100;

// What the header of an entry and its line in the directory both say.
struct EntryHeader {
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t packed = 0;  // size of what is stored
  uint64_t size = 0;
  std::string_view name;
  uint64_t offset = 0;  // directory only
};

struct Directory {
  uint64_t entries = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

uint64_t take_wide(ByteReader& extra, uint64_t narrow) {
  return narrow == UINT32_MAX ? extra.little<uint64_t>("zip64 size") : narrow;
}

// Replaces sizes and the offset that do not fit 32 bits by those of the zip64 extra field.
void read_extra(ByteReader extra, EntryHeader& header, bool is_directory) {
  while (extra.remaining() > 0) {
    const auto id = extra.little<uint16_t>("extra field");
    const auto length = extra.little<uint16_t>("extra field's length");
    ByteReader field(extra.take(length, "extra field"), extra.who());
    if (id != kWideExtra) continue;
    header.size = take_wide(field, header.size);
    header.packed = take_wide(field, header.packed);
    if (is_directory) header.offset = take_wide(field, header.offset);
    return;
  }
}

void read_common(ByteReader& reader, EntryHeader& header) {
  header.flags = reader.little<uint16_t>("flags");
  header.method = reader.little<uint16_t>("method");
  reader.take(4, "time");
  header.crc = reader.little<uint32_t>("CRC");
  header.packed = reader.little<uint32_t>("size");
  header.size = reader.little<uint32_t>("size");
}

EntryHeader read_local(ByteReader& reader) {
  EntryHeader header;
  if (reader.little<uint32_t>("entry") != kLocalMark) reader.fail("no zip entry where one is due");
  reader.take(2, "version");
  read_common(reader, header);
  const auto name = reader.little<uint16_t>("name's length");
  const auto extra = reader.little<uint16_t>("extra fields' length");
  header.name = reader.text(name, "name");
  read_extra(ByteReader(reader.take(extra, "extra fields"), reader.who()), header, false);
  return header;
}

EntryHeader read_directory_line(ByteReader& reader) {
  EntryHeader header;
  if (reader.little<uint32_t>("directory") != kDirectoryMark) {
    reader.fail("no line of the zip directory where one is due");
  }
  reader.take(4, "versions");
  read_common(reader, header);
  const auto name = reader.little<uint16_t>("name's length");
  const auto extra = reader.little<uint16_t>("extra fields' length");
  const auto comment = reader.little<uint16_t>("comment's length");
  if (reader.little<uint16_t>("disk") != 0) reader.fail("several disks are not supported");
  reader.take(6, "attributes");
  header.offset = reader.little<uint32_t>("offset");
  header.name = reader.text(name, "name");
  read_extra(ByteReader(reader.take(extra, "extra fields"), reader.who()), header, true);
  reader.take(comment, "comment");
  return header;
}

// The record at the end, and zip64's in front of it, which says the same where both can.
Directory read_end(std::span<const std::byte> bytes, const std::string& who) {
  ByteReader reader(bytes, who);
  // A comment behind the record would let a second record hide in it: none is accepted.
  if (bytes.size() < kEndSize) reader.fail("too short for a zip archive");
  const size_t end = bytes.size() - kEndSize;
  reader.seek(end, "end of the directory");
  if (reader.little<uint32_t>("end of the directory") != kEndMark) {
    throw Error(fmt::format("{}: does not end as a zip archive: it is damaged or incomplete", who));
  }
  if (reader.little<uint32_t>("disks") != 0) reader.fail("several disks are not supported");
  const auto on_disk = reader.little<uint16_t>("count of entries");
  Directory directory;
  directory.entries = reader.little<uint16_t>("count of entries");
  directory.size = reader.little<uint32_t>("directory's size");
  directory.offset = reader.little<uint32_t>("directory's offset");
  const bool no_comment = reader.little<uint16_t>("comment's length") == 0;
  if (on_disk != directory.entries || !no_comment) reader.fail("disks and comments do not fit");

  uint64_t directory_end = end;
  bool is_wide = false;
  if (end >= kWideLocatorSize + kWideEndSize) {
    reader.seek(end - kWideLocatorSize, "zip64 locator");
    is_wide = reader.little<uint32_t>("zip64 locator") == kWideLocatorMark;
  }
  if (is_wide) {
    reader.take(4, "disk");
    directory_end = end - kWideLocatorSize - kWideEndSize;
    if (reader.little<uint64_t>("zip64 record's offset") != directory_end) {
      reader.fail("the zip64 record is not in front of its locator");
    }
    reader.seek(directory_end, "zip64 record");
    const auto mark = reader.little<uint32_t>("zip64 record");
    const auto size = reader.little<uint64_t>("zip64 record's size");
    if (mark != kWideEndMark || size != kWideEndSize - 12) reader.fail("no zip64 record");
    reader.take(20, "versions and disks");
    Directory wide;
    wide.entries = reader.little<uint64_t>("count of entries");
    wide.size = reader.little<uint64_t>("directory's size");
    wide.offset = reader.little<uint64_t>("directory's offset");
    const auto agrees = [](uint64_t narrow, uint64_t limit, uint64_t value) {
      return narrow == limit || narrow == value;
    };
    if (!agrees(directory.entries, UINT16_MAX, wide.entries) ||
        !agrees(directory.size, UINT32_MAX, wide.size) ||
        !agrees(directory.offset, UINT32_MAX, wide.offset)) {
      reader.fail("the zip64 record and the other one differ");
    }
    directory = wide;
  }
  if (checked_add(directory.offset, directory.size) != directory_end) {
    throw Error(fmt::format("{}: the zip directory is not where its end says", who));
  }
  return directory;
}

void expect_safe_name(const ByteReader& reader, std::string_view name) {
  const std::string padded = fmt::format("/{}/", name);
  const bool is_safe = !name.empty() && name[0] != '/' && name.find('\0') == name.npos &&
                       name.find('\\') == name.npos && padded.find("/../") == padded.npos &&
                       padded.find("/./") == padded.npos && padded.find("//") >= padded.size() - 2;
  if (!is_safe) reader.fail(fmt::format("the name '{}' is not accepted", printable(name, 80)));
}

// Throws unless the entry's own header says what the directory says.
void expect_same(const ByteReader& reader, const EntryHeader& local, const EntryHeader& line) {
  const bool described_later = (line.flags & kDescriptorFlag) != 0;
  const bool zero = local.crc == 0 && local.size == 0 && local.packed == 0;
  const bool same_sizes =
      local.crc == line.crc && local.size == line.size && local.packed == line.packed;
  if (local.name != line.name || local.flags != line.flags || local.method != line.method ||
      !(same_sizes || (described_later && zero))) {
    reader.fail(
        fmt::format("entry '{}' and its line in the directory differ", printable(line.name, 80)));
  }
}

// Whether the bytes that follow an entry's content describe it: CRC and sizes of 32 or 64 bits.
bool is_descriptor(std::span<const std::byte> bytes, const EntryHeader& line) {
  ByteReader reader(bytes, "");
  if (bytes.size() != 12 && bytes.size() != 16 && bytes.size() != 20 && bytes.size() != 24) {
    return false;
  }
  if (bytes.size() % 8 == 0 && reader.little<uint32_t>("") != kDescriptorMark) return false;
  if (reader.little<uint32_t>("") != line.crc) return false;
  if (reader.remaining() == 16) {
    return reader.little<uint64_t>("") == line.packed && reader.little<uint64_t>("") == line.size;
  }
  return reader.little<uint32_t>("") == line.packed && reader.little<uint32_t>("") == line.size;
}

bool has_crc([[maybe_unused]] std::span<const std::byte> bytes, [[maybe_unused]] uint32_t crc) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return true;
#else
  return crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) == crc;
#endif
}

std::vector<std::byte> inflated(std::span<const std::byte> packed, uint64_t size) {
  // One byte more, so that content which is too long shows itself.
  std::vector<std::byte> content(size + 1);
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return {};
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool complete = result == Z_STREAM_END && stream.avail_in == 0 && stream.total_out == size;
  inflateEnd(&stream);
  content.resize(complete ? size : 0);
  return content;
}

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::string who) : who_(std::move(who)) {
  if (bytes.size() > kLargestFile) throw Error(fmt::format("{}: the archive is too large", who_));
  const Directory directory = read_end(bytes, who_);
  constexpr uint64_t kDirectoryLine = 46;
  if (directory.entries > directory.size / kDirectoryLine) {
    throw Error(fmt::format("{}: {} entries do not fit the zip directory's {} bytes", who_,
                            directory.entries, directory.size));
  }
  std::vector<EntryHeader> lines;
  ByteReader reader(bytes.first(directory.offset + directory.size), who_);
  reader.seek(directory.offset, "directory");
  for (uint64_t i = 0; i < directory.entries; ++i) lines.push_back(read_directory_line(reader));
  if (reader.remaining() != 0) reader.fail("more than the entries in the zip directory");
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.offset < b.offset; });

  ByteReader content(bytes.first(directory.offset), who_);
  uint64_t inflated_left = kFreelyInflated + kPlausibleExpansion * bytes.size();
  for (size_t i = 0; i < lines.size(); ++i) {
    const EntryHeader& line = lines[i];
    if (line.offset != content.position()) content.fail("a hole or an overlap between zip entries");
    if ((line.flags & ~kKnownFlags) != 0) content.fail("encrypted entries are not supported");
    if (line.method != 0 && line.method != Z_DEFLATED) {
      content.fail(fmt::format("entry '{}': compression method {} is not supported",
                               printable(line.name, 80), line.method));
    }
    expect_safe_name(content, line.name);
    expect_same(content, read_local(content), line);
    ZipEntry entry{line.name, line.size, line.crc, line.method != 0,
                   content.take(line.packed, "content")};
    const bool size_fits =
        entry.deflated ? line.size / kMostExpansion <= line.packed : line.size == line.packed;
    if (!size_fits || line.size > kLargestFile) {
      content.fail(fmt::format("entry '{}': {} bytes cannot hold {}", printable(line.name, 80),
                               line.packed, line.size));
    }
    if (entry.deflated && line.size > inflated_left) {
      content.fail(fmt::format("entry '{}': {} bytes inflated, far more than the archive's {}",
                               printable(line.name, 80), line.size, bytes.size()));
    }
    if (entry.deflated) inflated_left -= line.size;
    if ((line.flags & kDescriptorFlag) != 0) {
      const uint64_t next = i + 1 < lines.size() ? lines[i + 1].offset : directory.offset;
      if (next < content.position() ||
          !is_descriptor(content.take(next - content.position(), "description"), line)) {
        content.fail(
            fmt::format("entry '{}' is not followed by its description", printable(line.name, 80)));
      }
    }
    if (!by_name_.emplace(entry.name, entries_.size()).second) {
      content.fail(fmt::format("two entries are called '{}'", printable(line.name, 80)));
    }
    entries_.push_back(entry);
  }
  if (content.remaining() != 0) content.fail("bytes that belong to no zip entry");
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

std::span<const std::byte> ZipArchive::plain(const ZipEntry& entry) const {
  if (entry.deflated || !has_crc(entry.stored, entry.crc)) {
    throw Error(fmt::format("{}: entry '{}' is {}", who_, printable(entry.name, 80),
                            entry.deflated ? "compressed, which is not expected here"
                                           : "damaged: its CRC does not fit"));
  }
  return entry.stored;
}

std::vector<std::byte> ZipArchive::content(const ZipEntry& entry) const {
  if (!entry.deflated) {
    const auto bytes = plain(entry);
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::byte> content = inflated(entry.stored, entry.size);
  if (content.size() != entry.size || !has_crc(content, entry.crc)) {
    throw Error(fmt::format("{}: entry '{}' is damaged", who_, printable(entry.name, 80)));
  }
  return content;
}

}  // namespace mnist
