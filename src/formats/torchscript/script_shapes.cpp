// PyTorch's functions that change shapes. Axes count the batch as 0.
#include <fmt/format.h>

#include <limits>
#include <map>

#include "formats/torchscript/script_call.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;

int64_t elements(const Shape& shape) { return static_cast<int64_t>(element_count(shape)); }

ScriptValue same(const ScriptCall& call) { return call.argument(0); }

ScriptValue reshaped(const ScriptCall& call, const std::string& x, const Shape& shape) {
  if (shape == call.shape(x)) return {ScriptActivation{x}};
  if (shape.size() == 1) return call.node("Flatten", {x});
  return call.node("Reshape", {x}, {{"shape", shape}});
}

// The place of an axis, of which there are as many as the activation and the batch have.
size_t axis_of(const ScriptCall& call, const std::string& x, int64_t axis) {
  const auto rank = static_cast<int64_t>(call.shape(x).size()) + 1;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) call.fail(fmt::format("axis {} of {}", axis, rank));
  return static_cast<size_t>(axis);
}

// flatten(x, first, last)
ScriptValue flatten(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const Shape& shape = call.shape(x);
  const size_t first = axis_of(call, x, call.integer(1, 0, "start_dim"));
  const size_t last = axis_of(call, x, call.integer(2, -1, "end_dim"));
  if (first == 0 || last < first) call.fail("the images of a batch would become one");
  Shape flat(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(first) - 1);
  int64_t product = 1;
  for (size_t axis = first; axis <= last; ++axis) product *= shape[axis - 1];
  flat.push_back(product);
  flat.insert(flat.end(), shape.begin() + static_cast<std::ptrdiff_t>(last), shape.end());
  return reshaped(call, x, flat);
}

// Whether what the code says of the first extent leaves every image to itself. Code that was traced
// on one image says 1.
bool keeps_batch(const ScriptValue& first, int64_t whole, const Shape& shape, bool has_rest) {
  if (first.as<ScriptBatch>() != nullptr) return true;
  const auto* count = first.as<int64_t>();
  if (count == nullptr) return false;
  if (*count == 1) return true;
  return *count == -1 && !has_rest && elements(shape) == whole;
}

// view(x, shape), also with an extent of -1
ScriptValue view(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const auto* list = call.argument(1).as<ScriptList>();
  if (list == nullptr || list->items().empty()) call.fail("a list of extents expected");
  const int64_t whole = elements(call.shape(x));
  Shape shape;
  int64_t known = 1;
  size_t rest = 0;  // the place of -1, behind the batch
  for (size_t i = 1; i < list->items().size(); ++i) {
    const auto* extent = list->items()[i].as<int64_t>();
    if (extent == nullptr || (*extent < 1 && *extent != -1)) call.fail("extents expected");
    if (*extent == -1) {
      if (rest != 0) call.fail("two extents of -1");
      rest = i;
    } else if (*extent > whole / known) {
      call.fail("more elements than there are");
    } else {
      known *= *extent;
    }
    shape.push_back(*extent);
  }
  if (rest != 0) shape[rest - 1] = whole / known;
  if (elements(shape) != whole || !keeps_batch(list->items()[0], whole, shape, rest != 0)) {
    call.fail(fmt::format("{} cannot become {} for each image", to_string(call.shape(x)),
                          to_string(shape)));
  }
  return reshaped(call, x, shape);
}

ScriptValue squeeze(const ScriptCall& call) {
  const std::string x = call.activation(0);
  Shape shape = call.shape(x);
  if (call.is_none(1, "dim")) {
    std::erase(shape, 1);
  } else {
    const size_t axis = axis_of(call, x, call.integer(1, std::nullopt, "dim"));
    if (axis == 0) return call.argument(0);
    if (shape[axis - 1] == 1) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis) - 1);
  }
  return reshaped(call, x, shape);
}

ScriptValue unsqueeze(const ScriptCall& call) {
  const std::string x = call.activation(0);
  Shape shape = call.shape(x);
  const auto rank = static_cast<int64_t>(shape.size()) + 2;
  int64_t axis = call.integer(1, std::nullopt, "dim");
  if (axis < 0) axis += rank;
  if (axis < 1 || axis >= rank) call.fail(fmt::format("axis {}", axis));
  shape.insert(shape.begin() + axis - 1, 1);
  return reshaped(call, x, shape);
}

ScriptValue permuted(const ScriptCall& call, const Integers& order) {
  return call.node("Transpose", {call.activation(0)}, {{"perm", order}});
}

ScriptValue permute(const ScriptCall& call) { return permuted(call, call.list(1)); }

ScriptValue transpose(const ScriptCall& call) {
  const std::string x = call.activation(0);
  Integers order;
  for (size_t i = 0; i <= call.shape(x).size(); ++i) order.push_back(static_cast<int64_t>(i));
  std::swap(order[axis_of(call, x, call.integer(1))], order[axis_of(call, x, call.integer(2))]);
  return permuted(call, order);
}

// t(weight)
ScriptValue turned(const ScriptCall& call) {
  const auto* weight = call.argument(0).as<ScriptWeight>();
  if (weight == nullptr) call.fail("a weight expected");
  return {ScriptWeight{weight->name, !weight->transposed}};
}

