#include "formats/pytorch/numpy_array.h"

#include <fmt/format.h>

#include "base/text.h"
#include "formats/pytorch/tensor_layout.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// What an array is made of; null where something else stands in its place.
struct Parts {
  const PickleTuple* shape = nullptr;
  const PickleObject* type = nullptr;
  PickleRef content = nullptr;
  bool columns_first = false;  // Fortran's order
};

bool is_numpy(std::string_view name, std::string_view function) {
  for (std::string_view package : {"numpy.core.", "numpy._core."}) {
    if (name.starts_with(package) && name.substr(package.size()) == function) return true;
  }
  return false;
}

const PickleTuple* tuple_of(PickleRef value) {
  return value == nullptr ? nullptr : value->as<PickleTuple>();
}

// _reconstruct(...), and then as its state (version, shape, type, columns first, content); or
// _frombuffer(content, type, shape, "C" or "F").
Parts parts_of(PickleRef value) {
  const auto* object = value->as<PickleObject>();
  if (object == nullptr) return {};
  const PickleTuple* state = nullptr;
  Parts parts;
  if (is_numpy(object->type, "multiarray._reconstruct")) {
    state = tuple_of(object->state);
    if (state == nullptr || state->items.size() != 5) return {};
    const bool* order = state->items[3]->as<bool>();
    parts = {tuple_of(state->items[1]), state->items[2]->as<PickleObject>(), state->items[4],
             order != nullptr && *order};
  } else if (is_numpy(object->type, "numeric._frombuffer")) {
    state = tuple_of(object->arguments);
    if (state == nullptr || state->items.size() != 4) return {};
    const auto* order = state->items[3]->as<PickleText>();
    parts = {tuple_of(state->items[2]), state->items[1]->as<PickleObject>(), state->items[0],
             order != nullptr && order->text == "F"};
  }
  if (parts.type == nullptr || parts.type->type != "numpy.dtype") return {};
  return parts;
}

// "f4" of numpy.dtype("f4", ...).
std::string_view type_name(const Parts& parts) {
  const PickleTuple* arguments = tuple_of(parts.type->arguments);
  if (arguments == nullptr || arguments->items.empty()) return "";
  const auto* name = arguments->items[0]->as<PickleText>();
  return name == nullptr ? "" : name->text;
}

std::optional<StoredFloat> float_type(std::string_view name) {
  if (name == "f2") return StoredFloat::kF16;
  if (name == "f4") return StoredFloat::kF32;
  if (name == "f8") return StoredFloat::kF64;
  return std::nullopt;
}

// dtype's state: (version, byte order, ...).
bool is_big_endian(const Parts& parts) {
  const PickleTuple* state = tuple_of(parts.type->state);
  if (state == nullptr || state->items.size() < 2) return false;
  const auto* order = state->items[1]->as<PickleText>();
  return order != nullptr && order->text == ">";
}

TensorLayout layout_of(const Parts& parts, const std::string& place) {
  TensorLayout layout;
  for (PickleRef item : parts.shape->items) {
    const auto* extent = item->as<int64_t>();
    if (extent == nullptr) throw Error(fmt::format("{}: extents are integers", place));
    layout.shape.push_back(*extent);
  }
  stored_count(layout.shape, place);
  layout.strides.assign(layout.shape.size(), 1);
  int64_t stride = 1;
  for (size_t i = 0; i < layout.shape.size(); ++i) {
    const size_t axis = parts.columns_first ? i : layout.shape.size() - 1 - i;
    layout.strides[axis] = stride;
    stride *= layout.shape[axis];
  }
  return layout;
}

}  // namespace

bool is_numpy_array(PickleRef value) {
  const Parts parts = parts_of(value);
  return parts.shape != nullptr && parts.content->as<PickleText>() != nullptr;
}

PickleRef numpy_objects(PickleRef value) {
  const Parts parts = parts_of(value);
  const bool is_list = parts.content != nullptr && parts.content->as<PickleList>() != nullptr;
  return is_list ? parts.content : nullptr;
}

std::optional<Tensor> numpy_tensor(PickleRef value, size_t& values_left, const std::string& place) {
  const Parts parts = parts_of(value);
  const auto type = float_type(type_name(parts));
  if (!type) return std::nullopt;
  if (is_big_endian(parts)) {
    throw Error(fmt::format("{}: written in big-endian order, which is not supported", place));
  }
  const std::string_view content = parts.content->as<PickleText>()->text;
  const TensorLayout layout = layout_of(parts, place);
  const size_t needed = stored_count(layout.shape, place) * size_of(*type);
  if (content.size() != needed) {
    throw Error(fmt::format("{}: shape {} needs {} bytes, it has {}", place,
                            to_string(layout.shape), needed, content.size()));
  }
  return tensor_from_storage(layout, std::as_bytes(std::span(content.data(), content.size())),
                             *type, values_left, place);
}

}  // namespace mnist
