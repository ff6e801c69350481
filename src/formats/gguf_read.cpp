#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "formats/gguf.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kLargestAlignment = 1 << 16;
constexpr size_t kLongestKey = 65'535;  // docs/gguf.md
// The least that a key with its value and a tensor's description take in the file.
constexpr uint64_t kLeastKeyBytes = 8 + 1 + 4 + 1;
constexpr uint64_t kLeastTensorBytes = 8 + 1 + 4 + 4 + 8;

// Indexed by GgufValueType; 0: of no fixed size.
constexpr uint64_t kValueBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// ggml's types whose size is needed to find the next tensor. The rest is refused by number.
struct StoredType {
  uint32_t id;
  const char* name;
  uint64_t block_elements;
  uint64_t block_bytes;
};
constexpr StoredType kStoredTypes[] = {
    {0, "F32", 1, 4},    {1, "F16", 1, 2},    {30, "BF16", 1, 2},  {28, "F64", 1, 8},
    {24, "I8", 1, 1},    {25, "I16", 1, 2},   {26, "I32", 1, 4},   {27, "I64", 1, 8},
    {2, "Q4_0", 32, 18}, {3, "Q4_1", 32, 20}, {6, "Q5_0", 32, 22}, {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34}, {9, "Q8_1", 32, 36},
};

std::optional<uint64_t> padded(uint64_t size, uint64_t alignment) {
  const std::optional<uint64_t> raised = checked_add(size, alignment - 1);
  if (!raised) return std::nullopt;
  return *raised & ~(alignment - 1);
}

// Refuses what could disguise itself when it is shown or compared.
void expect_printable(const ByteReader& reader, std::string_view text, const char* what) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
  if (plain || printable(text, text.size()) == text) return;
  reader.fail(
      fmt::format("{} '{}' has control characters or is not UTF-8", what, printable(text, 80)));
}

std::string_view read_text(ByteReader& reader, const char* what) {
  return reader.text(reader.little<uint64_t>(what), what);
}

GgufValueType read_value_type(ByteReader& reader, std::string_view key) {
  const auto type = reader.little<uint32_t>("a value's type");
  if (type > static_cast<uint32_t>(GgufValueType::kF64)) {
    reader.fail(fmt::format("key '{}': values of type {} are unknown", printable(key, 80), type));
  }
  return static_cast<GgufValueType>(type);
}

GgufArray read_array(ByteReader& reader, std::span<const std::byte> bytes, std::string_view key) {
  const GgufValueType type = read_value_type(reader, key);
  if (type == GgufValueType::kArray) {
    reader.fail(fmt::format("key '{}': a list of lists", printable(key, 80)));
  }
  const auto count = reader.little<uint64_t>("a list's length");
  const size_t start = reader.position();
  const uint64_t each = kValueBytes[static_cast<size_t>(type)];
  const uint64_t least = each != 0 ? each : sizeof(uint64_t);
  if (count > reader.remaining() / least) {
    reader.fail(fmt::format("key '{}': a list of {} values, {} bytes are left", printable(key, 80),
                            count, reader.remaining()));
  }
  if (type == GgufValueType::kText) {
    for (uint64_t i = 0; i < count; ++i) read_text(reader, "a list's text");
  } else {
    for (std::byte value : reader.take(count * each, "a list")) {
      if (type == GgufValueType::kBool && value > std::byte{1}) {
        reader.fail(fmt::format("key '{}': a bool that is neither 0 nor 1", printable(key, 80)));
      }
    }
  }
  return {type, count, bytes.subspan(start, reader.position() - start)};
}

