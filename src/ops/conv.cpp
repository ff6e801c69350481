// Conv: X (C,H,W), W (O,C/groups,kernel rows,kernel columns), B (O) -> (O,rows,columns).
//
// Everything is one of three loops over taps (conv_kernels.h) on a copy of the input with its
// padding:
//   forward          sums over taps at output positions
//   input gradient   the same loop over the gradient of the sums, spread by the stride and padded,
//                    with the taps' offsets reversed and inputs and outputs of the weights swapped
//   weight gradient  sums over positions at taps
// For a single image (lanes == 1) the vector holds neighbouring columns instead of images: with
// stride 1, the value at a position of the padded image depends on the position by an offset only,
// so rows are computed as one long line, margins included, and the margins dropped.
#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "base/simd.h"
#include "ops/conv_kernels.h"
#include "ops/op.h"
#include "ops/window.h"

namespace mnist {
namespace {

// A padded copy: `rows` x `columns` per channel, the source's corner at (top, left), its values
// `row_step`, `column_step` apart.
struct Frame {
  size_t rows;
  size_t columns;
  size_t top = 0;
  size_t left = 0;
  size_t row_step = 1;
  size_t column_step = 1;

  size_t floats(size_t channels, size_t lanes) const { return channels * rows * columns * lanes; }
};

void copy_into_frame(const float* from, size_t channels, size_t rows, size_t columns, size_t lanes,
                     const Frame& frame, float* to) {
  std::memset(to, 0, frame.floats(channels, lanes) * sizeof(float));
  for (size_t c = 0; c < channels; ++c) {
    for (size_t row = 0; row < rows; ++row) {
      float* line = to + ((c * frame.rows + frame.top + row) * frame.columns + frame.left) * lanes;
      std::memcpy(line, from + (c * rows + row) * columns * lanes, columns * lanes * sizeof(float));
    }
  }
}

std::vector<ptrdiff_t> scaled(const std::vector<ptrdiff_t>& offsets, size_t lanes) {
  std::vector<ptrdiff_t> result = offsets;
  for (ptrdiff_t& offset : result) offset *= static_cast<ptrdiff_t>(lanes);
  return result;
}

struct ConvSettings {
  Window window;
  size_t channels = 0;
  size_t outputs = 0;
  size_t groups = 1;
  bool has_bias = false;
  bool relu = false;
  bool max_pool = false;

  size_t rows() const { return static_cast<size_t>(window.output[0]); }
  size_t columns() const { return static_cast<size_t>(window.output[1]); }
  size_t input_rows() const { return static_cast<size_t>(window.input[0]); }
  size_t input_columns() const { return static_cast<size_t>(window.input[1]); }
  size_t kernel_size() const { return static_cast<size_t>(window.kernel[0] * window.kernel[1]); }
  size_t group_channels() const { return channels / groups; }
  size_t group_outputs() const { return outputs / groups; }
  size_t taps() const { return group_channels() * kernel_size(); }
  Shape output_shape() const {
    int64_t divisor = max_pool ? 2 : 1;
    return {static_cast<int64_t>(outputs), window.output[0] / divisor, window.output[1] / divisor};
  }
};

class Conv : public Op {
 public:
  explicit Conv(const ConvSettings& settings);

  void forward(const ForwardArgs& args) const override;
  void backward(const BackwardArgs& args) const override;
  size_t saved_floats(const Pass& pass) const override;
  size_t scratch_floats(const Pass& pass) const override;
  uint64_t macs() const override { return s_.taps() * s_.outputs * s_.rows() * s_.columns(); }
  std::unique_ptr<Op> with_epilogue(Epilogue epilogue) const override;
  Initial initial(size_t input) const override {
    return input == 1 ? Initial{Initial::Kind::kKaiming, s_.taps()} : Initial{};
  }

