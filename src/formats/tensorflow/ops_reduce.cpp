// Means, sums and extremes over some axes.
#include <fmt/format.h>

#include <algorithm>

#include "formats/tensorflow/evaluation.h"

namespace mnist {
namespace {

struct Reduction {
  const char* op;
  const char* type;
  const char* of_planes;  // over rows and columns, null where there is no such node
};
constexpr Reduction kReductions[] = {
    {"Max", "ReduceMax", "GlobalMaxPool"},
    {"Mean", "ReduceMean", "GlobalAveragePool"},
    {"Min", "ReduceMin", nullptr},
    {"Sum", "ReduceSum", nullptr},
};

// In rising order, the batch being 0.
std::vector<int64_t> read_axes(const TfEvaluation& evaluation, int64_t rank) {
  std::vector<int64_t> axes = evaluation.integers(1);
  for (int64_t& axis : axes) {
    axis += axis < 0 ? rank : 0;
    if (axis < 1 || axis >= rank) evaluation.fail("axes behind the batch expected");
  }
  std::sort(axes.begin(), axes.end());
  if (axes.empty() || std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    evaluation.fail("each axis once expected");
  }
  return axes;
}

// With an extent of 1 for what was reduced.
ChannelLastValue reduced(TfEvaluation& evaluation, const Reduction& reduction,
                         ChannelLastValue value, std::vector<int64_t> axes) {
  constexpr int64_t kPlanesAxes[] = {0, 2, 3, 1};
  for (int64_t axis : axes) value.shape[static_cast<size_t>(axis - 1)] = 1;
  const bool is_position = value.is_planes && axes == std::vector<int64_t>{1, 2};
  if (is_position && reduction.of_planes != nullptr) {
    value.name = evaluation.add_node(reduction.of_planes, {value.name});
    return value;
  }
  if (value.is_planes) {
    for (int64_t& axis : axes) axis = kPlanesAxes[axis];
    std::sort(axes.begin(), axes.end());
  }
  value.flattened.clear();  // there is one element left
  value.name =
      evaluation.add_node(reduction.type, {value.name}, {{"axes", axes}, {"keepdims", int64_t{1}}});
  return value;
}

}  // namespace

TfValue tf_reduce(TfEvaluation& evaluation) {
  ChannelLastValue value = evaluation.value(0);
  const auto rank = static_cast<int64_t>(value.shape.size()) + 1;
  const std::vector<int64_t> axes = read_axes(evaluation, rank);
  if (value.shape.size() == 3) {
    // Rows and columns, whichever way the channels lie.
    const bool channels_first = axes == std::vector<int64_t>{2, 3};
    value =
        channels_first ? evaluation.order().in_order(value) : evaluation.order().as_planes(value);
  }
  const auto reduction =
      std::find_if(std::begin(kReductions), std::end(kReductions),
                   [&](const Reduction& each) { return evaluation.node().op == each.op; });
  ChannelLastValue result = reduced(evaluation, *reduction, value, axes);
  if (evaluation.node().flag("keep_dims", false)) return result;
  Shape shape;
  for (int64_t axis = 1; axis < rank; ++axis) {
    if (!std::binary_search(axes.begin(), axes.end(), axis)) {
      shape.push_back(value.shape[static_cast<size_t>(axis - 1)]);
    }
  }
  if (shape.empty()) evaluation.fail("an axis that stays expected");
  return evaluation.order().reshaped(result, shape);
}

// Of a list, the classes' scores: a list of one.
TfValue tf_arg_max(TfEvaluation& evaluation) {
  const ChannelLastValue value = evaluation.order().in_order(evaluation.value(0));
  if (value.shape.size() != 1 || read_axes(evaluation, 2) != std::vector<int64_t>{1}) {
    evaluation.fail("the number of one class for each image expected");
  }
  ChannelLastValue result;
  result.name = evaluation.add_node("ArgMax", {value.name}, {{"axis", int64_t{-1}}});
  result.shape = {1};
  return result;
}

}  // namespace mnist
