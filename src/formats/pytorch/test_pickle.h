// Pickles and PyTorch's files, put together for tests.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/zip.h"

namespace mnist {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

inline std::string little(uint64_t value, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

// ---- pieces of a pickle ----

inline std::string pickled(const std::string& value) {
  return std::string("\x80\x02") + value + ".";
}
inline std::string text_op(std::string_view text) {
  return std::string("X") + little(text.size(), 4) + std::string(text);
}
inline std::string integer_op(int64_t value) {
  return std::string("\x8a\x08") + little(static_cast<uint64_t>(value), 8);
}
inline std::string global_op(std::string_view module, std::string_view name) {
  return fmt::format("c{}\n{}\n", module, name);
}
inline std::string tuple_op(const std::vector<std::string>& items) {
  std::string text = "(";
  for (const std::string& item : items) text += item;
  return text + "t";
}
inline std::string integers_op(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (int64_t value : values) items.push_back(integer_op(value));
  return tuple_op(items);
}
inline std::string dict_op(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string text = "}(";
  for (const auto& [key, value] : items) text += text_op(key) + value;
  return text + "u";
}
// function(*arguments)
inline std::string call_op(std::string_view module, std::string_view name,
                           const std::vector<std::string>& arguments) {
  return global_op(module, name) + tuple_op(arguments) + "R";
}
inline std::string ordered_dict_op() { return call_op("collections", "OrderedDict", {}); }

struct TensorParts {
  std::string key = "0";
  int64_t count = 4;
  std::vector<int64_t> shape = {2, 2};
  std::vector<int64_t> strides = {2, 1};
  int64_t offset = 0;
  std::string storage = "FloatStorage";
};

inline std::string tensor_op(const TensorParts& parts) {
  const std::string storage =
      tuple_op({text_op("storage"), global_op("torch", parts.storage), text_op(parts.key),
                text_op("cpu"), integer_op(parts.count)}) +
      "Q";
  return call_op("torch._utils", "_rebuild_tensor_v2",
                 {storage, integer_op(parts.offset), integers_op(parts.shape),
                  integers_op(parts.strides), "\x89", ordered_dict_op()});
}

// An instance of PyTorch's class `type` ("linear.Linear") or another, with its attributes.
inline std::string module_op(std::string_view module, std::string_view name,
                             const std::vector<std::pair<std::string, std::string>>& attributes) {
  return global_op(module, name) + ")\x81" + dict_op(attributes) + "b";
}

// ---- files ----

using Storages = std::vector<std::pair<std::string, std::string>>;  // key, bytes

inline Bytes zip_file(const std::string& object, const Storages& storages) {
  MemorySink sink;
  ZipWriter zip(sink, 64);
  zip.add("archive/data.pkl", pickled(object));
  for (const auto& [key, content] : storages) zip.add(std::string("archive/data/") + key, content);
  zip.add("archive/version", "3\n");
  zip.finish();
  return sink.bytes;
}

// As before PyTorch 1.6; each storage has values of `width` bytes.
inline Bytes pickle_file(const std::string& object, const Storages& storages, size_t width = 4) {
  std::string text =
      pickled(
          "\x8a\x0al\xfc\x9c"
          "F\xf9 j\xa8P\x19") +
      pickled("M\xe9\x03") +
      pickled(dict_op({{"protocol_version", "M\xe9\x03"}, {"little_endian", "\x88"}}));
  text += pickled(object);
  std::string keys = "](";
  for (const auto& [key, content] : storages) keys += text_op(key);
  text += pickled(keys + "e");
  for (const auto& [key, content] : storages) text += little(content.size() / width, 8) + content;
  return bytes_of(text);
}

inline std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace mnist
