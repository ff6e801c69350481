#include "formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// The format allows a hundred megabytes; this is room for 20,000 tensors.
constexpr uint64_t kLargestHeader = 2'000'000;
constexpr size_t kMostDimensions = 32;
constexpr size_t kLongestName = 65'535;
constexpr char kMetadataKey[] = "__metadata__";

struct TypeSize {
  const char* type;
  uint64_t bytes;
};
constexpr TypeSize kTypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2},     {"BF16", 2},    {"I64", 8},
                               {"I32", 4}, {"I16", 2}, {"I8", 1},      {"U64", 8},     {"U32", 4},
                               {"U16", 2}, {"U8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"BOOL", 1}};

uint64_t type_size(const JsonView& type) {
  const std::string name = type.text();
  for (const TypeSize& known : kTypes) {
    if (name == known.type) return known.bytes;
  }
  type.fail(fmt::format("unknown type '{}'", printable(name, 40)));
}

uint64_t natural_number(const JsonView& value) {
  const int64_t number = value.integer();
  if (number < 0) value.fail(fmt::format("{} is negative", number));
  return static_cast<uint64_t>(number);
}

// The bytes that a tensor of this shape takes.
uint64_t bytes_of_shape(const JsonView& view, const Shape& shape, uint64_t each) {
  uint64_t bytes = each;
  for (int64_t extent : shape) {
    const auto product = checked_multiply(bytes, static_cast<uint64_t>(extent));
    if (!product) view.fail(fmt::format("shape {} is too large", to_string(shape)));
    bytes = *product;
  }
  return bytes;
}

SafetensorsTensor tensor_from_json(const std::string& name, const JsonView& view,
                                   std::span<const std::byte> buffer) {
  if (name.size() > kLongestName) {
    view.fail(
        fmt::format("a name of {} bytes, at most {} are accepted", name.size(), kLongestName));
  }
  view.expect_keys({"dtype", "shape", "data_offsets"});
  SafetensorsTensor tensor;
  tensor.name = name;
  tensor.type = view.at("dtype").text();
  const uint64_t each = type_size(view.at("dtype"));
  const JsonView shape = view.at("shape");
  if (shape.value().size() > kMostDimensions) {
    shape.fail(fmt::format("more than {} dimensions", kMostDimensions));
  }
  for (const JsonView& extent : shape.elements()) {
    tensor.shape.push_back(static_cast<int64_t>(natural_number(extent)));
  }
  const std::vector<JsonView> offsets = view.at("data_offsets").elements();
  if (offsets.size() != 2) view.at("data_offsets").fail("[begin, end] expected");
  const uint64_t begin = natural_number(offsets[0]);
  const uint64_t end = natural_number(offsets[1]);
  if (begin > end || end > buffer.size()) {
    view.at("data_offsets")
        .fail(fmt::format("bytes {} to {} of {}: the file is damaged or incomplete", begin, end,
                          buffer.size()));
  }
  const uint64_t needed = bytes_of_shape(view, tensor.shape, each);
  if (needed != end - begin) {
    view.fail(fmt::format("{} {} needs {} bytes, it has {}", tensor.type, to_string(tensor.shape),
                          needed, end - begin));
  }
  tensor.bytes = buffer.subspan(begin, needed);
  return tensor;
}

void read_metadata(const JsonView& view, Safetensors& file) {
  for (const auto& [key, value] : view.members()) file.metadata[key] = value.text();
}

// Throws unless the tensors, which are in order, fill the buffer without holes and overlaps.
void expect_filled(const Safetensors& file, std::span<const std::byte> buffer,
                   const std::string& who) {
  const std::byte* next = buffer.data();
  for (const SafetensorsTensor& tensor : file.tensors) {
    if (tensor.bytes.data() != next) {
      throw Error(
          fmt::format("{}: tensor '{}' begins at byte {} of the data, {} expected: tensors "
                      "must neither overlap nor leave holes",
                      who, printable(tensor.name, 80), tensor.bytes.data() - buffer.data(),
                      next - buffer.data()));
    }
    next += tensor.bytes.size();
  }
  const auto used = static_cast<size_t>(next - buffer.data());
  if (used != buffer.size()) {
    throw Error(fmt::format("{}: {} bytes after the last tensor", who, buffer.size() - used));
  }
}

uint64_t size_of_type(const std::string& type) {
  const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const TypeSize& known) { return type == known.type; });
  return found == std::end(kTypes) ? 1 : found->bytes;
}

}  // namespace

Safetensors read_safetensors(std::span<const std::byte> bytes, const std::string& who) {
  ByteReader reader(bytes, who);
  const auto length = reader.little<uint64_t>("header length");
  if (length > kLargestHeader) {
    reader.fail(
        fmt::format("a header of {} bytes, at most {} are accepted", length, kLargestHeader));
  }
  const std::string_view header = reader.text(length, "header");
  if (header.empty() || header[0] != '{') reader.fail("the header must begin '{'");
  const Json json = parse_json(header, who + ": header", kLargestHeader);
  const std::span<const std::byte> buffer = bytes.subspan(reader.position());
  Safetensors file;
  const JsonView view(json, who + ": header");
  for (const auto& [key, member] : json.items()) {
    const JsonView entry = view.at(key);
    if (key == kMetadataKey) {
      read_metadata(entry, file);
    } else {
      file.tensors.push_back(tensor_from_json(key, entry, buffer));
    }
  }
  // Empty tensors lie before the one that begins where they do.
  std::stable_sort(file.tensors.begin(), file.tensors.end(), [](const auto& a, const auto& b) {
    const auto* a_end = a.bytes.data() + a.bytes.size();
    const auto* b_end = b.bytes.data() + b.bytes.size();
    return std::pair(a.bytes.data(), a_end) < std::pair(b.bytes.data(), b_end);
  });
  expect_filled(file, buffer, who);
  return file;
}

void write_safetensors(const Safetensors& file, Sink& sink) {
  // Wide types first, so that every tensor is aligned to its values.
  std::vector<const SafetensorsTensor*> order;
  for (const SafetensorsTensor& tensor : file.tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of_type(a->type) > size_of_type(b->type);
  });
  std::vector<std::string> members;
  if (!file.metadata.empty()) {
    std::vector<std::string> texts;
    for (const auto& [key, value] : file.metadata) {
      texts.push_back(
          fmt::format("{}:{}", quote_json(key, "metadata"), quote_json(value, "metadata")));
    }
    members.push_back(fmt::format("\"{}\":{{{}}}", kMetadataKey, join(texts, ",")));
  }
  std::set<std::string> names = {kMetadataKey};
  uint64_t offset = 0;
  for (const SafetensorsTensor* tensor : order) {
    if (!names.insert(tensor->name).second || tensor->name.size() > kLongestName) {
      throw Error(fmt::format("tensor '{}': safetensors cannot hold this name",
                              printable(tensor->name, 80)));
    }
    members.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                                  quote_json(tensor->name, "tensor"), tensor->type,
                                  fmt::join(tensor->shape, ","), offset,
                                  offset + tensor->bytes.size()));
    offset += tensor->bytes.size();
  }
  std::string header = fmt::format("{{{}}}", join(members, ","));
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  sink.write(std::as_bytes(std::span(&length, 1)));
  sink.write(std::string_view(header));
  for (const SafetensorsTensor* tensor : order) sink.write(tensor->bytes);
}

}  // namespace mnist
