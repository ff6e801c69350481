#include "ops/broadcast.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/rearrange.h"

namespace mnist {
namespace {

// The shape with as many axes as an image has, if it can be seen so.
Shape aligned(const OpInput& input, size_t rank) {
  Shape shape = input.shape;
  while (input.weight != nullptr && shape.size() > rank && shape[0] == 1) {
    shape.erase(shape.begin());
  }
  if (input.weight != nullptr && shape.size() < rank) {
    shape.insert(shape.begin(), rank - shape.size(), 1);
  }
  return shape;
}

}  // namespace

BroadcastLoop::BroadcastLoop(const Shape& shape, const std::array<std::vector<size_t>, 2>& steps) {
  for (size_t i = 0; i < shape.size(); ++i) {
    Axis axis = {static_cast<size_t>(shape[i]), {steps[0][i], steps[1][i]}};
    if (axis.extent == 1) continue;
    auto continues = [&](size_t k) { return axes_.back().steps[k] == axis.steps[k] * axis.extent; };
    if (!axes_.empty() && continues(0) && continues(1)) {
      axis.extent *= axes_.back().extent;
      axes_.back() = axis;
    } else {
      axes_.push_back(axis);
    }
  }
  if (axes_.empty()) axes_.push_back({1, {1, 1}});
}

Broadcast broadcast_inputs(const OpSpec& spec) {
  if (spec.inputs.size() != 2 || !spec.inputs[0].present || !spec.inputs[1].present) {
    spec.fail("two inputs expected");
  }
  const bool weight_first = spec.inputs[0].weight != nullptr;
  if (weight_first && spec.inputs[1].weight != nullptr) {
    spec.fail("an activation expected among the inputs, both are weights");
  }
  const size_t rank = spec.inputs[weight_first ? 1 : 0].shape.size();
  const Shape shapes[2] = {aligned(spec.inputs[0], rank), aligned(spec.inputs[1], rank)};
  Broadcast result;
  bool fits = shapes[0].size() == rank && shapes[1].size() == rank;
  for (size_t i = 0; i < rank && fits; ++i) {
    const int64_t a = shapes[0][i];
    const int64_t b = shapes[1][i];
    fits = (a == b || a == 1 || b == 1) && std::min(a, b) > 0;
    result.output.push_back(std::max(a, b));
  }
  if (!fits) {
    spec.fail(fmt::format("inputs of shapes {} and {} cannot be broadcast to each other",
                          to_string(spec.inputs[0].shape), to_string(spec.inputs[1].shape)));
  }
  element_count(result.output);  // throws where it is too large
  for (size_t k : {0U, 1U}) {
    result.steps[k] = axis_steps(shapes[k]);
    for (size_t i = 0; i < rank; ++i) {
      if (shapes[k][i] == 1) result.steps[k][i] = 0;
    }
  }
  return result;
}

}  // namespace mnist
