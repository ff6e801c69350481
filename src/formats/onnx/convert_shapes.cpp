#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "formats/onnx/conversions.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// A target of Reshape whose zeros are resolved: extents, of which one may be left to the others.
constexpr int64_t kRest = -1;
// The number of images, as a target says it.
constexpr int64_t kBatch = -2;

std::vector<int64_t> reshape_target(const OnnxCall& call) {
  if (call.node.has("shape")) return call.node.integers("shape");
  const OnnxConstant& target = call.constant(1);
  if (!is_whole(target.type) || target.shape.size() > 1) {
    call.node.fail("input 1: a list of integers expected");
  }
  std::vector<int64_t> result;
  for (size_t i = 0; i < target.size(); ++i) {
    if (!target.has_batch(i)) {
      result.push_back(target.whole[i]);
    } else if (target.batches[i] == 1 && target.whole[i] == 0) {
      result.push_back(kBatch);
    } else {
      call.node.fail("its shape computes with the number of images");
    }
  }
  return result;
}

void resolve_zeros(const OnnxCall& call, const Shape& from, size_t batch_axis,
                   std::vector<int64_t>& target) {
  if (call.node.integer("allowzero", 0) != 0) return;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] != 0) continue;
    if (i >= from.size()) call.node.fail("its shape has a 0 beyond the input's dimensions");
    const bool is_batch = i == batch_axis && from[i] == call.graph.batch();
    target[i] = is_batch ? kBatch : from[i];
  }
}

// Extents of an image that hold `count` elements; nothing where they cannot.
std::optional<Shape> filled(const std::vector<int64_t>& extents, size_t count) {
  Shape shape = extents;
  int64_t* rest = nullptr;
  uint64_t product = 1;
  for (int64_t& extent : shape) {
    if (extent == kRest && rest == nullptr) {
      rest = &extent;
      continue;
    }
    if (extent < 1 || static_cast<uint64_t>(extent) > count) return std::nullopt;
    product *= static_cast<uint64_t>(extent);  // both at most 2^31
    if (product > count) return std::nullopt;
  }
  if (rest != nullptr && count % product == 0) {
    *rest = static_cast<int64_t>(count / product);
    product = count;
  }
  if (product != count) return std::nullopt;
  return shape;
}

// How many of an image's values lie before each step of the axis `end` of a full shape.
int64_t values_before(const Shape& shape, size_t end) {
  int64_t product = 1;
  for (size_t i = 0; i < end; ++i) {
    // A rest or an unknown is no number; nothing is before a 0.
    if (shape[i] < 1 || product > INT32_MAX / shape[i]) return 0;
    product *= shape[i];
  }
  return product;
}

// A shape after a change, and where the batch is in it: it is followed under an extent that no
// other axis has.
struct Moved {
  Shape shape;
  size_t batch_axis;
};
template <typename Change>
Moved with_batch_followed(const OnnxCall& call, const OnnxValue& value, Change change) {
  Shape shape = call.full_shape(value);
  if (!value.leads || call.graph.batch() == 1) return {change(shape), 0};
  shape[value.batch_axis] = kOpenBatch;
  Shape changed = change(shape);
  const auto place = std::find(changed.begin(), changed.end(), kOpenBatch);
  if (place == changed.end()) call.node.fail("takes the batch away");
  const auto axis = static_cast<size_t>(place - changed.begin());
  changed[axis] = call.graph.batch();
  return {std::move(changed), axis};
}

// Whether `lead`, the first of a target's extents, may be the number of images.
bool may_be_batch(const OnnxCall& call, int64_t lead, bool rest_is_open) {
  const int64_t batch = call.graph.batch();
  if (lead == kBatch || lead == batch) return true;
  if (lead == kRest) return !rest_is_open;
  return lead == 1 && batch == kOpenBatch;
}

}  // namespace

void convert_alias(OnnxCall& call) {
  const OnnxValue& value = call.activation(0);
  call.set(value);
}