GgufValue read_value(ByteReader& reader, std::span<const std::byte> bytes, std::string_view key) {
  const char* what = "a value";
  switch (read_value_type(reader, key)) {
    case GgufValueType::kU8:
      return uint64_t{reader.little<uint8_t>(what)};
    case GgufValueType::kI8:
      return int64_t{reader.little<int8_t>(what)};
    case GgufValueType::kU16:
      return uint64_t{reader.little<uint16_t>(what)};
    case GgufValueType::kI16:
      return int64_t{reader.little<int16_t>(what)};
    case GgufValueType::kU32:
      return uint64_t{reader.little<uint32_t>(what)};
    case GgufValueType::kI32:
      return int64_t{reader.little<int32_t>(what)};
    case GgufValueType::kF32:
      return double{reader.little<float>(what)};
    case GgufValueType::kU64:
      return reader.little<uint64_t>(what);
    case GgufValueType::kI64:
      return reader.little<int64_t>(what);
    case GgufValueType::kF64:
      return reader.little<double>(what);
    case GgufValueType::kText:
      return read_text(reader, what);
    case GgufValueType::kArray:
      return read_array(reader, bytes, key);
    case GgufValueType::kBool:
      break;
  }
  const auto flag = reader.little<uint8_t>(what);
  if (flag > 1) {
    reader.fail(fmt::format("key '{}': bool {}: 0 or 1 expected", printable(key, 80), flag));
  }
  return flag == 1;
}

struct Header {
  uint64_t tensors;
  uint64_t keys;
};

Header read_header(ByteReader& reader) {
  if (reader.text(4, "the magic") != "GGUF") reader.fail("not a GGUF file: it must begin 'GGUF'");
  const auto version = reader.little<uint32_t>("the version");
  if (version == 0x03000000 || version == 0x02000000) reader.fail("a big-endian GGUF file");
  if (version != 2 && version != 3) {
    reader.fail(fmt::format("GGUF version 2 or 3 expected, got {}", version));
  }
  const auto tensors = reader.little<uint64_t>("the number of tensors");
  const auto keys = reader.little<uint64_t>("the number of keys");
  if (keys > reader.remaining() / kLeastKeyBytes) {
    reader.fail(fmt::format("{} keys cannot be in {} bytes", keys, reader.remaining()));
  }
  if (tensors > reader.remaining() / kLeastTensorBytes) {
    reader.fail(fmt::format("{} tensors cannot be in {} bytes", tensors, reader.remaining()));
  }
  return {tensors, keys};
}

void read_key(ByteReader& reader, std::span<const std::byte> bytes, GgufFile& file) {
  const auto length = reader.little<uint64_t>("a key's length");
  if (length == 0 || length > kLongestKey) {
    reader.fail(fmt::format("a key of {} bytes: 1 to {} expected", length, kLongestKey));
  }
  const std::string_view key = reader.text(length, "a key");
  expect_printable(reader, key, "key");
  const GgufValue value = read_value(reader, bytes, key);
  if (!file.values.emplace(key, value).second) {
    reader.fail(fmt::format("key '{}' comes twice", printable(key, 80)));
  }
}

uint64_t read_alignment(const ByteReader& reader, const GgufFile& file) {
  const auto found = file.values.find("general.alignment");
  if (found == file.values.end()) return kDefaultAlignment;
  const auto* value = std::get_if<uint64_t>(&found->second);
  if (value == nullptr) reader.fail("general.alignment: an unsigned integer expected");
  if (*value == 0 || *value > kLargestAlignment || (*value & (*value - 1)) != 0) {
    reader.fail(fmt::format("general.alignment {}: a power of two up to {} expected", *value,
                            kLargestAlignment));
  }
  return *value;
}

const StoredType& stored_type(const ByteReader& reader, uint32_t id, std::string_view name) {
  for (const StoredType& type : kStoredTypes) {
    if (type.id == id) return type;
  }
  reader.fail(
      fmt::format("tensor '{}': values of type {} are unknown here: F32, F16, BF16, F64 and blocks "
                  "of 4, 5 and 8 bits are read",
                  name, id));
}

// Its extents, outermost first.
Shape read_extents(ByteReader& reader, std::string_view name) {
  const auto dimensions = reader.little<uint32_t>("a tensor's number of dimensions");
  if (dimensions > kGgufMostDimensions) {
    reader.fail(fmt::format("tensor '{}': {} dimensions, at most {} are possible", name, dimensions,
                            kGgufMostDimensions));
  }
  Shape shape(dimensions);
  for (uint32_t i = 0; i < dimensions; ++i) {
    shape[dimensions - 1 - i] = reader.little<int64_t>("a tensor's extent");
  }
  return shape;
}

