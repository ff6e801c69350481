// NumPy's archives of arrays as weights: what programs without a framework save.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/npy.h"
#include "base/text.h"
#include "base/zip.h"
#include "formats/format_list.h"
#include "formats/stored_floats.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr std::string_view kSuffix = ".npy";

std::optional<StoredFloat> float_type(const std::string& type) {
  if (type == "<f8") return StoredFloat::kF64;
  if (type == "<f4") return StoredFloat::kF32;
  if (type == "<f2") return StoredFloat::kF16;
  return std::nullopt;
}

Shape shape_of(const NpyArray& array) {
  Shape shape;
  for (uint64_t extent : array.shape) {
    shape.push_back(static_cast<int64_t>(std::min<uint64_t>(extent, INT64_MAX)));
  }
  return shape;
}

// Values whose first extent runs fastest, in the order in which the last one does.
std::vector<float> last_fastest(const std::vector<float>& values, const Shape& shape) {
  std::vector<float> result(values.size());
  Shape place(shape.size(), 0);
  for (float& value : result) {
    size_t from = 0;
    for (size_t i = shape.size(); i-- > 0;) {
      from = from * static_cast<size_t>(shape[i]) + static_cast<size_t>(place[i]);
    }
    value = values[from];
    for (size_t i = shape.size(); i-- > 0;) {
      if (++place[i] < shape[i]) break;
      place[i] = 0;
    }
  }
  return result;
}

Tensor tensor_from(const NpyArray& array, StoredFloat type, const std::string& who) {
  Tensor tensor{shape_of(array), {}};
  const auto bytes = checked_multiply(stored_count(tensor.shape, who), size_of(type));
  if (!bytes || *bytes != array.content.size()) {
    throw Error(fmt::format("{}: {} of type {} needs {} bytes, it has {}", who,
                            to_string(tensor.shape), array.type, bytes.value_or(0),
                            array.content.size()));
  }
  tensor.values = floats_from(array.content, type);
  if (array.fortran_order && tensor.shape.size() > 1) {
    tensor.values = last_fastest(tensor.values, tensor.shape);
  }
  return tensor;
}

FileContents read(const ModelSource& source) {
  const ZipArchive archive(source.bytes, source.who);
  LooseWeights weights;
  std::string other;
  for (const ZipEntry& entry : archive.entries()) {
    if (!entry.name.ends_with(kSuffix)) continue;
    const std::string name(entry.name.substr(0, entry.name.size() - kSuffix.size()));
    const std::string who = fmt::format("{}: array '{}'", source.who, printable(name, 80));
    const std::vector<std::byte> bytes = archive.content(entry);
    const NpyArray array = parse_npy(bytes, who);
    const auto type = float_type(array.type);
    if (type) {
      weights.tensors.emplace_back(name, tensor_from(array, *type, who));
    } else if (other.empty() && array.content.size() > 8) {
      other = fmt::format("{}: type '{}': floats expected", who, printable(array.type, 20));
    }
  }
  if (!other.empty()) throw Error(other + (weights.tensors.empty() ? "; a data set?" : ""));
  if (weights.tensors.empty()) throw Error(fmt::format("{}: no arrays of floats", source.who));
  return weights;
}

// An archive whose first entry is an array.
bool recognises(std::span<const std::byte> head) {
  constexpr size_t kNameStart = 30;
  if (head.size() < kNameStart || std::memcmp(head.data(), "PK\3\4", 4) != 0) return false;
  uint16_t length = 0;
  std::memcpy(&length, &head[26], sizeof(length));
  if (length > head.size() - kNameStart) return false;
  return std::string_view(reinterpret_cast<const char*>(&head[kNameStart]), length)
      .ends_with(kSuffix);
}

}  // namespace

extern const Format kNpz;
const Format kNpz = {
    .name = "npz",
    .description = "NumPy's archive of arrays: weights alone",
    .suffixes = {".npz"},
    .recognises = recognises,
    .read = read,
};

}  // namespace mnist
