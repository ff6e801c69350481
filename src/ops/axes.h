// Axes in attributes count the batch as axis 0, as in ONNX; here an axis is one of an image's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace mnist {

// Extents of one image seen as [outer][run][inner], where `run` is an axis or several neighbours.
struct AxisRun {
  size_t outer = 1;
  size_t run = 1;
  size_t inner = 1;
};

AxisRun split_at(const Shape& image, size_t first, size_t last);  // both included

// Throws Error naming the node unless its first input has axes, none of them empty.
void expect_lines(const OpSpec& spec);

// The axis of an image of `rank` axes that `axis` names: 1 to rank, or -rank to -1. Throws Error
// naming the node where it names the batch or nothing.
size_t image_axis(const OpSpec& spec, int64_t axis, size_t rank);

// Those of a list, in rising order. Throws Error where one comes twice.
std::vector<size_t> image_axes(const OpSpec& spec, const std::vector<int64_t>& axes, size_t rank);

}  // namespace mnist