// Bytes of the tensor; fails where their number does not fit or is no whole number of blocks.
uint64_t tensor_bytes(const ByteReader& reader, std::string_view name, const Shape& shape,
                      const StoredType& type) {
  const int64_t row = shape.empty() ? 1 : shape.back();
  if (row % static_cast<int64_t>(type.block_elements) != 0) {
    reader.fail(fmt::format("tensor '{}': rows of {} values, {} has blocks of {}", name, row,
                            type.name, type.block_elements));
  }
  std::optional<uint64_t> bytes = type.block_bytes;
  uint64_t divisor = type.block_elements;
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {
    if (*extent < 0) {
      reader.fail(fmt::format("tensor '{}': an extent is negative or over 2^63", name));
    }
    // A product with a 0 in it is 0, but only if the others fit: no extent may hide behind another.
    if (bytes && *extent != 0)
      bytes = checked_multiply(*bytes, static_cast<uint64_t>(*extent) / divisor);
    divisor = 1;
  }
  if (!bytes || *bytes > static_cast<uint64_t>(INT64_MAX)) {
    reader.fail(fmt::format("tensor '{}': shape {} does not fit", name, to_string(shape)));
  }
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  return empty ? 0 : *bytes;
}

// A tensor's description; its bytes are only known to be where the ones before it end.
struct Described {
  std::string_view name;
  GgufTensor* tensor;
  uint64_t offset;
  uint64_t bytes;
};

Described read_tensor(ByteReader& reader, GgufFile& file) {
  const auto length = reader.little<uint64_t>("a tensor's name");
  if (length == 0 || length > kGgufLongestName) {
    reader.fail(
        fmt::format("a tensor's name of {} bytes: 1 to {} expected", length, kGgufLongestName));
  }
  const std::string_view name = reader.text(length, "a tensor's name");
  expect_printable(reader, name, "tensor");
  const auto [place, is_new] = file.tensors.emplace(name, GgufTensor{});
  if (!is_new) reader.fail(fmt::format("tensor '{}' comes twice", name));
  GgufTensor& tensor = place->second;
  tensor.shape = read_extents(reader, name);
  tensor.type = reader.little<uint32_t>("a tensor's type");
  const StoredType& type = stored_type(reader, tensor.type, name);
  tensor.type_name = type.name;
  const auto offset = reader.little<uint64_t>("a tensor's offset");
  return {name, &tensor, offset, tensor_bytes(reader, name, tensor.shape, type)};
}

// Finds the tensors' bytes: one behind the other from the next multiple of the alignment on, to the
// end of the file.
void place_tensors(ByteReader& reader, std::span<const std::byte> bytes, uint64_t alignment,
                   const std::vector<Described>& described) {
  // A file without tensors may end before the padding.
  const uint64_t start = described.empty() && reader.remaining() == 0
                             ? reader.position()
                             : *padded(reader.position(), alignment);
  reader.seek(start, "the tensors' data");
  uint64_t expected = 0;
  for (const Described& each : described) {
    if (each.offset != expected) {
      reader.fail(
          fmt::format("tensor '{}': offset {} expected, got {}", each.name, expected, each.offset));
    }
    const std::optional<uint64_t> length = padded(each.bytes, alignment);
    const std::optional<uint64_t> end = length ? checked_add(expected, *length) : std::nullopt;
    if (!end || *end > bytes.size() - start) {
      reader.fail(fmt::format(
          "tensor '{}': {} bytes of {} expected, the file ends after {}: cut off?", each.name,
          each.bytes, each.tensor->type_name, bytes.size() - start - expected));
    }
    each.tensor->bytes = bytes.subspan(start + expected, each.bytes);
    expected = *end;
  }
  if (start + expected != bytes.size()) {
    reader.seek(start + expected, "the end");
    reader.fail(fmt::format("{} bytes too many", bytes.size() - start - expected));
  }
}

}  // namespace

GgufFile read_gguf(std::span<const std::byte> bytes, const std::string& who) {
  ByteReader reader(bytes, who);
  const Header header = read_header(reader);
  GgufFile file;
  for (uint64_t i = 0; i < header.keys; ++i) read_key(reader, bytes, file);
  const uint64_t alignment = read_alignment(reader, file);
  std::vector<Described> described;
  for (uint64_t i = 0; i < header.tensors; ++i) described.push_back(read_tensor(reader, file));
  place_tensors(reader, bytes, alignment, described);
  return file;
}

}  // namespace mnist
