#include "ops/window.h"

#include <fmt/format.h>

namespace mnist {
namespace {

// Kernels, strides and dilations: no image of this field is wider, and products stay small.
constexpr int64_t kLargest = 1024;

// The attribute's `count` integers, each within [least, kLargest].
std::vector<int64_t> read_integers(const OpSpec& spec, const char* attribute,
                                   const std::vector<int64_t>& otherwise, size_t count,
                                   int64_t least) {
  std::vector<int64_t> values = spec.node.integers(attribute, otherwise);
  if (values.size() != count) {
    spec.fail(fmt::format("{}: {} integers expected, got {}", attribute, count, values.size()));
  }
  for (int64_t value : values) {
    if (value < least || value > kLargest) {
      spec.fail(fmt::format("{}: {} to {} expected, got {}", attribute, least, kLargest, value));
    }
  }
  return values;
}

std::vector<int64_t> read_kernel(const OpSpec& spec, const std::vector<int64_t>& default_kernel) {
  if (default_kernel.empty() && !spec.node.attributes.contains("kernel_shape")) {
    spec.fail("attribute 'kernel_shape' is missing");
  }
  std::vector<int64_t> kernel = read_integers(spec, "kernel_shape", default_kernel, 2, 1);
  if (!default_kernel.empty() && kernel != default_kernel) {
    spec.fail(fmt::format("kernel_shape {} does not fit the weights' {}", to_string(kernel),
                          to_string(default_kernel)));
  }
  return kernel;
}

// Sets the axis's padding so that the output has ceil(input / stride) positions.
void pad_to_same(Window& window, int axis, bool upper) {
  int64_t output = (window.input[axis] + window.stride[axis] - 1) / window.stride[axis];
  int64_t reach = (output - 1) * window.stride[axis] + window.extent(axis);
  int64_t total = std::max<int64_t>(reach - window.input[axis], 0);
  window.pad_begin[axis] = upper ? total / 2 : total - total / 2;
  window.pad_end[axis] = total - window.pad_begin[axis];
}

void read_padding(const OpSpec& spec, Window& window) {
  std::vector<int64_t> pads = read_integers(spec, "pads", {0, 0, 0, 0}, 4, 0);
  std::string automatic = spec.node.text("auto_pad", "NOTSET");
  if (automatic == "NOTSET") {
    for (size_t axis : {0U, 1U}) {
      window.pad_begin[axis] = pads[axis];
      window.pad_end[axis] = pads[axis + 2];
    }
    return;
  }
  if (pads != std::vector<int64_t>(4, 0)) spec.fail("has both 'pads' and 'auto_pad'");
  if (automatic == "VALID") return;
  if (automatic != "SAME_UPPER" && automatic != "SAME_LOWER") {
    spec.fail("auto_pad: NOTSET, VALID, SAME_UPPER or SAME_LOWER expected, got " + automatic);
  }
  for (int axis : {0, 1}) pad_to_same(window, axis, automatic == "SAME_UPPER");
}

void set_output(const OpSpec& spec, Window& window, int axis, bool ceil_mode) {
  int64_t padding = std::max(window.pad_begin[axis], window.pad_end[axis]);
  if (padding > window.extent(axis) + window.input[axis]) {
    spec.fail(fmt::format("padding {} is wider than the kernel's {} and the input's {} together",
                          padding, window.extent(axis), window.input[axis]));
  }
  int64_t padded = window.pad_begin[axis] + window.input[axis] + window.pad_end[axis];
  if (window.extent(axis) > padded) {
    spec.fail(fmt::format("the kernel's extent {} is larger than the padded input's {}",
                          window.extent(axis), padded));
  }
  int64_t stride = window.stride[axis];
  int64_t way = padded - window.extent(axis);
  window.output[axis] = (way + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && window.start(axis, window.output[axis] - 1) >= window.input[axis]) {
    --window.output[axis];
  }
}

}  // namespace

Window make_window(const OpSpec& spec, const Shape& chw, const std::vector<int64_t>& default_kernel,
                   bool ceil_mode) {
  if (chw.size() != 3 || *std::min_element(chw.begin(), chw.end()) < 1) {
    spec.fail("an input (channels, height, width) expected, got " + to_string(chw));
  }
  std::vector<int64_t> kernel = read_kernel(spec, default_kernel);
  std::vector<int64_t> strides = read_integers(spec, "strides", {1, 1}, 2, 1);
  std::vector<int64_t> dilations = read_integers(spec, "dilations", {1, 1}, 2, 1);
  Window window = {};
  for (size_t axis : {0U, 1U}) {
    window.kernel[axis] = kernel[axis];
    window.stride[axis] = strides[axis];
    window.dilation[axis] = dilations[axis];
    window.input[axis] = chw[axis + 1];
  }
  read_padding(spec, window);
  // What auto_pad asks for is complete windows: there is nothing to round up.
  bool rounds_up = ceil_mode && spec.node.text("auto_pad", "NOTSET") == "NOTSET";
  for (int axis : {0, 1}) set_output(spec, window, axis, rounds_up);
  return window;
}

}  // namespace mnist
