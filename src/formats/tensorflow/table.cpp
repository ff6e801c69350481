#include "formats/tensorflow/table.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace mnist {
namespace {

using Entries = std::map<std::string, std::span<const std::byte>>;

constexpr uint64_t kMagic = 0xdb4775248b80fb57;
constexpr size_t kFooterSize = 48;
constexpr size_t kTrailerSize = 5;  // a block's type and checksum
constexpr size_t kLongestKey = 4096;
constexpr size_t kMostEntries = 100'000;

uint64_t read_varint(ByteReader& reader) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = reader.little<uint8_t>("a number");
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  reader.fail("a number of more than 64 bits");
}

// The content of the block whose place and size `handle` reads.
std::span<const std::byte> read_block(std::span<const std::byte> bytes, ByteReader& handle) {
  const uint64_t offset = read_varint(handle);
  const uint64_t size = read_varint(handle);
  ByteReader reader(bytes, handle.who());
  reader.seek(offset, "block");
  const std::span<const std::byte> content = reader.take(size, "block");
  const auto type = reader.little<uint8_t>("block's type");
  const auto sum = reader.little<uint32_t>("block's checksum");
  if (type != 0) reader.fail("a compressed block, which TensorFlow does not write");
  if (sum != masked_crc32c(bytes.subspan(offset, size + 1))) {
    reader.fail("a block's checksum is wrong: the file is damaged");
  }
  return content;
}

// Keys follow one another in order, each without what it shares with the one before.
template <typename Visit>
void for_each_entry(std::span<const std::byte> block, const std::string& who, Visit visit) {
  ByteReader end(block, who);
  if (block.size() < sizeof(uint32_t)) end.fail("a block without restarts");
  end.seek(block.size() - sizeof(uint32_t), "restarts");
  const uint64_t restarts = uint64_t{end.little<uint32_t>("restarts")} * 4 + 4;
  if (restarts > block.size()) end.fail("a block with more restarts than bytes");
  ByteReader reader(block.first(block.size() - restarts), who);
  std::string key;
  while (reader.remaining() > 0) {
    const uint64_t shared = read_varint(reader);
    const uint64_t rest = read_varint(reader);
    const uint64_t size = read_varint(reader);
    if (shared > key.size() || rest > kLongestKey || shared + rest > kLongestKey) {
      reader.fail("a key that is damaged or longer than 4096 bytes");
    }
    key = key.substr(0, shared).append(reader.text(rest, "key"));
    visit(key, reader.take(size, "value"), reader);
  }
}

}  // namespace

Entries read_table(std::span<const std::byte> bytes, const std::string& who) {
  ByteReader footer(bytes, who);
  if (bytes.size() < kFooterSize) footer.fail("a table of at least 48 bytes expected");
  footer.seek(bytes.size() - sizeof(uint64_t), "footer");
  if (footer.little<uint64_t>("magic") != kMagic) footer.fail("a table's footer expected");
  footer.seek(bytes.size() - kFooterSize, "footer");
  read_varint(footer);  // where the index of filters is, which there is none of
  read_varint(footer);
  Entries entries;
  uint64_t total = 0;
  for_each_entry(
      read_block(bytes, footer), who,
      [&](const std::string&, std::span<const std::byte> value, const ByteReader& place) {
        ByteReader handle(value, who);
        const std::span<const std::byte> block = read_block(bytes, handle);
        total += block.size() + kTrailerSize;
        if (total > bytes.size()) place.fail("blocks that overlap");
        for_each_entry(block, who, [&](const std::string& key, auto stored, const ByteReader& at) {
          if (entries.size() >= kMostEntries) at.fail("too many entries");
          if (!entries.emplace(key, stored).second) at.fail("a key twice");
        });
      });
  return entries;
}

}  // namespace mnist
