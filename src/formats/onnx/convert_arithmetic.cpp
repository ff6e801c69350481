#include <fmt/format.h>

#include <algorithm>
#include <cfloat>

#include "formats/onnx/conversions.h"

namespace mnist {
namespace {

bool compares(const std::string& type) {
  return type == "Equal" || type.starts_with("Greater") || type.starts_with("Less");
}

// Operator sets before 7 align the second input at the attribute `axis` where `broadcast` is 1.
OnnxConstant aligned(const OnnxCall& call, OnnxConstant constant, const OnnxValue& other) {
  if (call.node.opset() >= 7 || !call.node.has("axis")) return constant;
  const size_t rank = call.full_shape(other).size();
  const size_t axis = call.node.axis(call.node.integer("axis", 0), rank);
  while (constant.shape.size() + axis < rank) constant.shape.push_back(1);
  return constant;
}

// The document's name of operand `i`, which meets the activation `other`: a constant as a weight,
// an activation with as many extents.
std::string operand(const OnnxCall& call, size_t i, const OnnxValue& other) {
  if (!call.is_constant(i)) {
    const OnnxValue& value = call.activation(i);
    Shape shape = call.shape(value);
    const size_t rank = call.shape(other).size();
    if (shape.size() >= rank) return value.name;
    if (value.leads && other.leads && call.graph.batch() != 1) {
      call.node.fail("inputs of different ranks, which would mix images");
    }
    shape.insert(shape.begin(), rank - shape.size(), 1);
    return call.add("Reshape", {value.name}, {{"shape", shape}});
  }
  const OnnxConstant constant = aligned(call, call.constant(i), other);
  if (constant.shape == call.constant(i).shape) return call.weight(i);
  return call.weight(call.value(i).name, constant);
}

// Images along another axis than the first meet their like, and what is the same for all of them.
void expect_same_batch_axis(const OnnxCall& call, size_t a, size_t b) {
  for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)}) {
    if (call.is_constant(one)) continue;
    const OnnxValue& value = call.activation(one);
    const bool fits = call.is_constant(other)
                          ? value.batch_axis == 0 || call.constant(other).shape.size() <= 1
                          : value.batch_axis == call.activation(other).batch_axis;
    if (!fits) call.node.fail("inputs with the images along different axes");
  }
}

// The activation that decides what comes out of `a` and `b`: the one with the larger shape.
const OnnxValue& leading(const OnnxCall& call, size_t a, size_t b) {
  if (call.is_constant(a)) return call.activation(b);
  if (call.is_constant(b)) return call.activation(a);
  const OnnxValue& left = call.activation(a);
  const OnnxValue& right = call.activation(b);
  if (right.leads != left.leads) return right.leads ? right : left;
  return call.shape(right).size() > call.shape(left).size() ? right : left;
}

}  // namespace

void convert_pair(OnnxCall& call) {
  if (call.input_count() != 2) call.node.fail("two inputs expected");
  const std::string& type = call.node.node().type;
  expect_same_batch_axis(call, 0, 1);
  OnnxValue result = leading(call, 0, 1);
  if (compares(type)) result.type = OnnxType::kBool;
  const OnnxValue& other = leading(call, 0, 1);
  result.name = call.add(type, {operand(call, 0, other), operand(call, 1, other)},
                         call.attributes({"axis", "broadcast", "consumed_inputs"}));
  call.set(std::move(result));
}

// ---- truth values, which are 0 and 1 ----

namespace {

void convert_as(OnnxCall& call, const char* type) {
  OnnxValue result = leading(call, 0, 1);
  const OnnxValue other = result;
  result.name = call.add(type, {operand(call, 0, other), operand(call, 1, other)});
  call.set(std::move(result));
}

std::string one(const OnnxCall& call) {
  OnnxConstant constant;
  constant.shape = {1};
  constant.reals = {1};
  return call.weight(call.node.label() + ".one", constant);
}

}  // namespace

void convert_and(OnnxCall& call) { convert_as(call, "Mul"); }
void convert_or(OnnxCall& call) { convert_as(call, "Max"); }

void convert_not(OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  call.set_like(x, call.add("Sub", {one(call), x.name}));
}

// condition x yes + (1 - condition) x no
void convert_where(OnnxCall& call) {
  const OnnxValue condition = call.activation(0);
  for (size_t i : {1U, 2U}) {
    const OnnxValue& value = call.value(i);
    if (value.constant == nullptr && call.full_shape(value) != call.full_shape(condition)) {
      call.node.fail("a condition and inputs of one shape expected");
    }
  }
  const std::string yes = call.add("Mul", {condition.name, operand(call, 1, condition)});
  const std::string otherwise = call.add("Sub", {one(call), condition.name});
  const std::string no = call.add("Mul", {otherwise, operand(call, 2, condition)});
  OnnxValue result = condition;
  result.type = call.value(1).type;
  result.name = call.add("Add", {yes, no});
  call.set(std::move(result));
}

void convert_sum(OnnxCall& call) {
  const std::string& type = call.node.node().type;
  const std::string pair = type == "Max" || type == "Min" ? type : "Add";
  // One that depends on the image comes first; the order changes nothing else.
  size_t first = 0;
  while (call.has(first) && call.is_constant(first)) ++first;
  OnnxValue result = call.activation(first);
  for (size_t i = 0; i < call.input_count(); ++i) {
    if (i == first) continue;
    result.leads = result.leads || (!call.is_constant(i) && call.activation(i).leads);
    result.name = call.add(pair, {result.name, operand(call, i, result)});
  }
  if (type == "Mean") {
    OnnxConstant share;
    share.reals = {1.0F / static_cast<float>(call.input_count())};
    result.name = call.add("Mul", {result.name, call.weight(call.node.label() + ".share", share)});
  }
  call.set(std::move(result));
}

