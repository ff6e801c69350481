// Constants, variables, and what computes shapes.
#include <fmt/format.h>

#include <cmath>

#include "formats/tensorflow/constants.h"
#include "formats/tensorflow/evaluation.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using Kind = TfConstant::Kind;

TfConstant integer_list(std::vector<int64_t> values) {
  TfConstant constant{.kind = Kind::kInteger, .shape = {static_cast<int64_t>(values.size())}};
  constant.integers = std::move(values);
  return constant;
}

TfValue unary_of_value(TfEvaluation& evaluation) {
  const std::string& op = evaluation.node().op;
  ChannelLastValue value = evaluation.value(0);
  if (op == "Square") {
    value.name = evaluation.add_node("Mul", {value.name, value.name});
  } else if (op == "Rsqrt") {
    const std::string root = evaluation.order().add_node("Sqrt", {value.name}, {}, "sqrt");
    value.name = evaluation.add_node("Reciprocal", {root});
  } else {
    value.name = evaluation.add_node(op, {value.name});  // Neg, Sqrt
  }
  return value;
}

}  // namespace

TfValue tf_const(TfEvaluation& evaluation) {
  const TfAttribute* value = evaluation.node().find("value");
  if (value == nullptr || value->constant == nullptr) evaluation.fail("its value is missing");
  return value->constant;
}

TfValue tf_variable(TfEvaluation& evaluation) {
  // Before TensorFlow 2 a variable is read by whoever uses it.
  if (evaluation.node().op != "VarHandleOp") return evaluation.variable(evaluation.node().name);
  return TfVariable{evaluation.node().name};
}

TfValue tf_read(TfEvaluation& evaluation) {
  const auto* variable =
      evaluation.inputs().empty() ? nullptr : std::get_if<TfVariable>(&evaluation.inputs()[0]);
  if (variable == nullptr) evaluation.fail("a variable expected");
  return evaluation.variable(variable->node);
}

TfValue tf_identity(TfEvaluation& evaluation) {
  if (evaluation.inputs().size() != 1) evaluation.fail("one input expected");
  return evaluation.inputs()[0];
}

// Among numbers that depend on the input there are floats only.
TfValue tf_cast(TfEvaluation& evaluation) {
  const TfAttribute* wanted = evaluation.node().find("DstT");
  const int64_t type = wanted == nullptr ? 0 : wanted->type;
  const bool to_float =
      type == kTfFloat || type == kTfDouble || type == kTfHalf || type == kTfBfloat16;
  if (!evaluation.is_constant(0)) {
    if (!to_float) evaluation.fail("floats expected");
    return evaluation.value(0);
  }
  TfConstant constant = evaluation.constant(0);
  if (to_float && constant.kind == Kind::kInteger) {
    constant.kind = Kind::kFloat;
    constant.floats.assign(constant.integers.begin(), constant.integers.end());
    constant.integers.clear();
  } else if (!to_float && constant.kind == Kind::kFloat) {
    constant.kind = Kind::kInteger;
    for (float value : constant.floats) {
      if (!(std::abs(value) < 0x1p53F)) evaluation.fail("integers within 2^53 expected");
      constant.integers.push_back(static_cast<int64_t>(value));
    }
    constant.floats.clear();
  }
  return evaluation.keep(std::move(constant));
}

TfValue tf_unary(TfEvaluation& evaluation) {
  if (!evaluation.is_constant(0)) return unary_of_value(evaluation);
  TfConstant constant = evaluation.constant(0);
  if (constant.kind != Kind::kFloat) evaluation.fail("floats expected");
  for (float& value : constant.floats) {
    const std::string& op = evaluation.node().op;
    value = op == "Neg"      ? -value
            : op == "Square" ? value * value
            : op == "Sqrt"   ? std::sqrt(value)
                             : 1.0F / std::sqrt(value);
  }
  return evaluation.keep(std::move(constant));
}

TfValue tf_shape(TfEvaluation& evaluation) {
  if (evaluation.is_constant(0)) return evaluation.keep(integer_list(evaluation.constant(0).shape));
  std::vector<int64_t> extents = {-1};
  const Shape& shape = evaluation.value(0).shape;
  extents.insert(extents.end(), shape.begin(), shape.end());
  return evaluation.keep(integer_list(extents));
}

// One element or a range of a list, as Shape's users take it.
TfValue tf_slice_list(TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  const std::vector<int64_t> list = evaluation.integers(0);
  const std::vector<int64_t> begins = evaluation.integers(1);
  const std::vector<int64_t> ends = evaluation.integers(2);
  const std::vector<int64_t> steps = evaluation.integers(3);
  if (evaluation.constant(0).shape.size() != 1 || begins.size() != 1 || ends.size() != 1 ||
      steps != std::vector<int64_t>{1} || node.integer("ellipsis_mask", 0) != 0 ||
      node.integer("new_axis_mask", 0) != 0) {
    evaluation.fail("a range of a list expected");
  }
  const auto count = static_cast<int64_t>(list.size());
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + count : at, 0, count);
  };
  const int64_t begin = (node.integer("begin_mask", 0) & 1) != 0 ? 0 : place(begins[0]);
  const int64_t end = (node.integer("end_mask", 0) & 1) != 0 ? count : place(ends[0]);
  if ((node.integer("shrink_axis_mask", 0) & 1) != 0) {
    if (begin >= count) evaluation.fail("an element of the list expected");
    TfConstant one{.kind = Kind::kInteger, .shape = {}};
    one.integers = {list[static_cast<size_t>(begin)]};
    return evaluation.keep(std::move(one));
  }
  return evaluation.keep(integer_list({list.begin() + begin, list.begin() + std::max(begin, end)}));
}

TfValue tf_pack(TfEvaluation& evaluation) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < evaluation.inputs().size(); ++i) {
    if (!evaluation.constant(i).shape.empty()) evaluation.fail("single integers expected");
    values.push_back(evaluation.integers(i).at(0));
  }
  return evaluation.keep(integer_list(values));
}

// Elements of a list.
TfValue tf_gather(TfEvaluation& evaluation) {
  const std::vector<int64_t> list = evaluation.integers(0);
  const std::vector<int64_t> axis = evaluation.integers(2);
  if (evaluation.constant(0).shape.size() != 1 || axis != std::vector<int64_t>{0}) {
    evaluation.fail("elements of a list expected");
  }
  TfConstant result{.kind = Kind::kInteger, .shape = evaluation.constant(1).shape};
  for (int64_t place : evaluation.integers(1)) {
    if (place < 0 || place >= static_cast<int64_t>(list.size())) {
      evaluation.fail(fmt::format("place {} in a list of {}", place, list.size()));
    }
    result.integers.push_back(list[static_cast<size_t>(place)]);
  }
  return evaluation.keep(std::move(result));
}

TfValue tf_product(TfEvaluation& evaluation) {
  int64_t product = 1;
  for (int64_t value : evaluation.integers(0)) {
    if (__builtin_mul_overflow(product, value, &product)) evaluation.fail("a product over 2^63");
  }
  TfConstant result{.kind = Kind::kInteger, .shape = {}};
  result.integers = {product};
  return evaluation.keep(std::move(result));
}

}  // namespace mnist
