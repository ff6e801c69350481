// From what a pickle says of a tensor to its values.
#include <fmt/format.h>

#include <cstring>

#include "base/bytes.h"
#include "base/text.h"
#include "formats/pytorch/torch_file.h"
#include "formats/stored_floats.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kMostDimensions = 8;

bool is_tensor_function(std::string_view name) {
  return name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor";
}

// A function called with the tensor as its first argument.
bool is_parameter_function(std::string_view name) {
  return name == "torch._utils._rebuild_parameter" || name == "torch.nn.parameter.Parameter" ||
         name == "torch._utils._rebuild_parameter_with_state";
}

// The arguments of the call that made the tensor: (storage, offset, size, stride, ...). Null if the
// value is no tensor.
const PickleTuple* tensor_arguments(PickleRef value) {
  constexpr int kMostWrappings = 4;
  for (int i = 0; i < kMostWrappings; ++i) {
    const auto* object = value->as<PickleObject>();
    if (object == nullptr) return nullptr;
    const auto* arguments = object->arguments->as<PickleTuple>();
    if (is_tensor_function(object->type)) return arguments;
    if (is_parameter_function(object->type) && !arguments->items.empty()) {
      value = arguments->items[0];
    } else if (object->type == "torch.jit._pickle.restore_type_tag" && !arguments->items.empty()) {
      value = arguments->items[0];
    } else if (object->type == "torch._tensor._rebuild_from_type_v2" &&
               arguments->items.size() >= 3) {
      // (function, type, arguments, state)
      const auto* function = arguments->items[0]->as<PickleGlobal>();
      const auto* inner = arguments->items[2]->as<PickleTuple>();
      if (function == nullptr || inner == nullptr) return nullptr;
      if (is_tensor_function(function->name)) return inner;
      if (!is_parameter_function(function->name) || inner->items.empty()) return nullptr;
      value = inner->items[0];
    } else {
      return nullptr;
    }
  }
  return nullptr;
}

std::optional<StoredFloat> float_type(std::string_view storage) {
  storage.remove_prefix(storage.rfind('.') + 1);
  if (storage == "FloatStorage") return StoredFloat::kF32;
  if (storage == "DoubleStorage") return StoredFloat::kF64;
  if (storage == "HalfStorage") return StoredFloat::kF16;
  if (storage == "BFloat16Storage") return StoredFloat::kBF16;
  return std::nullopt;
}

// Where a tensor lies in its storage.
struct Layout {
  Shape shape;
  Shape strides;
  uint64_t offset = 0;
};

Shape integers(PickleRef value, const std::string& place) {
  const auto* tuple = value->as<PickleTuple>();
  if (tuple == nullptr || tuple->items.size() > kMostDimensions) {
    throw Error(fmt::format("{}: a tuple of at most {} extents expected", place, kMostDimensions));
  }
  Shape shape;
  for (PickleRef item : tuple->items) {
    const auto* extent = item->as<int64_t>();
    if (extent == nullptr || *extent < 0) {
      throw Error(fmt::format("{}: extents and strides of 0 and more expected", place));
    }
    shape.push_back(*extent);
  }
  return shape;
}

Layout layout_of(const PickleTuple& arguments, const std::string& place) {
  const auto* offset = arguments.items[1]->as<int64_t>();
  Layout layout{integers(arguments.items[2], place), integers(arguments.items[3], place), 0};
  if (offset == nullptr || *offset < 0 || layout.shape.size() != layout.strides.size()) {
    throw Error(fmt::format("{}: an offset, and a stride for each extent expected", place));
  }
  layout.offset = static_cast<uint64_t>(*offset);
  return layout;
}

// Throws unless every value lies within the storage's `count`.
void expect_inside(const Layout& layout, uint64_t count, const std::string& place) {
  std::optional<uint64_t> last = layout.offset;
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

bool is_contiguous(const Layout& layout) {
  int64_t stride = 1;
  for (size_t i = layout.shape.size(); i-- > 0;) {
    if (layout.shape[i] != 1 && layout.strides[i] != stride) return false;
    stride *= layout.shape[i];
  }
  return true;
}

// The tensor's bytes in the order of its extents.
std::vector<std::byte> gathered(const Layout& layout, std::span<const std::byte> storage,
                                size_t each, size_t count) {
  std::vector<std::byte> bytes(count * each);
  Shape place(layout.shape.size(), 0);
  uint64_t from = layout.offset;
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

bool TorchFile::is_tensor(PickleRef value) { return tensor_arguments(value) != nullptr; }

std::optional<Tensor> TorchFile::tensor(PickleRef value, const std::string& name) {
  const std::string place = fmt::format("{}: tensor '{}'", who_, printable(name, 80));
  const PickleTuple* arguments = tensor_arguments(value);
  const auto* storage = arguments == nullptr || arguments->items.size() < 4
                            ? nullptr
                            : arguments->items[0]->as<PickleStorage>();
  if (storage == nullptr) throw Error(fmt::format("{}: it has no storage", place));
  const auto type = float_type(storage->type);
  if (!type) return std::nullopt;
  const size_t each = size_of(*type);
  const std::span<const std::byte> bytes = storage_bytes(*storage, each, place);
  const Layout layout = layout_of(*arguments, place);
  const size_t count = element_count(layout.shape);
  if (count == 0) return Tensor{layout.shape, {}};
  expect_inside(layout, bytes.size() / each, place);
  // Strides of zero could make much of little.
  if (count > values_left_ || count > bytes.size() / each) {
    throw Error(
        fmt::format("{}: {} values from a storage of {}: values that lie on each other are "
                    "not supported",
                    place, count, bytes.size() / each));
  }
  values_left_ -= count;
  if (is_contiguous(layout)) {
    return Tensor{layout.shape,
                  floats_from(bytes.subspan(layout.offset * each, count * each), *type)};
  }
  return Tensor{layout.shape, floats_from(gathered(layout, bytes, each, count), *type)};
}

}  // namespace mnist