// constant_pad_nd(x, pads, value), pad(x, pads, mode, value): pads of the last axis come first
ScriptValue pad(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const bool is_general = call.function() == "pad";
  const std::string mode = is_general ? call.text(2, "mode") : "";
  if (!mode.empty() && mode != "constant") call.fail("padding with a constant expected");
  const Integers pads = call.list(1);
  const size_t rank = call.shape(x).size() + 1;
  if (pads.size() % 2 != 0 || pads.size() / 2 >= rank) call.fail("two pads for each axis expected");
  Integers all(2 * rank, 0);
  for (size_t i = 0; i < pads.size() / 2; ++i) {
    all[rank - 1 - i] = pads[2 * i];
    all[2 * rank - 1 - i] = pads[2 * i + 1];
  }
  return call.node("Pad", {x},
                   {{"pads", all}, {"value", call.real(is_general ? 3 : 2, 0.0, "value")}});
}

// cat([x, ...], axis)
ScriptValue cat(const ScriptCall& call) {
  const auto* list = call.argument(0).as<ScriptList>();
  if (list == nullptr) call.fail("a list of activations expected");
  std::vector<std::string> inputs;
  for (const ScriptValue& item : list->items()) {
    const auto* activation = item.as<ScriptActivation>();
    if (activation == nullptr) call.fail("a list of activations expected");
    inputs.push_back(activation->value);
  }
  return call.node("Concat", inputs, {{"axis", call.integer(1, 0, "dim")}});
}

constexpr int64_t kToTheEnd = std::numeric_limits<int64_t>::max();

std::string part(const ScriptCall& call, const std::string& x, size_t axis, int64_t start,
                 int64_t end, int64_t step) {
  const ScriptValue value = call.node("Slice", {x},
                                      {{"starts", Integers{start}},
                                       {"ends", Integers{end}},
                                       {"axes", Integers{static_cast<int64_t>(axis)}},
                                       {"steps", Integers{step}}});
  return value.as<ScriptActivation>()->value;
}

// slice(x, axis, start, end, step), what x[:, 2:] is; all images are what the first axis can give.
ScriptValue slice(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const size_t axis = axis_of(call, x, call.integer(1, 0, "dim"));
  const int64_t start = call.integer(2, 0, "start");
  const int64_t end = call.integer(3, kToTheEnd, "end");
  const int64_t step = call.integer(4, 1, "step");
  if (start == 0 && end == kToTheEnd && step == 1) return call.argument(0);
  if (axis == 0) call.fail("some of the images");
  return {ScriptActivation{part(call, x, axis, start, end, step)}};
}

// select(x, axis, place), what x[:, 0] is.
ScriptValue select(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const size_t axis = axis_of(call, x, call.integer(1));
  const int64_t place = call.integer(2);
  if (axis == 0) call.fail("one of the images");
  Shape shape = call.shape(x);
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis) - 1);
  const std::string one = part(call, x, axis, place, place == -1 ? kToTheEnd : place + 1, 1);
  if (call.shape(one)[axis - 1] != 1 || shape.empty()) call.fail("a place that is not there");
  return reshaped(call, one, shape);
}

// chunk(x, count, axis)
ScriptValue chunk(const ScriptCall& call) {
  const std::string x = call.activation(0);
  const int64_t count = call.integer(1);
  const size_t axis = axis_of(call, x, call.integer(2, 0, "dim"));
  if (axis == 0) call.fail("some of the images");
  const int64_t extent = call.shape(x)[axis - 1];
  if (count < 1 || count > extent) call.fail(fmt::format("{} parts of {}", count, extent));
  const int64_t each = (extent + count - 1) / count;
  std::vector<ScriptValue> parts;
  for (int64_t start = 0; start < extent; start += each) {
    parts.push_back({ScriptActivation{part(call, x, axis, start, start + each, 1)}});
  }
  return {ScriptList(std::move(parts))};
}

// size(x) and size(x, axis)
ScriptValue size(const ScriptCall& call) {
  const std::string x = call.activation(0);
  std::vector<ScriptValue> extents = {{ScriptBatch()}};
  for (int64_t extent : call.shape(x)) extents.push_back({extent});
  if (call.is_none(1)) return {ScriptList(std::move(extents))};
  return extents[axis_of(call, x, call.integer(1))];
}

ScriptValue rank(const ScriptCall& call) {
  return {static_cast<int64_t>(call.shape(call.activation(0)).size() + 1)};
}

}  // namespace

std::optional<ScriptValue> call_shape(const ScriptCall& call) {
  static const ScriptMakers kMakers = {
      {"flatten", flatten},
      {"view", view},
      {"reshape", view},
      {"squeeze", squeeze},
      {"squeeze_", squeeze},
      {"unsqueeze", unsqueeze},
      {"unsqueeze_", unsqueeze},
      {"permute", permute},
      {"transpose", transpose},
      {"t", turned},
      {"constant_pad_nd", pad},
      {"pad", pad},
      {"cat", cat},
      {"chunk", chunk},
      {"select", select},
      {"slice", slice},
      {"size", size},
      {"dim", rank},
      {"dropout", same},
      {"dropout_", same},
      {"feature_dropout", same},
      {"feature_dropout_", same},
      {"alpha_dropout", same},
      {"contiguous", same},
      {"clone", same},
      {"detach", same},
      {"to", same},
      {"float", same},
      {"type_as", same},
      {"alias", same},
  };
  const bool of_activations =
      call.function() == "cat" || call.function() == "t" || call.is_activation(0);
  if (!of_activations) return std::nullopt;
  return call_from(kMakers, call);
}

}  // namespace mnist
