#include "formats/hdf5/object_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint16_t kKnown[] = {Hdf5Message::kNil,          Hdf5Message::kDataspace,
                               Hdf5Message::kDatatype,     Hdf5Message::kOldFillValue,
                               Hdf5Message::kFillValue,    Hdf5Message::kLayout,
                               Hdf5Message::kAttribute,    Hdf5Message::kModified,
                               Hdf5Message::kContinuation, Hdf5Message::kSymbolTable};
constexpr size_t kMostMessages = 10'000;
constexpr size_t kMostChunks = 1'000;

const char* reason_against(uint16_t type) {
  switch (type) {
    case 0x02:
    case 0x06:
    case 0x0a:
      return "a group in HDF5's newer layout (save with libver='earliest' and track_order=False)";
    case 0x07:
      return "data in another file, which is not opened";
    case 0x0b:
      return "data that is compressed or otherwise filtered";
    default:
      return "something that a file of plain arrays does not have";
  }
}

// Messages of one chunk of a header, appended; those that say where the next chunk is, too.
void read_chunk(const Hdf5Bytes& file, uint64_t address, uint64_t size, const std::string& place,
                std::vector<Hdf5Message>& messages) {
  ByteReader reader = file.at(address, "object header");
  const uint64_t end = address + size;
  ByteReader(reader).take(size, "object header");
  while (end - reader.position() >= 8) {
    const uint16_t type = reader.little<uint16_t>("message type");
    const uint16_t length = reader.little<uint16_t>("message size");
    const uint8_t flags = reader.little<uint8_t>("message flags");
    reader.take(3, "reserved");
    if (std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown)) {
      reader.fail(
          fmt::format("{}: is {} (message {})", printable(place, 100), reason_against(type), type));
    }
    if ((flags & 0x02) != 0) reader.fail("a message that several objects share");
    if (length % 8 != 0 || length > end - reader.position()) {
      reader.fail(fmt::format("{}: a message is larger than its header", printable(place, 100)));
    }
    if (messages.size() >= kMostMessages) reader.fail("too many messages in one header");
    messages.push_back({type, reader.position(), length});
    reader.take(length, "message");
  }
}

}  // namespace

ByteReader Hdf5Bytes::at(uint64_t address, const char* what) const {
  ByteReader reader(bytes_, who_);
  reader.seek(address, what);
  return reader;
}

ByteReader Hdf5Bytes::message(const Hdf5Message& message) const {
  ByteReader reader(bytes_.first(message.position + message.size), who_);
  reader.seek(message.position, "message");
  return reader;
}

void Hdf5Bytes::mark(uint64_t address, const char* what) {
  if (!marked_.insert(address).second) {
    at(std::min<uint64_t>(address, bytes_.size()), what)
        .fail(fmt::format("{}: is part of two objects", what));
  }
}

std::vector<Hdf5Message> Hdf5Bytes::messages(uint64_t address, const std::string& place) {
  mark(address, "object header");
  std::vector<Hdf5Message> result = messages_unmarked(address, place);
  for (const Hdf5Message& each : result) {
    if (each.type == Hdf5Message::kContinuation)
      mark(message(each).little<uint64_t>("address"), "object header");
  }
  return result;
}

std::vector<Hdf5Message> Hdf5Bytes::messages_unmarked(uint64_t address,
                                                      const std::string& place) const {
  ByteReader reader = at(address, "object header");
  if (reader.little<uint8_t>("header's version") != 1)
    reader.fail("object header of version 1 expected");
  reader.take(1, "reserved");
  const size_t count = reader.little<uint16_t>("number of messages");
  if (reader.little<uint32_t>("references") != 1) reader.fail("an object with one name expected");
  const uint64_t size = reader.little<uint32_t>("header's size");
  reader.take(4, "padding");
  std::vector<Hdf5Message> messages;
  read_chunk(*this, reader.position(), size, place, messages);
  size_t chunks = 1;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].type != Hdf5Message::kContinuation) continue;
    if (++chunks > kMostChunks) reader.fail("a header in too many pieces");
    ByteReader where = message(messages[i]);
    const uint64_t next = where.little<uint64_t>("continuation's address");
    const uint64_t length = where.little<uint64_t>("continuation's size");
    if (length < 8 || length % 8 != 0) where.fail("a continuation of at least 8 bytes expected");
    at(next, "object header").take(length, "object header");
    read_chunk(*this, next, length, place, messages);
  }
  if (messages.size() != count) {
    reader.fail(fmt::format("{}: {} messages expected, {} are there", printable(place, 100), count,
                            messages.size()));
  }
  return messages;
}

void Hdf5Bytes::expect_table(uint64_t object, const Hdf5SymbolTable& table,
                             const ByteReader& place) const {
  const auto found = find_symbol_table(messages_unmarked(object, "object"), *this);
  if (!found || found->tree != table.tree || found->heap != table.heap) {
    place.fail("a group's tree and heap differ from those in its header");
  }
}

std::optional<Hdf5SymbolTable> find_symbol_table(const std::vector<Hdf5Message>& messages,
                                                 const Hdf5Bytes& file) {
  std::optional<Hdf5SymbolTable> table;
  for (const Hdf5Message& message : messages) {
    if (message.type != Hdf5Message::kSymbolTable) continue;
    ByteReader reader = file.message(message);
    if (table) reader.fail("two tables in one group");
    table.emplace();
    table->tree = reader.little<uint64_t>("tree's address");
    table->heap = reader.little<uint64_t>("heap's address");
  }
  return table;
}

}  // namespace mnist
