// Of which type and shape an HDF5 dataset or attribute is, and where its values lie.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "formats/hdf5/object_header.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostDimensions = 8;
constexpr size_t kLongestAttributeName = 1024;

// An array's extents, and that it does not hold more than `most` bytes.
Shape read_dataspace(ByteReader reader) {
  const uint8_t version = reader.little<uint8_t>("dataspace version");
  const uint8_t rank = reader.little<uint8_t>("dimensions");
  const uint8_t flags = reader.little<uint8_t>("dataspace flags");
  if (version != 1 && version != 2) reader.fail("dataspace of version 1 or 2 expected");
  const uint8_t kind = reader.little<uint8_t>("dataspace kind");
  if (version == 1) reader.take(4, "reserved");
  if (version == 2 && kind > 1) reader.fail("an array of numbers expected, not an empty dataspace");
  if (rank > kMostDimensions || (flags & ~1U) != 0)
    reader.fail("an array of at most 8 dimensions expected");
  Shape shape;
  for (size_t i = 0; i < rank; ++i) {
    const uint64_t extent = reader.little<uint64_t>("extent");
    if (extent > uint64_t{1} << 31) reader.fail("an extent over 2^31");
    shape.push_back(static_cast<int64_t>(extent));
  }
  for (size_t i = 0; i < rank && (flags & 1) != 0; ++i) {
    const uint64_t most = reader.little<uint64_t>("largest extent");
    if (most != static_cast<uint64_t>(shape[i])) reader.fail("an array of fixed size expected");
  }
  element_count(shape);  // throws over 2^31
  return shape;
}

// The bits of IEEE 754's three sizes as HDF5 describes them: sign's place; then exponent's place,
// width, and fraction's place, width; bias.
struct FloatLayout {
  uint64_t size;
  uint8_t sign, exponent_at, exponent_bits, fraction_at, fraction_bits;
  uint32_t bias;
};
constexpr FloatLayout kFloats[] = {
    {2, 15, 10, 5, 0, 10, 15}, {4, 31, 23, 8, 0, 23, 127}, {8, 63, 52, 11, 0, 52, 1023}};

void check_float(ByteReader& reader, uint64_t size, uint8_t bits0, uint8_t bits1) {
  for (const FloatLayout& layout : kFloats) {
    if (layout.size != size) continue;
    const bool implied_one = (bits0 & ~1U) == 0x20;  // bit 0 is the order of bytes
    const bool same = reader.little<uint16_t>("bit offset") == 0 &&
                      reader.little<uint16_t>("bits") == size * 8 &&
                      reader.little<uint8_t>("exponent") == layout.exponent_at &&
                      reader.little<uint8_t>("exponent") == layout.exponent_bits &&
                      reader.little<uint8_t>("fraction") == layout.fraction_at &&
                      reader.little<uint8_t>("fraction") == layout.fraction_bits &&
                      reader.little<uint32_t>("bias") == layout.bias;
    if (implied_one && bits1 == layout.sign && same) return;
  }
  reader.fail("a float of 16, 32 or 64 bits as in IEEE 754 expected");
}

Hdf5Type read_datatype(ByteReader& reader, bool outermost) {
  const uint8_t kind = reader.little<uint8_t>("datatype");
  const auto bits = reader.take(3, "datatype");
  const auto bits0 = static_cast<uint8_t>(bits[0]);
  const uint64_t size = reader.little<uint32_t>("datatype's size");
  if ((kind >> 4) < 1 || (kind >> 4) > 3) reader.fail("datatype of version 1 to 3 expected");
  switch (kind & 15) {
    case 0: {
      const uint16_t offset = reader.little<uint16_t>("bit offset");
      const uint16_t width = reader.little<uint16_t>("bits");
      const bool plain = size == 1 || size == 2 || size == 4 || size == 8;
      if (!plain || offset != 0 || width != size * 8 || (bits0 & ~9U) != 0) {
        reader.fail("an integer of 8, 16, 32 or 64 bits expected");
      }
      return {Hdf5Type::Kind::kInteger, size};
    }
    case 1:
      check_float(reader, size, bits0, static_cast<uint8_t>(bits[1]));
      return {Hdf5Type::Kind::kFloat, size};
    case 3:
      if (size == 0 || (bits0 & 15) > 2 || (bits0 >> 4) > 1)
        reader.fail("a text of at least a byte expected");
      return {Hdf5Type::Kind::kFixedText, size};
    case 9: {
      if (!outermost || (bits0 & 15) != 1 || (bits0 >> 4) > 2 || size != 16) {
        reader.fail("numbers or text expected, not lists");
      }
      const Hdf5Type base = read_datatype(reader, false);
      if (base.size != 1 || base.kind == Hdf5Type::Kind::kFloat)
        reader.fail("a text of bytes expected");
      return {Hdf5Type::Kind::kVariableText, size};
    }
    default:
      reader.fail(fmt::format("numbers or text expected, not HDF5's datatype class {}", kind & 15));
  }
}

uint64_t stored_bytes(const Hdf5Array& array, const ByteReader& place) {
  const auto bytes = checked_multiply(element_count(array.shape), array.type.size);
  if (!bytes) place.fail("an array of more than 2^64 bytes");
  return *bytes;
}