 private:
  size_t input_floats(size_t lanes) const {
    return s_.channels * s_.input_rows() * s_.input_columns() * lanes;
  }
  ptrdiff_t stride(size_t axis) const { return static_cast<ptrdiff_t>(s_.window.stride[axis]); }
  size_t output_floats(size_t lanes) const { return element_count(output_shape()) * lanes; }
  // Floats behind a single image's padded input that its last, partly used vectors may read.
  size_t single_gap() const { return round_up(padded_.columns, kFloatsPerLine) + kFloatsPerLine; }
  void forward_block(const ForwardArgs& args, size_t block) const;
  void forward_single(const ForwardArgs& args) const;
  void store_single(const float* lines, size_t line, float* output) const;
  void backward_block(const BackwardArgs& args, size_t block, const float* swapped) const;
  void input_gradient(const float* d_sums, const float* swapped, size_t lanes,
                      float* d_input) const;
  void swap_weights(const float* weights, float* swapped) const;

  ConvSettings s_;
  Frame padded_;                          // the input
  Frame spread_;                          // the gradient of the sums
  std::vector<ptrdiff_t> taps_;           // in padded_
  std::vector<ptrdiff_t> reversed_taps_;  // in spread_
};

std::vector<ptrdiff_t> tap_offsets(const Window& w, size_t channels, const Frame& frame, int sign,
                                   size_t top, size_t left) {
  std::vector<ptrdiff_t> offsets;
  for (size_t c = 0; c < channels; ++c) {
    for (int64_t row = 0; row < w.kernel[0]; ++row) {
      for (int64_t column = 0; column < w.kernel[1]; ++column) {
        int64_t y = static_cast<int64_t>(c * frame.rows + top) + sign * row * w.dilation[0];
        int64_t x = static_cast<int64_t>(left) + sign * column * w.dilation[1];
        offsets.push_back(static_cast<ptrdiff_t>(y * static_cast<int64_t>(frame.columns) + x));
      }
    }
  }
  return offsets;
}

// Input position p is read by tap k at output position (p + pad - k * dilation) / stride: in the
// spread frame, whose values are `stride` apart, that is position p + margin with the tap at offset
// pad - k * dilation, and the margin keeps it inside.
Frame spread_frame(const Window& w) {
  size_t margin[2];
  size_t size[2];
  for (int axis = 0; axis < 2; ++axis) {
    int64_t reach = w.extent(axis) - 1;
    margin[axis] = static_cast<size_t>(std::max<int64_t>(0, reach - w.pad_begin[axis]));
    size[axis] =
        margin[axis] + static_cast<size_t>(std::max(w.input[axis] + w.pad_begin[axis],
                                                    (w.output[axis] - 1) * w.stride[axis] + 1));
  }
  return {size[0],
          size[1],
          margin[0],
          margin[1],
          static_cast<size_t>(w.stride[0]),
          static_cast<size_t>(w.stride[1])};
}

Conv::Conv(const ConvSettings& settings) : Op(settings.output_shape()), s_(settings) {
  const Window& w = s_.window;
  auto extent = [&](int axis) {
    return static_cast<size_t>(w.input[axis] + w.pad_begin[axis] + w.pad_end[axis]);
  };
  padded_ = {extent(0), extent(1), static_cast<size_t>(w.pad_begin[0]),
             static_cast<size_t>(w.pad_begin[1])};
  spread_ = spread_frame(w);
  taps_ = tap_offsets(w, s_.group_channels(), padded_, 1, 0, 0);
  reversed_taps_ = tap_offsets(w, s_.group_outputs(), spread_, -1,
                               spread_.top + static_cast<size_t>(w.pad_begin[0]),
                               spread_.left + static_cast<size_t>(w.pad_begin[1]));
}

std::unique_ptr<Op> Conv::with_epilogue(Epilogue epilogue) const {
  ConvSettings settings = s_;
  if (s_.max_pool) return nullptr;
  if (epilogue == Epilogue::kRelu) {
    settings.relu = true;
  } else if (epilogue == Epilogue::kMaxPool2x2 && s_.rows() % 2 == 0 && s_.columns() % 2 == 0) {
    settings.max_pool = true;
  } else {
    return nullptr;
  }
  return std::make_unique<Conv>(settings);
}

size_t Conv::saved_floats(const Pass& pass) const {
  return s_.max_pool ? pass.blocks * output_floats(pass.lanes) : 0;
}

// Padded input; then, in training, the spread gradient and the swapped weights, or for a single
// image the lines of sums.
size_t Conv::scratch_floats(const Pass& pass) const {
  size_t input = round_up(padded_.floats(s_.channels, pass.lanes), kFloatsPerLine);
  if (pass.lanes == 1) {
    return input + single_gap() + s_.outputs * round_up(padded_.floats(1, 1), kFloatsPerLine);
  }
  if (!pass.training) return input;
  size_t gradient = round_up(spread_.floats(s_.outputs, pass.lanes), kFloatsPerLine);
  return input + gradient + s_.outputs * s_.taps();
}

void Conv::forward(const ForwardArgs& args) const {
  if (args.pass.lanes == 1) {
    forward_single(args);
    return;
  }
  for (size_t block = 0; block < args.pass.blocks; ++block) forward_block(args, block);
}

void Conv::forward_block(const ForwardArgs& args, size_t block) const {
  const size_t lanes = args.pass.lanes;
  copy_into_frame(args.inputs[0] + block * input_floats(lanes), s_.channels, s_.input_rows(),
                  s_.input_columns(), lanes, padded_, args.scratch);
  std::vector<ptrdiff_t> taps = scaled(taps_, lanes);
  ConvForward task;
  const auto line = static_cast<ptrdiff_t>(lanes);
  task.positions = {s_.rows(), s_.columns(),
                    stride(0) * static_cast<ptrdiff_t>(padded_.columns) * line, stride(1) * line};
  task.taps = taps;
  task.outputs = s_.group_outputs();
  task.relu = s_.relu;
  task.max_pool = s_.max_pool;
  const auto rows = static_cast<ptrdiff_t>(output_shape()[1]);
  const auto columns = static_cast<ptrdiff_t>(output_shape()[2]);
  task.y_column = line;
  task.y_row = columns * line;
  task.y_output = rows * columns * line;
  for (size_t group = 0; group < s_.groups; ++group) {
    size_t first = group * s_.group_outputs();
    size_t place = block * output_floats(lanes) + first * static_cast<size_t>(task.y_output);
    task.x = args.scratch + padded_.floats(group * s_.group_channels(), lanes);
    task.weights = args.inputs[1] + first * s_.taps();
    task.bias = s_.has_bias ? args.inputs[2] + first : nullptr;
    task.y = args.output + place;
    task.winners = s_.max_pool && args.saved != nullptr ? args.saved + place : nullptr;
    conv_forward(task);
  }
}

void Conv::forward_single(const ForwardArgs& args) const {
  copy_into_frame(args.inputs[0], s_.channels, s_.input_rows(), s_.input_columns(), 1, padded_,
                  args.scratch);
  const size_t vector = simd_lanes();
  // All positions of stride 1 at which the kernel fits below the frame's top; those that reach over
  // a row's end are computed too, from values that do not belong together, and not stored.
  const size_t rows = (s_.rows() - 1) * static_cast<size_t>(s_.window.stride[0]) + 1;
  const size_t line = round_up(rows * padded_.columns, vector);
  float* lines =
      args.scratch + round_up(padded_.floats(s_.channels, 1), kFloatsPerLine) + single_gap();
  ConvForward task;
  task.positions = {1, line / vector, 0, static_cast<ptrdiff_t>(vector)};
  task.taps = taps_;
  task.outputs = s_.group_outputs();
  task.relu = s_.relu;
  task.y_output = static_cast<ptrdiff_t>(line);
  task.y_column = static_cast<ptrdiff_t>(vector);
  for (size_t group = 0; group < s_.groups; ++group) {
    size_t first = group * s_.group_outputs();
    task.x = args.scratch + padded_.floats(group * s_.group_channels(), 1);
    task.weights = args.inputs[1] + first * s_.taps();
    task.bias = s_.has_bias ? args.inputs[2] + first : nullptr;
    task.y = lines + first * line;
    conv_forward(task);
  }
  store_single(lines, line, args.output);
}

// Picks the positions of the stride out of the lines, and pools them.
void Conv::store_single(const float* lines, size_t line, float* output) const {
  const size_t row_step = static_cast<size_t>(s_.window.stride[0]) * padded_.columns;
  const auto column_step = static_cast<size_t>(s_.window.stride[1]);
  const size_t rows = static_cast<size_t>(output_shape()[1]);
  const size_t columns = static_cast<size_t>(output_shape()[2]);
  for (size_t o = 0; o < s_.outputs; ++o) {
    for (size_t row = 0; row < rows; ++row) {
      if (s_.max_pool) {
        const float* upper = lines + o * line + 2 * row * row_step;
        const float* lower = upper + row_step;
        for (size_t c = 0; c < columns; ++c) {
          size_t left = 2 * c * column_step;
          size_t right = left + column_step;
          *output++ =
              std::max(std::max(upper[left], upper[right]), std::max(lower[left], lower[right]));
        }
      } else {
        const float* from = lines + o * line + row * row_step;
        for (size_t c = 0; c < columns; ++c) *output++ = from[c * column_step];
      }
    }
  }
}

void Conv::backward(const BackwardArgs& args) const {
  const size_t lanes = args.pass.lanes;
  float* swapped = args.scratch + round_up(padded_.floats(s_.channels, lanes), kFloatsPerLine) +
                   round_up(spread_.floats(s_.outputs, lanes), kFloatsPerLine);
  if (args.d_inputs[0] != nullptr) swap_weights(args.inputs[1], swapped);
  for (size_t block = 0; block < args.pass.blocks; ++block) backward_block(args, block, swapped);
}

void Conv::backward_block(const BackwardArgs& args, size_t block, const float* swapped) const {
  const size_t lanes = args.pass.lanes;
  const auto line = static_cast<ptrdiff_t>(lanes);
  float* d_sums = args.scratch + round_up(padded_.floats(s_.channels, lanes), kFloatsPerLine);
  std::memset(d_sums, 0, spread_.floats(s_.outputs, lanes) * sizeof(float));
  const size_t place = block * output_floats(lanes);
  const auto spread_row = static_cast<ptrdiff_t>(spread_.columns) * line;
  const ptrdiff_t corner = static_cast<ptrdiff_t>(spread_.top) * spread_row +
                           static_cast<ptrdiff_t>(spread_.left) * line;

  ConvUnpool unpool;
  unpool.d_y = args.d_output + place;
  unpool.y = args.output + place;
  unpool.winners = s_.max_pool ? args.saved + place : nullptr;
  unpool.outputs = s_.outputs;
  unpool.rows = static_cast<size_t>(output_shape()[1]);
  unpool.columns = static_cast<size_t>(output_shape()[2]);
  unpool.relu = s_.relu;
  unpool.d_sums = d_sums + corner;
  unpool.output_stride = static_cast<ptrdiff_t>(spread_.rows) * spread_row;
  unpool.row_stride = stride(0) * spread_row;
  unpool.column_stride = stride(1) * line;
  conv_unpool(unpool);

  copy_into_frame(args.inputs[0] + block * input_floats(lanes), s_.channels, s_.input_rows(),
                  s_.input_columns(), lanes, padded_, args.scratch);
  std::vector<ptrdiff_t> taps = scaled(taps_, lanes);
  ConvWeightGradient task;
  task.positions = {s_.rows(), s_.columns(),
                    stride(0) * static_cast<ptrdiff_t>(padded_.columns) * line, stride(1) * line};
  task.taps = taps;
  task.d_y_output = unpool.output_stride;
  task.d_y_row = unpool.row_stride;
  task.d_y_column = unpool.column_stride;
  task.outputs = s_.group_outputs();
  for (size_t group = 0; group < s_.groups && args.d_inputs[1] != nullptr; ++group) {
    size_t first = group * s_.group_outputs();
    task.x = args.scratch + padded_.floats(group * s_.group_channels(), lanes);
    task.d_y = unpool.d_sums + static_cast<ptrdiff_t>(first) * unpool.output_stride;
    task.d_weights = args.d_inputs[1] + first * s_.taps();
    task.d_bias = s_.has_bias ? args.d_inputs[2] + first : nullptr;
    conv_weight_gradient(task);
  }
  if (args.d_inputs[0] != nullptr) {
    input_gradient(d_sums, swapped, lanes, args.d_inputs[0] + block * input_floats(lanes));
  }
}

void Conv::input_gradient(const float* d_sums, const float* swapped, size_t lanes,
                          float* d_input) const {
  const auto line = static_cast<ptrdiff_t>(lanes);
  std::vector<ptrdiff_t> taps = scaled(reversed_taps_, lanes);
  ConvForward task;
  task.positions = {s_.input_rows(), s_.input_columns(),
                    static_cast<ptrdiff_t>(spread_.columns) * line, line};
  task.taps = taps;
  task.outputs = s_.group_channels();
  task.y_column = line;
  task.y_row = static_cast<ptrdiff_t>(s_.input_columns()) * line;
  task.y_output = static_cast<ptrdiff_t>(s_.input_rows()) * task.y_row;
  for (size_t group = 0; group < s_.groups; ++group) {
    size_t first = group * s_.group_channels();
    task.x = d_sums + spread_.floats(group * s_.group_outputs(), lanes);
    task.weights = swapped + group * s_.group_outputs() * s_.taps();
    task.y = d_input + static_cast<ptrdiff_t>(first) * task.y_output;
    conv_forward(task);
  }
}

// (outputs, channels, kernel) -> (channels, outputs, kernel) in each group.
void Conv::swap_weights(const float* weights, float* swapped) const {
  const size_t size = s_.kernel_size();
  for (size_t group = 0; group < s_.groups; ++group) {
    for (size_t o = 0; o < s_.group_outputs(); ++o) {
      for (size_t c = 0; c < s_.group_channels(); ++c) {
        std::memcpy(swapped + (c * s_.group_outputs() + o) * size,
                    weights + (o * s_.group_channels() + c) * size, size * sizeof(float));
      }
    }
    weights += s_.group_outputs() * s_.taps();
    swapped += s_.group_outputs() * s_.taps();
  }
}

}  // namespace

std::unique_ptr<Op> make_conv(const OpSpec& spec) {
  spec.expect_inputs(1, 1, 2);
  spec.expect_attributes({"kernel_shape", "strides", "pads", "dilations", "group", "auto_pad"});
  const Shape& weights = spec.inputs[1].shape;
  if (weights.size() != 4 || weights[0] < 1) {
    spec.fail(fmt::format("weights (outputs,channels,rows,columns) expected, got {}",
                          to_string(weights)));
  }
  ConvSettings settings;
  settings.window = make_window(spec, spec.inputs[0].shape, {weights[2], weights[3]}, false);
  int64_t channels = spec.inputs[0].shape[0];
  int64_t groups = spec.node.integer("group", 1);
  if (groups < 1 || channels % groups != 0 || weights[0] % groups != 0) {
    spec.fail(fmt::format("{} groups do not divide {} channels and {} outputs", groups, channels,
                          weights[0]));
  }
  if (weights[1] * groups != channels) {
    spec.fail(fmt::format("weights {} need {} channels, the input {} has {}", to_string(weights),
                          weights[1] * groups, to_string(spec.inputs[0].shape), channels));
  }
  settings.channels = static_cast<size_t>(channels);
  settings.outputs = static_cast<size_t>(weights[0]);
  settings.groups = static_cast<size_t>(groups);
  settings.has_bias = spec.inputs.size() == 3 && spec.inputs[2].present;
  if (settings.has_bias && element_count(spec.inputs[2].shape) != settings.outputs) {
    spec.fail(
        fmt::format("bias ({}) expected, got {}", weights[0], to_string(spec.inputs[2].shape)));
  }
  return std::make_unique<Conv>(settings);
}

}  // namespace mnist