void convert_clip(OnnxCall& call) {
  const OnnxValue& x = call.activation(0);
  Attributes attributes;
  const std::optional<float> least = call.number("min", 1);
  const std::optional<float> most = call.number("max", 2);
  if (least && *least > -FLT_MAX) attributes["min"] = double{*least};
  if (most && *most < FLT_MAX) attributes["max"] = double{*most};
  call.set_like(x, call.add("Clip", {x.name}, std::move(attributes)));
}

void convert_softmax(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const std::string& type = call.node.node().type;
  const Shape full = call.full_shape(x);
  const bool is_old = call.node.opset() < 13;
  const int64_t axis = call.node.integer("axis", is_old ? 1 : -1);
  const size_t place = call.node.axis(axis, full.size());
  // Operator sets before 13 take everything from the axis on as one list.
  const bool is_list = std::all_of(full.begin() + static_cast<ptrdiff_t>(place) + 1, full.end(),
                                   [](int64_t extent) { return extent == 1; });
  if (!is_old || is_list) {
    const int64_t document = call.document_axis(x, axis);
    const bool is_last = static_cast<size_t>(document) == call.shape(x).size();
    Attributes attributes;
    if (!is_last) attributes["axis"] = document;
    call.set_like(x, call.add(type, {x.name}, std::move(attributes)));
    return;
  }
  Shape list(full.begin(), full.begin() + static_cast<ptrdiff_t>(place));
  int64_t rest = 1;
  for (size_t i = place; i < full.size(); ++i) rest *= full[i];
  if (rest < 0) call.node.fail("works along the batch, which would mix images");
  list.push_back(rest);
  OnnxValue value = call.reshaped(x, list);
  value.name = call.add(type, {value.name});
  call.set(call.reshaped(value, full));
}

void convert_reduce(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  const Shape full = call.full_shape(x);
  const std::vector<int64_t> wanted = call.integers("axes", 1);
  if (wanted.empty() && call.node.integer("noop_with_empty_axes", 0) != 0) {
    call.set(x);
    return;
  }
  const bool keeps = call.node.integer("keepdims", 1) != 0;
  std::vector<int64_t> axes;
  Shape kept = full;  // with extents of 1
  Shape result;       // without them
  const std::vector<size_t> places = call.node.axes(wanted, full.size());
  for (size_t place = 0; place < full.size(); ++place) {
    if (!std::binary_search(places.begin(), places.end(), place)) {
      result.push_back(full[place]);
    } else if (x.leads && place == 0) {
      // Of a single image, or for one at a time.
      if (full[0] != 1 && full[0] != kOpenBatch) call.document_axis(x, 0);
      call.graph.note("onnx.batch", "as for a single image, where the network mixes several");
      if (full[0] == kOpenBatch && !keeps) result.push_back(kOpenBatch);
    } else {
      axes.push_back(call.document_axis(x, static_cast<int64_t>(place)));
      kept[place] = 1;
    }
  }
  if (axes.empty()) {
    call.set(call.reshaped(x, keeps ? kept : result));
    return;
  }
  OnnxValue value = x;
  value.name =
      call.add(call.node.node().type, {x.name}, {{"axes", axes}, {"keepdims", int64_t{1}}});
  if (!keeps) value = call.reshaped(value, result);
  call.set(std::move(value));
}

// ONNX's default axes count the batch in; what is normalised here is one image.
void convert_mean_variance(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  std::vector<int64_t> wanted = call.node.integers("axes");
  if (wanted.empty()) wanted = {0, 2, 3};
  const Shape full = call.full_shape(x);
  std::vector<int64_t> axes;
  for (size_t place : call.node.axes(wanted, full.size())) {
    if (x.leads && place == 0) {
      call.graph.note("onnx.batch", "as for a single image, where the network mixes several");
    } else {
      axes.push_back(call.document_axis(x, static_cast<int64_t>(place)));
    }
  }
  call.set_like(x, call.add("MeanVarianceNormalization", {x.name}, {{"axes", axes}}));
}

void convert_arg_max(OnnxCall& call) {
  OnnxValue x = call.activation(0);
  const int64_t axis = call.document_axis(x, call.node.integer("axis", 0));
  Attributes attributes = call.attributes({"axis"});
  attributes["axis"] = axis;
  x.name = call.add("ArgMax", {x.name}, std::move(attributes));
  x.type = OnnxType::kInt64;
  call.set(std::move(x));
}

void convert_axis_norm(OnnxCall& call) {
  const OnnxValue x = call.activation(0);
  Attributes attributes = call.attributes({"axis", "stash_type"});
  const int64_t axis = call.document_axis(x, call.node.integer("axis", -1));
  if (static_cast<size_t>(axis) != call.shape(x).size()) attributes["axis"] = axis;
  std::vector<std::string> inputs = {x.name};
  for (size_t i = 1; i < call.input_count(); ++i) inputs.push_back(call.weight(i));
  call.set_like(x, call.add(call.node.node().type, std::move(inputs), std::move(attributes)));
}

}  // namespace mnist