void add_attribute(Hdf5Bytes& file, const Hdf5Message& message,
                   std::map<std::string, Hdf5Array>& attributes) {
  ByteReader reader = file.message(message);
  const uint8_t version = reader.little<uint8_t>("attribute's version");
  const uint8_t flags = reader.little<uint8_t>("attribute's flags");
  const uint64_t name_size = reader.little<uint16_t>("attribute's sizes");
  const uint64_t type_size = reader.little<uint16_t>("attribute's sizes");
  const uint64_t space_size = reader.little<uint16_t>("attribute's sizes");
  if (version < 1 || version > 3 || (version > 1 && flags != 0)) {
    reader.fail("an attribute of version 1 to 3 expected that shares nothing");
  }
  if (version == 3) reader.take(1, "attribute's character set");
  const auto padded = [&](uint64_t size) { return version == 1 ? (size + 7) / 8 * 8 : size; };
  const std::string_view stored = reader.text(padded(name_size), "attribute's name");
  const std::string name(stored.substr(0, stored.find('\0')));
  if (name.empty() || name.size() + 1 != name_size || name_size > kLongestAttributeName) {
    reader.fail("an attribute's name does not end where it should");
  }
  Hdf5Array array;
  ByteReader type = reader;
  array.type = read_datatype(type, true);
  if (type.position() - reader.position() > type_size)
    reader.fail("an attribute's type is too long");
  reader.take(padded(type_size), "attribute's type");
  array.shape = read_dataspace(reader);
  reader.take(padded(space_size), "attribute's dataspace");
  const uint64_t bytes = stored_bytes(array, reader);
  ByteReader(reader).take(bytes, "attribute's value");
  if (array.type.kind == Hdf5Type::Kind::kVariableText) {
    for (size_t i = element_count(array.shape); i > 0; --i) file.texts().check_text(reader);
  }
  if (!attributes.emplace(name, array).second) {
    reader.fail(fmt::format("attribute '{}' is there twice", printable(name, 60)));
  }
}

void check_fill_value(ByteReader reader, uint16_t type, uint64_t element_size) {
  uint64_t size = 0;
  if (type == Hdf5Message::kOldFillValue) {
    size = reader.little<uint32_t>("fill value's size");
  } else {
    const uint8_t version = reader.little<uint8_t>("fill value's version");
    const auto flags = reader.take(version == 3 ? 1 : 3, "fill value's flags");
    if (version < 1 || version > 3) reader.fail("a fill value of version 1 to 3 expected");
    const auto last = static_cast<uint8_t>(flags.back());
    const bool defined = version == 3 ? (last & 0x20) != 0 : (version == 1 || last != 0);
    if (defined) size = reader.little<uint32_t>("fill value's size");
  }
  if (size != 0 && size != element_size)
    reader.fail("the fill value is of another size than its elements");
  reader.take(size, "fill value");
}

// Where the values lie; throws unless they are in one piece, inside of the file.
void check_layout(const Hdf5Bytes& file, ByteReader reader, uint64_t bytes) {
  if (reader.little<uint8_t>("layout's version") != 3)
    reader.fail("a layout of version 3 expected");
  const uint8_t kind = reader.little<uint8_t>("layout's class");
  if (kind == 0) {
    const uint64_t size = reader.little<uint16_t>("values' size");
    if (size != bytes) reader.fail("the values are not as many as the shape says");
    reader.take(size, "values");
    return;
  }
  if (kind != 1) {
    reader.fail(kind == 2 ? "values in chunks (save without compression)"
                          : "values in another dataset");
  }
  const uint64_t address = reader.little<uint64_t>("values' address");
  const uint64_t size = reader.little<uint64_t>("values' size");
  if (size != bytes) reader.fail("the values are not as many as the shape says");
  if (address == kNoHdf5Address) {
    if (bytes != 0) reader.fail("the values were never written");
    return;
  }
  file.at(address, "values").take(size, "values");
}

const Hdf5Message& only_message(const std::vector<Hdf5Message>& messages, uint16_t type,
                                const Hdf5Bytes& file, const std::string& place) {
  const auto is_wanted = [&](const Hdf5Message& message) { return message.type == type; };
  const auto found = std::find_if(messages.begin(), messages.end(), is_wanted);
  if (found == messages.end() ||
      std::find_if(found + 1, messages.end(), is_wanted) != messages.end()) {
    throw Error(fmt::format("{}: {}: neither a group nor a dataset (message {} is not there once)",
                            file.who(), printable(place, 100), type));
  }
  return *found;
}

}  // namespace

std::map<std::string, Hdf5Array> read_hdf5_attributes(const std::vector<Hdf5Message>& messages,
                                                      Hdf5Bytes& file, const std::string& place) {
  std::map<std::string, Hdf5Array> attributes;
  for (const Hdf5Message& message : messages) {
    if (message.type == Hdf5Message::kAttribute) add_attribute(file, message, attributes);
    const bool of_a_dataset =
        message.type == Hdf5Message::kLayout || message.type == Hdf5Message::kDataspace;
    if (of_a_dataset && find_symbol_table(messages, file)) {
      throw Error(
          fmt::format("{}: {}: both a group and a dataset", file.who(), printable(place, 100)));
    }
  }
  return attributes;
}

Hdf5Array read_hdf5_dataset(const std::vector<Hdf5Message>& messages, Hdf5Bytes& file,
                            const std::string& place) {
  Hdf5Array array;
  ByteReader type = file.message(only_message(messages, Hdf5Message::kDatatype, file, place));
  array.type = read_datatype(type, true);
  array.shape =
      read_dataspace(file.message(only_message(messages, Hdf5Message::kDataspace, file, place)));
  if (array.type.is_text())
    type.fail(fmt::format("{}: numbers expected, not text", printable(place, 100)));
  const ByteReader layout = file.message(only_message(messages, Hdf5Message::kLayout, file, place));
  check_layout(file, layout, stored_bytes(array, layout));
  for (const Hdf5Message& message : messages) {
    if (message.type == Hdf5Message::kFillValue || message.type == Hdf5Message::kOldFillValue) {
      check_fill_value(file.message(message), message.type, array.type.size);
    }
  }
  read_hdf5_attributes(messages, file, place);
  return array;
}

}  // namespace mnist
