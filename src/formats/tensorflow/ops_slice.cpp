// Ranges of values and of lists.
#include <fmt/format.h>

#include <algorithm>

#include "formats/tensorflow/evaluation.h"

namespace mnist {
namespace {

struct Range {
  int64_t begin;
  int64_t end;
  int64_t step;
  bool is_dropped;  // one element, whose axis goes
};

bool has_bit(const TfNode& node, const char* mask, size_t bit) {
  return ((node.integer(mask, 0) >> bit) & 1) != 0;
}

Range read_range(const TfEvaluation& evaluation, size_t axis, int64_t extent) {
  const TfNode& node = evaluation.node();
  const auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent);
  };
  const int64_t step = evaluation.integers(3)[axis];
  if (step < 1) evaluation.fail("steps of 1 and more expected");
  const int64_t begin = place(evaluation.integers(1)[axis]);
  if (has_bit(node, "shrink_axis_mask", axis)) {
    if (begin >= extent) evaluation.fail("an element of the axis expected");
    return {begin, begin + 1, 1, true};
  }
  const Range range = {
      has_bit(node, "begin_mask", axis) ? 0 : begin,
      has_bit(node, "end_mask", axis) ? extent : place(evaluation.integers(2)[axis]), step, false};
  if (range.end <= range.begin) evaluation.fail("a range that is not empty expected");
  return range;
}

bool is_all_images(const TfEvaluation& evaluation) {
  const TfNode& node = evaluation.node();
  const bool from_start = has_bit(node, "begin_mask", 0) || evaluation.integers(1)[0] == 0;
  return from_start && has_bit(node, "end_mask", 0) && evaluation.integers(3)[0] == 1 &&
         !has_bit(node, "shrink_axis_mask", 0);
}

// Ranges of a value's axes.
TfValue slice_of_value(TfEvaluation& evaluation) {
  constexpr int64_t kPlanesAxes[] = {0, 2, 3, 1};
  const TfNode& node = evaluation.node();
  ChannelLastValue value = evaluation.value(0);
  const size_t count = evaluation.integers(1).size();
  const bool fits = count >= 1 && count <= value.shape.size() + 1 &&
                    evaluation.integers(2).size() == count &&
                    evaluation.integers(3).size() == count;
  if (!fits || node.integer("ellipsis_mask", 0) != 0 || node.integer("new_axis_mask", 0) != 0) {
    evaluation.fail("a range of each axis expected");
  }
  if (!is_all_images(evaluation)) evaluation.fail("all images expected");
  if (!value.flattened.empty()) value = evaluation.order().in_order(value);
  std::vector<int64_t> starts;
  std::vector<int64_t> ends;
  std::vector<int64_t> axes;
  std::vector<int64_t> steps;
  Shape kept;  // extents, but for the axes that go
  for (size_t i = 1; i <= value.shape.size(); ++i) {
    int64_t& extent = value.shape[i - 1];
    if (i >= count) {
      kept.push_back(extent);
      continue;
    }
    const Range range = read_range(evaluation, i, extent);
    if (range.begin != 0 || range.end != extent || range.step != 1) {
      starts.push_back(range.begin);
      ends.push_back(range.end);
      steps.push_back(range.step);
      axes.push_back(value.is_planes ? kPlanesAxes[i] : static_cast<int64_t>(i));
    }
    extent = (range.end - range.begin + range.step - 1) / range.step;
    if (!range.is_dropped) kept.push_back(extent);
  }
  if (!axes.empty()) {
    value.name =
        evaluation.add_node("Slice", {value.name},
                            {{"starts", starts}, {"ends", ends}, {"axes", axes}, {"steps", steps}});
  }
  if (kept.empty()) evaluation.fail("an axis that stays expected");
  return evaluation.order().reshaped(value, kept);
}

}  // namespace

TfValue tf_slice_list(TfEvaluation& evaluation);

// Of a list: what shapes are put together of.
TfValue tf_strided_slice(TfEvaluation& evaluation) {
  return evaluation.is_constant(0) ? tf_slice_list(evaluation) : slice_of_value(evaluation);
}

}  // namespace mnist
