#include "ops/pool.h"

#include <fmt/format.h>

namespace mnist {

bool Pooling::is_2x2() const {
  for (int axis : {0, 1}) {
    if (window.kernel[axis] != 2 || window.stride[axis] != 2 || window.dilation[axis] != 1 ||
        window.pad_begin[axis] != 0 || 2 * window.output[axis] > window.input[axis]) {
      return false;
    }
  }
  return true;
}

Pooling make_pooling(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  bool ceil_mode = spec.node.integer("ceil_mode", 0) != 0;
  Window window = make_window(spec, spec.inputs[0].shape, {}, ceil_mode);
  for (int axis : {0, 1}) {
    for (int64_t p = 0; p < window.output[axis]; ++p) {
      if (window.first_tap(axis, p) >= window.last_tap(axis, p)) {
        spec.fail(fmt::format("window {} of axis {} lies in the padding", p, axis));
      }
    }
  }
  return {static_cast<size_t>(spec.inputs[0].shape[0]), window,
          spec.node.integer("count_include_pad", 0) != 0};
}

}  // namespace mnist
