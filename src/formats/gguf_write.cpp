#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <set>

#include "base/half.h"
#include "base/text.h"
#include "formats/gguf.h"
#include "formats/gguf_blocks.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint32_t kVersion = 3;
constexpr size_t kAlignment = 32;

static_assert(std::endian::native == std::endian::little,
              "numbers are written as they lie in memory");

template <typename T>
void put(MemorySink& sink, T value) {
  sink.write(std::as_bytes(std::span<const T>(&value, 1)));
}

void put_text(MemorySink& sink, std::string_view text) {
  put<uint64_t>(sink, text.size());
  sink.write(text);
}

void put_type(MemorySink& sink, GgufValueType type) { put(sink, static_cast<uint32_t>(type)); }

struct PutValue {
  MemorySink& sink;

  void operator()(const std::string& text) const {
    put_type(sink, GgufValueType::kText);
    put_text(sink, text);
  }
  void operator()(double number) const {
    put_type(sink, GgufValueType::kF64);
    put(sink, number);
  }
  void operator()(uint32_t number) const {
    put_type(sink, GgufValueType::kU32);
    put(sink, number);
  }
  void operator()(const std::vector<std::string>& texts) const {
    put_type(sink, GgufValueType::kArray);
    put_type(sink, GgufValueType::kText);
    put<uint64_t>(sink, texts.size());
    for (const std::string& text : texts) put_text(sink, text);
  }
};

size_t padding(size_t size) { return (kAlignment - size % kAlignment) % kAlignment; }

void pad(Sink& sink, size_t size) {
  constexpr std::byte kZeros[kAlignment] = {};
  sink.write(std::span<const std::byte>(kZeros, padding(size)));
}

size_t stored_bytes(const GgufOutputTensor& tensor) {
  const size_t count = tensor.values.size();
  if (tensor.type == GgufTensorType::kF32) return count * sizeof(float);
  const size_t block = gguf_block_bytes(tensor.type);
  return block == 0 ? count * sizeof(uint16_t) : count / kGgufBlockValues * block;
}

void check_names(const GgufOutput& output) {
  std::set<std::string> names;
  for (const GgufOutputTensor& tensor : output.tensors) {
    const std::string& name = tensor.name;
    const bool fits = !name.empty() && name.size() <= kGgufLongestName &&
                      printable(name, name.size()) == name &&
                      tensor.shape.size() <= kGgufMostDimensions;
    if (!fits || !names.insert(name).second) {
      throw Error(fmt::format(
          "tensor '{}' {}: GGUF holds names of 1 to {} printable bytes, each once, "
          "and {} dimensions",
          printable(name, 80), to_string(tensor.shape), kGgufLongestName, kGgufMostDimensions));
    }
  }
}

std::vector<uint16_t> narrowed(const GgufOutputTensor& tensor) {
  const bool is_f16 = tensor.type == GgufTensorType::kF16;
  std::vector<uint16_t> halves;
  halves.reserve(tensor.values.size());
  for (float value : tensor.values) {
    const uint16_t half = is_f16 ? f16_from_float(value) : bf16_from_float(value);
    if (!std::isfinite(is_f16 ? float_from_f16(half) : float_from_bf16(half))) {
      throw Error(fmt::format("tensor '{}': {} does not fit {}: store it as f32", tensor.name,
                              value, is_f16 ? "f16" : "bf16"));
    }
    halves.push_back(half);
  }
  return halves;
}

std::vector<std::byte> blocks_of(const GgufOutputTensor& tensor) {
  try {
    return q8_0_blocks(tensor.values);
  } catch (const Error& error) {
    throw Error(fmt::format("tensor '{}': {}", tensor.name, error.what()));
  }
}

void write_values(const GgufOutputTensor& tensor, Sink& sink) {
  if (tensor.type == GgufTensorType::kF32) {
    sink.write(std::as_bytes(std::span(tensor.values)));
  } else if (tensor.type == GgufTensorType::kQ8_0) {
    sink.write(blocks_of(tensor));
  } else {
    sink.write(std::as_bytes(std::span<const uint16_t>(narrowed(tensor))));
  }
  pad(sink, stored_bytes(tensor));
}

}  // namespace

void write_gguf(const GgufOutput& output, Sink& sink) {
  check_names(output);
  MemorySink header;
  header.write(std::string_view("GGUF"));
  put(header, kVersion);
  put<uint64_t>(header, output.tensors.size());
  put<uint64_t>(header, output.values.size());
  for (const auto& [key, value] : output.values) {
    put_text(header, key);
    std::visit(PutValue{header}, value);
  }
  uint64_t offset = 0;
  for (const GgufOutputTensor& tensor : output.tensors) {
    put_text(header, tensor.name);
    put(header, static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) put(header, tensor.shape[i]);
    put(header, static_cast<uint32_t>(tensor.type));
    put(header, offset);
    offset += stored_bytes(tensor) + padding(stored_bytes(tensor));
  }
  sink.write(header.bytes);
  pad(sink, header.bytes.size());
  for (const GgufOutputTensor& tensor : output.tensors) write_values(tensor, sink);
}

}  // namespace mnist