void convert_cast(OnnxCall& call) {
  const auto type = static_cast<OnnxType>(call.node.integer("to", 0));
  OnnxValue value = call.activation(0);
  if (!is_real(type) && !is_whole(type)) {
    call.node.fail("to " + to_string(type) + ": not a type of numbers");
  }
  // What is whole already stays as it is, and what is real keeps float32's precision.
  const bool fits = is_real(type) ||
                    (is_whole(value.type) && range_of(type).least <= range_of(value.type).least &&
                     range_of(type).most >= range_of(value.type).most);
  if (!fits) {
    call.node.fail(fmt::format("from {} to {}: values that depend on the image are not rounded",
                               to_string(value.type), to_string(type)));
  }
  value.type = type;
  call.set(std::move(value));
}

void convert_shape(OnnxCall& call) {
  const Shape shape = call.full_shape(call.activation(0));
  const auto rank = static_cast<int64_t>(shape.size());
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = place(call.node.integer("start", 0));
  const int64_t end = std::max(start, place(call.node.integer("end", rank)));
  OnnxConstant result = whole_constant({end - start}, {shape.begin() + start, shape.begin() + end});
  const auto open = std::find(result.whole.begin(), result.whole.end(), kOpenBatch);
  if (open != result.whole.end()) {
    *open = 0;
    result.batches.assign(result.whole.size(), 0);
    result.batches[static_cast<size_t>(open - result.whole.begin())] = 1;
  }
  call.set({std::make_shared<OnnxConstant>(std::move(result)), call.node.label(), OnnxType::kInt64,
            false});
}

void convert_size(OnnxCall& call) {
  const OnnxValue& value = call.activation(0);
  const auto image = static_cast<int64_t>(element_count(call.shape(value)));
  OnnxConstant result = whole_constant({}, {image});
  if (value.leads && call.graph.batch() == kOpenBatch) {
    result.whole = {0};
    result.batches = {image};
  } else if (value.leads) {
    result.whole = {image * call.graph.batch()};  // both below 2^31
  }
  call.set({std::make_shared<OnnxConstant>(std::move(result)), call.node.label(), OnnxType::kInt64,
            false});
}

void convert_reshape(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Shape from = call.full_shape(value);
  std::vector<int64_t> target = reshape_target(call);
  const std::vector<int64_t> given = target;
  resolve_zeros(call, from, value.leads ? value.batch_axis : 0, target);
  const size_t count = element_count(call.shape(value));
  // Usually the first extent is the batch and the others are an image's. In any case what lies
  // before the batch stays there.
  const int64_t before = value.leads ? values_before(from, value.batch_axis) : 1;
  for (size_t axis = 0; axis < target.size(); ++axis) {
    if (values_before(target, axis) != before) continue;
    std::vector<int64_t> rest = target;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(axis));
    const bool open = std::find(rest.begin(), rest.end(), kRest) != rest.end();
    const std::optional<Shape> image = filled(rest, count);
    if (image && may_be_batch(call, target[axis], open)) {
      Shape full = *image;
      full.insert(full.begin() + static_cast<ptrdiff_t>(axis), call.graph.batch());
      call.set(call.reshaped(value, full, axis));
      return;
    }
    if (call.graph.batch() == 1) break;  // no place is the batch's own
  }
  for (int64_t& extent : target) extent = extent == kBatch ? 1 : extent;
  const std::optional<Shape> single = filled(target, count);
  if (call.graph.batch() != 1 || !single) {
    call.node.fail(fmt::format("{} to {} does not keep each image's values together",
                               to_string(from), to_string(given)));
  }
  call.set(call.reshaped(value, *single));
}

void convert_flatten(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Shape from = call.full_shape(value);
  const int64_t wanted = call.node.integer("axis", 1);
  const auto rank = static_cast<int64_t>(from.size());
  const size_t axis = wanted == rank ? from.size() : call.node.axis(wanted, from.size());
  const auto middle = from.begin() + static_cast<ptrdiff_t>(axis);
  const auto product = [](auto begin, auto end) {
    return std::accumulate(begin, end, int64_t{1}, std::multiplies<>());
  };
  int64_t lead = product(from.begin(), middle);
  int64_t rest = product(middle, from.end());
  if (rest < 0) {  // axis 0 of an open number of images makes sense for one only
    lead = kOpenBatch;
    rest = -rest;
  }
  call.set(call.reshaped(value, {lead, rest}));
}

