// GGUF, the container: keys and values, and tensors. What they mean is for gguf_model.cpp to say.
//
// Version 3 (and 2, which differs in nothing that is read here), little-endian. Layout: magic
// "GGUF", u32 version, u64 tensors, u64 keys; the keys (text, u32 type, value); the tensors'
// descriptions (text, u32 dimensions, u64 extents innermost first, u32 type, u64 offset); padding
// to the alignment; the tensors' bytes, each padded to the alignment. A text is u64 length and
// bytes. Source: ggml's docs/gguf.md and src/gguf.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"
#include "mnist/model.h"

namespace mnist {

// The types of tensors that weights can be taken from.
enum class GgufTensorType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kF64 = 28,
  kBF16 = 30
};

enum class GgufValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kText,
  kArray,
  kU64,
  kI64,
  kF64
};

// A list as it lies in the file: `count` values of `type` in `bytes`, checked to be whole.
struct GgufArray {
  GgufValueType type;
  uint64_t count;
  std::span<const std::byte> bytes;
};

using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray>;

struct GgufTensor {
  Shape shape;  // outermost first
  uint32_t type = 0;
  std::string_view type_name;
  std::span<const std::byte> bytes;
};

// Everything refers to the bytes that were read.
struct GgufFile {
  std::map<std::string_view, GgufValue> values;
  std::map<std::string_view, GgufTensor> tensors;
};

// Allocates in proportion to what `bytes` holds, whatever the numbers in it say. Throws Error
// naming `who` for anything that is not exactly as described above: counts, lengths and products
// that do not fit, unknown types, keys or names twice or with control characters, tensors that
// overlap or leave holes, bytes behind the last tensor.
GgufFile read_gguf(std::span<const std::byte> bytes, const std::string& who);

// The elements of a list of texts. Throws Error naming `who` and `key` if it is something else.
std::vector<std::string> gguf_texts(const GgufValue& value, const std::string& who,
                                    std::string_view key);

// A value as text, for metadata: "3", "0.5", "true", "[1, 2]".
std::string gguf_value_text(const GgufValue& value);

// ---- writing ----

struct GgufOutputTensor {
  std::string name;
  Shape shape;                                 // outermost first
  GgufTensorType type = GgufTensorType::kF32;  // or kF16, kBF16, kQ8_0
  std::vector<float> values;
};

struct GgufOutput {
  // In the order given.
  std::vector<
      std::pair<std::string, std::variant<std::string, double, uint32_t, std::vector<std::string>>>>
      values;
  std::vector<GgufOutputTensor> tensors;
};

// The longest name that ggml can read (GGML_MAX_NAME with its 0), and its most dimensions.
inline constexpr size_t kGgufLongestName = 63;
inline constexpr size_t kGgufMostDimensions = 4;

// Throws Error for what read_gguf would refuse and for values that their type cannot hold.
void write_gguf(const GgufOutput& output, Sink& sink);

}  // namespace mnist
