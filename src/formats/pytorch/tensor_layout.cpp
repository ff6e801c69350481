#include "formats/pytorch/tensor_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostDimensions = 8;

void expect_sound(const TensorLayout& layout, const std::string& place) {
  const auto is_negative = [](int64_t extent) { return extent < 0; };
  if (layout.shape.size() > kMostDimensions) {
    throw Error(fmt::format("{}: at most {} extents expected", place, kMostDimensions));
  }
  if (layout.shape.size() != layout.strides.size()) {
    throw Error(fmt::format("{}: a stride for each extent expected", place));
  }
  if (layout.offset < 0 || std::any_of(layout.shape.begin(), layout.shape.end(), is_negative) ||
      std::any_of(layout.strides.begin(), layout.strides.end(), is_negative)) {
    throw Error(fmt::format("{}: an offset, extents and strides of 0 and more expected", place));
  }
}

// Throws unless every value lies within the storage's `count`.
void expect_inside(const TensorLayout& layout, uint64_t count, const std::string& place) {
  std::optional<uint64_t> last = static_cast<uint64_t>(layout.offset);
  for (size_t i = 0; i < layout.shape.size() && last; ++i) {
    if (layout.shape[i] == 0) return;
    const auto way = checked_multiply(static_cast<uint64_t>(layout.shape[i] - 1),
                                      static_cast<uint64_t>(layout.strides[i]));
    last = way ? checked_add(*last, *way) : std::nullopt;
  }
  if (!last || *last >= count) {
    throw Error(fmt::format(
        "{}: shape {}, strides {} and offset {} lead out of its storage of {} "
        "values",
        place, to_string(layout.shape), to_string(layout.strides), layout.offset, count));
  }
}

bool is_contiguous(const TensorLayout& layout) {
  int64_t stride = 1;
  for (size_t i = layout.shape.size(); i-- > 0;) {
    if (layout.shape[i] != 1 && layout.strides[i] != stride) return false;
    stride *= layout.shape[i];
  }
  return true;
}

// The tensor's bytes in the order of its extents.
std::vector<std::byte> gathered(const TensorLayout& layout, std::span<const std::byte> storage,
                                size_t each, size_t count) {
  std::vector<std::byte> bytes(count * each);
  Shape place(layout.shape.size(), 0);
  auto from = static_cast<uint64_t>(layout.offset);
  for (size_t to = 0; to < count; ++to) {
    std::memcpy(&bytes[to * each], &storage[from * each], each);
    for (size_t i = place.size(); i-- > 0;) {
      from += static_cast<uint64_t>(layout.strides[i]);
      if (++place[i] < layout.shape[i]) break;
      from -= static_cast<uint64_t>(layout.strides[i] * layout.shape[i]);
      place[i] = 0;
    }
  }
  return bytes;
}

}  // namespace

Tensor tensor_from_storage(const TensorLayout& layout, std::span<const std::byte> storage,
                           StoredFloat type, size_t& values_left, const std::string& place) {
  expect_sound(layout, place);
  const size_t each = size_of(type);
  const size_t count = stored_count(layout.shape, place);
  if (count == 0) return {layout.shape, {}};
  expect_inside(layout, storage.size() / each, place);
  // Strides of zero could make much of little.
  if (count > values_left || count > storage.size() / each) {
    throw Error(
        fmt::format("{}: {} values from a storage of {}: values that lie on each other are "
                    "not supported",
                    place, count, storage.size() / each));
  }
  values_left -= count;
  if (is_contiguous(layout)) {
    const auto start = static_cast<size_t>(layout.offset) * each;
    return {layout.shape, floats_from(storage.subspan(start, count * each), type)};
  }
  return {layout.shape, floats_from(gathered(layout, storage, each, count), type)};
}

}  // namespace mnist
