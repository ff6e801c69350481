#include "formats/flatbuffers.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {

FlatBufferTable FlatBufferTables::operator[](size_t index) const {
  const size_t place = start_ + index * sizeof(uint32_t);
  const auto offset = FlatBufferTable::from_little<uint32_t>(&bytes_[place]);
  return {bytes_, who_, what_, uint64_t{place} + offset};
}

FlatBufferTable FlatBufferTable::root(std::span<const std::byte> bytes, std::string_view who,
                                      const char* what) {
  if (bytes.size() < sizeof(uint32_t)) {
    throw Error(fmt::format("{}: {}: the file ends in its offset (at byte 0)", who, what));
  }
  return {bytes, who, what, from_little<uint32_t>(bytes.data())};
}

FlatBufferTable::FlatBufferTable(std::span<const std::byte> bytes, std::string_view who,
                                 const char* what, uint64_t position)
    : bytes_(bytes), who_(who), what_(what) {
  constexpr size_t kLeast = 4;  // the offset in a table; the two sizes in a vtable
  if (position < kLeast || position + kLeast > bytes.size()) {
    fail("it lies outside of the file", static_cast<size_t>(position));
  }
  position_ = static_cast<size_t>(position);
  const int64_t vtable = static_cast<int64_t>(position) - load<int32_t>(position_);
  if (vtable < 0 || static_cast<uint64_t>(vtable) + kLeast > bytes.size()) {
    fail("its list of fields lies outside of the file");
  }
  vtable_ = static_cast<size_t>(vtable);
  vtable_size_ = load<uint16_t>(vtable_);
  size_ = load<uint16_t>(vtable_ + sizeof(uint16_t));
  if (vtable_size_ < kLeast || vtable_size_ % sizeof(uint16_t) != 0 ||
      vtable_ + vtable_size_ > bytes.size()) {
    fail("its list of fields has no possible length");
  }
  if (size_ < kLeast || position_ + size_ > bytes.size()) fail("it goes beyond the file's end");
}

void FlatBufferTable::fail(std::string_view reason, size_t place) const {
  throw Error(fmt::format("{}: {}: {} (at byte {})", who_, what_, reason, place));
}

size_t FlatBufferTable::find(uint16_t field, size_t width, const char* name) const {
  const size_t entry = 4 + sizeof(uint16_t) * field;
  if (entry + sizeof(uint16_t) > vtable_size_) return 0;
  const size_t offset = load<uint16_t>(vtable_ + entry);
  if (offset == 0) return 0;
  if (offset < 4 || offset + width > size_) {
    fail(fmt::format("{} lies outside of the table", name), vtable_ + entry);
  }
  return position_ + offset;
}

size_t FlatBufferTable::follow(size_t place, const char* name) const {
  const uint64_t target = uint64_t{place} + load<uint32_t>(place);
  if (target == place || target + sizeof(uint32_t) > bytes_.size()) {
    fail(fmt::format("{}: its offset leads nowhere", name), place);
  }
  return static_cast<size_t>(target);
}

std::span<const std::byte> FlatBufferTable::vector(uint16_t field, size_t width, size_t most,
                                                   const char* name) const {
  const size_t place = find(field, sizeof(uint32_t), name);
  if (place == 0) return {};
  const size_t start = follow(place, name);
  const uint64_t count = load<uint32_t>(start);
  const std::span<const std::byte> rest = bytes_.subspan(start + sizeof(uint32_t));
  if (count > rest.size() / width) {
    fail(fmt::format("{}: {} elements, the file has {} bytes left", name, count, rest.size()),
         start);
  }
  if (count > most) fail(fmt::format("{}: {} elements, at most {} expected", name, count, most));
  return rest.first(static_cast<size_t>(count) * width);
}

std::string_view FlatBufferTable::text(uint16_t field, const char* name) const {
  return as_text(bytes(field, name));
}

std::span<const std::byte> FlatBufferTable::bytes(uint16_t field, const char* name) const {
  return vector(field, 1, SIZE_MAX, name);
}

FlatBufferTables FlatBufferTable::tables(uint16_t field, const char* name) const {
  const std::span<const std::byte> offsets = vector(field, sizeof(uint32_t), SIZE_MAX, name);
  FlatBufferTables tables;
  tables.bytes_ = bytes_;
  tables.who_ = who_;
  tables.what_ = name;
  tables.start_ = offsets.empty() ? 0 : static_cast<size_t>(offsets.data() - bytes_.data());
  tables.count_ = offsets.size() / sizeof(uint32_t);
  return tables;
}

FlatBufferTable FlatBufferTable::table(uint16_t field, const char* name) const {
  const size_t place = find(field, sizeof(uint32_t), name);
  if (place == 0) fail(fmt::format("{} is missing", name));
  return {bytes_, who_, name, follow(place, name)};
}

}  // namespace mnist
