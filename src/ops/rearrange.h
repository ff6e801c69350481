// Ops that only move elements about: Transpose, Pad, Slice, Resize to the nearest. What they have
// in common is that each axis of the output has its own rule for where it comes from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ops/op.h"

namespace mnist {

// Where the positions along one axis of the output lie in the input.
struct AxisSource {
  static constexpr int32_t kOutside = -1;

  size_t step = 1;            // elements of the input from one position to the next
  std::vector<int32_t> from;  // for each position of the output, or kOutside
};

// For each axis of a shape: elements from one position to the next.
std::vector<size_t> axis_steps(const Shape& shape);

// An axis that stays as it is.
AxisSource whole_axis(int64_t extent, size_t step);

// Throws Error naming the node unless `extent` is 1 to 2^20: an axis's sources are a table.
void expect_extent(const OpSpec& spec, int64_t extent);

// The op whose output takes its elements from where `axes` say, one entry an axis of the output, or
// is `outside` where one of them says kOutside. An input element may be taken any number of times.
// The output's shape leaves out axis `dropped`, of one position.
std::unique_ptr<Op> make_rearrangement(const OpSpec& spec, const std::vector<AxisSource>& axes,
                                       float outside = 0.0F,
                                       std::optional<size_t> dropped = std::nullopt);

}  // namespace mnist