void convert_squeeze(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Moved moved = with_batch_followed(call, value, [&](const Shape& shape) {
    return onnx_squeezed(call.node, shape, call.integers("axes", 1));
  });
  call.set(call.reshaped(value, moved.shape, moved.batch_axis));
}

void convert_unsqueeze(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Moved moved = with_batch_followed(call, value, [&](const Shape& shape) {
    return onnx_unsqueezed(call.node, shape, call.integers("axes", 1));
  });
  call.set(call.reshaped(value, moved.shape, moved.batch_axis));
}

void convert_transpose(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Shape from = call.full_shape(value);
  std::vector<int64_t> order = call.node.integers("perm");
  if (order.empty()) {
    for (size_t axis = from.size(); axis-- > 0;) order.push_back(static_cast<int64_t>(axis));
  }
  if (order.size() != from.size()) call.node.fail("perm: an entry for every axis expected");
  call.node.axes(order, from.size());  // none twice
  Shape to;
  std::vector<int64_t> moved;  // axes that are longer than 1, in their new order
  for (int64_t each : order) {
    const size_t axis = call.node.axis(each, from.size());
    to.push_back(from[axis]);
    if (from[axis] != 1) moved.push_back(static_cast<int64_t>(axis));
  }
  size_t batch_axis = 0;
  std::vector<int64_t> document_order = {0};
  for (size_t place = 0; place < order.size(); ++place) {
    const size_t axis = call.node.axis(order[place], from.size());
    if (value.leads && axis == value.batch_axis) {
      batch_axis = place;
    } else {
      document_order.push_back(call.document_axis(value, static_cast<int64_t>(axis)));
    }
  }
  // Where only axes of 1 change their places, the values stay where they are.
  if (std::is_sorted(moved.begin(), moved.end()) && (batch_axis == 0 || call.graph.batch() == 1)) {
    call.set(call.reshaped(value, to));
    return;
  }
  if (batch_axis != 0 && call.graph.batch() == 1) call.node.fail("moves the batch");
  OnnxValue result = value;
  result.batch_axis = batch_axis;
  if (!std::is_sorted(document_order.begin(), document_order.end())) {
    result.name = call.add("Transpose", {value.name}, {{"perm", document_order}});
  }
  call.set(std::move(result));
}

void convert_expand(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  const Shape from = call.full_shape(value);
  const OnnxConstant& target = call.constant(1);
  if (!is_whole(target.type) || target.shape.size() > 1) call.node.fail("extents expected");
  Shape wanted = target.whole;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!target.has_batch(i)) continue;
    if (target.batches[i] != 1 || wanted[i] != 0) {
      call.node.fail("its shape computes with the number of images");
    }
    wanted[i] = kOpenBatch;
  }
  Shape to = onnx_broadcast(call.node, from, wanted);
  if (to.size() != from.size() || (value.leads && to[0] != from[0])) {
    call.node.fail(
        fmt::format("from {} to {}, which would repeat images", to_string(from), to_string(to)));
  }
  if (to == from) {
    call.set(value);
    return;
  }
  if (value.leads) to.erase(to.begin());
  call.set_like(value, call.add("Expand", {value.name}, {{"shape", to}}));
}

void convert_tile(OnnxCall& call) {
  const OnnxValue value = call.activation(0);
  std::vector<int64_t> repeats = call.integers("repeats", 1);
  if (repeats.size() != call.full_shape(value).size()) {
    call.node.fail("a repeat for every axis expected");
  }
  if (!value.leads) repeats.insert(repeats.begin(), 1);
  if (repeats[0] != 1) call.node.fail("repeats images");
  call.set_like(value, call.add("Tile", {value.name}, {{"repeats", repeats}}));
}

}  // namespace mnist
