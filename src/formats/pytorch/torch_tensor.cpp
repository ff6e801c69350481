// From what a pickle says of a tensor to its values.
#include <fmt/format.h>

#include "base/text.h"
#include "formats/pytorch/numpy_array.h"
#include "formats/pytorch/tensor_layout.h"
#include "formats/pytorch/torch_file.h"
#include "mnist/error.h"

namespace mnist {
namespace {

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
    const bool is_wrapping =
        is_parameter_function(object->type) || object->type == "torch.jit._pickle.restore_type_tag";
    if (is_wrapping && !arguments->items.empty()) {
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

Shape integers(PickleRef value, const std::string& place) {
  const auto* tuple = value->as<PickleTuple>();
  if (tuple == nullptr) throw Error(fmt::format("{}: a tuple of extents expected", place));
  Shape shape;
  for (PickleRef item : tuple->items) {
    const auto* extent = item->as<int64_t>();
    if (extent == nullptr) throw Error(fmt::format("{}: extents are integers", place));
    shape.push_back(*extent);
  }
  return shape;
}

TensorLayout layout_of(const PickleTuple& arguments, const std::string& place) {
  const auto* offset = arguments.items[1]->as<int64_t>();
  if (offset == nullptr) throw Error(fmt::format("{}: an offset expected", place));
  return {integers(arguments.items[2], place), integers(arguments.items[3], place), *offset};
}

}  // namespace

bool TorchFile::is_tensor(PickleRef value) {
  return tensor_arguments(value) != nullptr || is_numpy_array(value);
}

bool TorchFile::is_number(PickleRef value) {
  const PickleTuple* arguments = tensor_arguments(value);
  if (arguments == nullptr || arguments->items.size() < 4) return false;
  const auto* extents = arguments->items[2]->as<PickleTuple>();
  return extents != nullptr && extents->items.empty();
}

std::optional<Tensor> TorchFile::tensor(PickleRef value, const std::string& name) {
  return tensor_in("data/", value, name);
}

std::optional<Tensor> TorchFile::constant(size_t index, const std::string& name) {
  return tensor_in("constants/", constants_[index], name);
}

std::optional<Tensor> TorchFile::tensor_in(std::string_view folder, PickleRef value,
                                           const std::string& name) {
  const std::string place = fmt::format("{}: tensor '{}'", who_, printable(name, 80));
  if (is_numpy_array(value)) return numpy_tensor(value, values_left_, place);
  const PickleTuple* arguments = tensor_arguments(value);
  const auto* storage = arguments == nullptr || arguments->items.size() < 4
                            ? nullptr
                            : arguments->items[0]->as<PickleStorage>();
  if (storage == nullptr) throw Error(fmt::format("{}: it has no storage", place));
  const auto type = float_type(storage->type);
  if (!type) return std::nullopt;
  const std::span<const std::byte> bytes = storage_bytes(folder, *storage, size_of(*type), place);
  return tensor_from_storage(layout_of(*arguments, place), bytes, *type, values_left_, place);
}

}  // namespace mnist
