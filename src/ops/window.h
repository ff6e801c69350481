// The sliding window of a convolution or a pooling: where it stands, and what it may reach beyond.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace mnist {

// Index 0 is the vertical direction (rows), 1 the horizontal one (columns). Tap k of output
// position p reads input position p * stride + k * dilation - pad_begin, which may lie outside the
// input.
struct Window {
  int64_t kernel[2];
  int64_t stride[2];
  int64_t dilation[2];
  int64_t pad_begin[2];
  int64_t pad_end[2];  // as the node says: with ceil_mode the last window may reach beyond it
  int64_t input[2];
  int64_t output[2];

  // The input position of tap 0 of output position `p`.
  int64_t start(int axis, int64_t p) const { return p * stride[axis] - pad_begin[axis]; }

  // The taps [first, last) of output position `p` that lie inside the input.
  int64_t first_tap(int axis, int64_t p) const {
    int64_t outside = -start(axis, p);
    return outside <= 0 ? 0
                        : std::min(kernel[axis], (outside + dilation[axis] - 1) / dilation[axis]);
  }
  int64_t last_tap(int axis, int64_t p) const {
    int64_t inside = input[axis] - start(axis, p);
    return inside <= 0 ? 0 : std::min(kernel[axis], (inside + dilation[axis] - 1) / dilation[axis]);
  }

  // From the first tap to the last, both included.
  int64_t extent(int axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

// From a node's kernel_shape, strides, dilations, pads (top, left, bottom, right) and auto_pad,
// with ONNX's defaults, for an input (channels, height, width). `default_kernel` is the kernel that
// the weights have (height, width): kernel_shape may be left out and must not differ; empty: it
// must be there. `ceil_mode`: a last window that is only partly inside counts, unless it begins
// beyond the input (ONNX's and PyTorch's rule). Throws Error naming the node: a shape of another
// rank, a kernel larger than the padded input, numbers below 1 or absurdly large.
Window make_window(const OpSpec& spec, const Shape& chw, const std::vector<int64_t>& default_kernel,
                   bool ceil_mode);

}  // namespace mnist
