#include "formats/c_header/c_window.h"

#include "ops/pool.h"
#include "ops/window.h"

namespace mnist {
namespace {

// "row * 2 + ky - 1", where tap `tap` of output position `position` lies in the input.
std::string position_text(const Window& w, int axis, const char* position, const char* tap) {
  std::string text = position;
  if (w.stride[axis] != 1) text += fmt::format(" * {}", w.stride[axis]);
  text += fmt::format(" + {}", tap);
  if (w.dilation[axis] != 1) text += fmt::format(" * {}", w.dilation[axis]);
  if (w.pad_begin[axis] != 0) text += fmt::format(" - {}", w.pad_begin[axis]);
  return text;
}

// A condition for `name` to be outside of [0, limit), empty where it never is.
std::string outside_text(const Window& w, int axis, const char* name, int64_t limit) {
  std::string text;
  if (w.pad_begin[axis] != 0) text = fmt::format("{} < 0", name);
  const int64_t most = w.start(axis, w.output[axis] - 1) + w.extent(axis) - 1;
  if (most >= limit) text += fmt::format("{}{} >= {}", text.empty() ? "" : " || ", name, limit);
  return text;
}

void skip_outside(CText& text, const std::string& condition) {
  if (!condition.empty()) text.line("if ({}) continue;", condition);
}

void open_positions(CText& text, const Window& w) {
  text.loop("row", w.output[0]);
  text.loop("column", w.output[1]);
}

// Loops over the taps whose position (y_in, x_in) is inside the input.
void open_taps(CText& text, const Window& w) {
  text.loop("ky", w.kernel[0]);
  text.line("const int y_in = {};", position_text(w, 0, "row", "ky"));
  skip_outside(text, outside_text(w, 0, "y_in", w.input[0]));
  text.loop("kx", w.kernel[1]);
  text.line("const int x_in = {};", position_text(w, 1, "column", "kx"));
  skip_outside(text, outside_text(w, 1, "x_in", w.input[1]));
}

void close(CText& text, int blocks) {
  for (int i = 0; i < blocks; ++i) text.close();
}

std::string input_at(const Window& w, const std::string& channel) {
  return fmt::format("x[({} * {} + y_in) * {} + x_in]", channel, w.input[0], w.input[1]);
}

std::string output_at(const Window& w, const char* channel) {
  return fmt::format("y[({} * {} + row) * {} + column]", channel, w.output[0], w.output[1]);
}

// The number of taps that count: those inside the input, or also those in its padding.
void add_count(CText& text, const Pooling& pooling) {
  const Window& w = pooling.window;
  const char* const positions[] = {"row", "column"};
  for (int axis : {0, 1}) {
    const char* const name = axis == 0 ? "rows" : "columns";
    text.line("int {} = 0;", name);
    text.loop("k", w.kernel[axis]);
    const int64_t limit = w.input[axis] + (pooling.count_include_pad ? w.pad_end[axis] : 0);
    std::string outside = outside_text(w, axis, "at", limit);
    if (pooling.count_include_pad) outside = fmt::format("at >= {}", limit);
    if (!outside.empty()) {
      text.line("const int at = {};", position_text(w, axis, positions[axis], "k"));
      skip_outside(text, outside);
    }
    text.line("++{};", name);
    text.close();
  }
}

// Whether every window has the same number of taps that count.
bool has_whole_windows(const Pooling& pooling) {
  for (int axis : {0, 1}) {
    const Window& w = pooling.window;
    const int64_t end = w.start(axis, w.output[axis] - 1) + w.extent(axis);
    const int64_t limit = w.input[axis] + (pooling.count_include_pad ? w.pad_end[axis] : 0);
    if (end > limit || (w.pad_begin[axis] != 0 && !pooling.count_include_pad)) return false;
  }
  return true;
}

}  // namespace

void add_c_conv(const CNode& node, CParts& parts) {
  const Tensor& kernel = *node.spec.inputs[1].weight;
  const Window w =
      make_window(node.spec, node.spec.inputs[0].shape, {kernel.shape[2], kernel.shape[3]}, false);
  const int64_t outputs = kernel.shape[0];
  const int64_t channels = kernel.shape[1];
  const int64_t groups = node.spec.node.integer("group", 1);
  std::vector<float> bias(static_cast<size_t>(outputs), 0.0F);
  if (node.spec.inputs.size() > 2 && node.spec.inputs[2].present) {
    bias = node.spec.inputs[2].weight->values;
  }
  add_c_weights(node, kernel.values, bias, parts);
  open_c_function(node, parts);
  CText& text = parts.functions;
  text.loop("o", outputs);
  open_positions(text, w);
  text.line("float sum = 0.0f;");
  text.loop("c", channels);
  open_taps(text, w);
  const std::string channel =
      groups == 1 ? "c" : fmt::format("(o / {} * {} + c)", outputs / groups, channels);
  const std::string index =
      fmt::format("((o * {} + c) * {} + ky) * {} + kx", channels, w.kernel[0], w.kernel[1]);
  text.line("sum += {} * {};", c_weight(node, parts, index), input_at(w, channel));
  close(text, 3);
  text.line("{} = {};", output_at(w, "o"), c_result(node, parts));
  close(text, 4);
}

void add_c_max_pool(const CNode& node, CParts& parts) {
  const Pooling pooling = make_pooling(node.spec);
  const Window& w = pooling.window;
  open_c_function(node, parts);
  CText& text = parts.functions;
  text.loop("c", static_cast<int64_t>(pooling.channels));
  open_positions(text, w);
  text.line("float most = -FLT_MAX;");
  open_taps(text, w);
  text.line("const float value = {};", input_at(w, "c"));
  text.line("if (value > most) most = value;");
  close(text, 2);
  text.line("{} = most;", output_at(w, "c"));
  close(text, 4);
}

void add_c_average_pool(const CNode& node, CParts& parts) {
  const Pooling pooling = make_pooling(node.spec);
  const Window& w = pooling.window;
  open_c_function(node, parts);
  CText& text = parts.functions;
  text.loop("c", static_cast<int64_t>(pooling.channels));
  open_positions(text, w);
  text.line("float sum = 0.0f;");
  open_taps(text, w);
  text.line("sum += {};", input_at(w, "c"));
  close(text, 2);
  if (has_whole_windows(pooling)) {
    text.line("{} = sum / {}.0f;", output_at(w, "c"), w.kernel[0] * w.kernel[1]);
  } else {
    add_count(text, pooling);
    text.line("{} = sum / (float)(rows * columns);", output_at(w, "c"));
  }
  close(text, 4);
}

}  // namespace mnist
