// ConvTranspose: X (C,H,W), W (C,O/groups,kernel rows,kernel columns), B (O) -> (O,rows,columns).
//
// It is the gradient of the convolution that would make its input of its output, with the same
// weights; its own gradients are that convolution and the gradient of that convolution's weights.
// So there is nothing here but a Conv, called the other way round.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/simd.h"
#include "ops/op.h"

namespace mnist {

std::unique_ptr<Op> make_conv(const OpSpec& spec);

namespace {

class ConvTranspose : public Op {
 public:
  // `conv` goes from this op's output to its input.
  ConvTranspose(const Shape& input, Shape output, std::unique_ptr<Op> conv, bool has_bias,
                size_t fan_in)
      : Op(std::move(output)),
        inputs_(element_count(input)),
        outputs_(element_count(output_shape())),
        conv_(std::move(conv)),
        has_bias_(has_bias),
        fan_in_(fan_in) {}

  void forward(const ForwardArgs& args) const override {
    if (args.pass.lanes == 1) return forward_single(args);
    spread(args.pass, args.inputs[0], args.inputs[1], args.output, args.scratch);
    if (has_bias_) add_bias(args.inputs[2], args.pass.blocks, args.pass.lanes, args.output);
  }

  void backward(const BackwardArgs& args) const override {
    const Pass pass = training_pass(args.pass);
    if (args.d_inputs[0] != nullptr) {
      const float* const inputs[] = {args.d_output, args.inputs[1]};
      ForwardArgs forward;
      forward.pass = pass;
      forward.inputs = inputs;
      forward.output = args.d_inputs[0];
      forward.scratch = args.scratch;
      conv_->forward(forward);
    }
    const float* const inputs[] = {args.d_output, args.inputs[1]};
    float* const d_inputs[] = {nullptr, args.d_inputs[1]};
    BackwardArgs weights;
    weights.pass = pass;
    weights.inputs = inputs;
    weights.output = args.inputs[0];
    weights.d_output = args.inputs[0];
    weights.d_inputs = d_inputs;
    weights.scratch = args.scratch;
    conv_->backward(weights);
    if (has_bias_) add_bias_gradient(args);
  }

  // For a single image also a block with it in the first lane: Conv's gradient knows only blocks.
  size_t scratch_floats(const Pass& pass) const override {
    if (pass.lanes != 1) return conv_->scratch_floats(training_pass(pass));
    return conv_->scratch_floats(block_of_one()) + simd_lanes() * (inputs_ + outputs_) +
           2 * kFloatsPerLine;
  }

  uint64_t macs() const override { return conv_->macs(); }
  Initial initial(size_t input) const override {
    return input == 1 ? Initial{Initial::Kind::kKaiming, fan_in_} : Initial{};
  }

 private:
  static Pass training_pass(Pass pass) {
    pass.training = true;
    return pass;
  }
  static Pass block_of_one() {
    Pass pass;
    pass.lanes = simd_lanes();
    pass.training = true;
    return pass;
  }

  // y = the gradient that x, seen as one of conv's output, gives conv's input.
  void spread(const Pass& pass, const float* x, const float* weights, float* y,
              float* scratch) const {
    std::memset(y, 0, pass.blocks * pass.lanes * outputs_ * sizeof(float));
    const float* const inputs[] = {y, weights};  // conv's input counts for its weights' only
    float* const d_inputs[] = {y, nullptr};
    BackwardArgs args;
    args.pass = training_pass(pass);
    args.inputs = inputs;
    args.output = x;
    args.d_output = x;
    args.d_inputs = d_inputs;
    args.scratch = scratch;
    conv_->backward(args);
  }

  void forward_single(const ForwardArgs& args) const {
    const Pass pass = block_of_one();
    float* x = args.scratch;
    float* y = x + round_up(inputs_ * pass.lanes, kFloatsPerLine);
    float* scratch = y + round_up(outputs_ * pass.lanes, kFloatsPerLine);
    std::memset(x, 0, inputs_ * pass.lanes * sizeof(float));
    for (size_t i = 0; i < inputs_; ++i) x[i * pass.lanes] = args.inputs[0][i];
    spread(pass, x, args.inputs[1], y, scratch);
    for (size_t i = 0; i < outputs_; ++i) args.output[i] = y[i * pass.lanes];
    if (has_bias_) add_bias(args.inputs[2], 1, 1, args.output);
  }

  size_t channels() const { return static_cast<size_t>(output_shape()[0]); }

  void add_bias(const float* bias, size_t blocks, size_t lanes, float* y) const {
    const size_t plane = outputs_ / channels() * lanes;
    for (size_t c = 0; c < blocks * channels(); ++c, y += plane) {
      for (size_t i = 0; i < plane; ++i) y[i] += bias[c % channels()];
    }
  }

  void add_bias_gradient(const BackwardArgs& args) const {
    const size_t lanes = args.pass.lanes;
    const size_t plane = outputs_ / channels() * lanes;
    const float* d_y = args.d_output;
    for (size_t c = 0; c < args.pass.blocks * channels(); ++c, d_y += plane) {
      float sums[kFloatsPerLine] = {};
      for (size_t i = 0; i < plane; i += lanes) {
        for (size_t lane = 0; lane < lanes; ++lane) sums[lane] += d_y[i + lane];
      }
      for (size_t lane = 0; lane < lanes; ++lane) args.d_inputs[2][c % channels()] += sums[lane];
    }
  }

  size_t inputs_;
  size_t outputs_;
  std::unique_ptr<Op> conv_;
  bool has_bias_;
  size_t fan_in_;
};

constexpr int64_t kLargest = 1024;  // as for Conv (window.cpp)

std::vector<int64_t> read_integers(const OpSpec& spec, const char* attribute, size_t count,
                                   int64_t otherwise, int64_t least) {
  std::vector<int64_t> values =
      spec.node.integers(attribute, std::vector<int64_t>(count, otherwise));
  bool fits = values.size() == count;
  for (int64_t value : values) fits = fits && value >= least && value <= kLargest;
  if (!fits) {
    spec.fail(fmt::format("{}: {} integers of {} to {} expected, got {}", attribute, count, least,
                          kLargest, to_string(values)));
  }
  return values;
}

// Of one axis: what decides how far the output reaches.
struct Reach {
  int64_t full;  // without any padding
  int64_t pad_begin;
  int64_t pad_end;
};

// The paddings that leave `size` positions; an odd one at the end with SAME_UPPER, else at the
// begin.
void pad_to_size(const OpSpec& spec, int64_t size, bool upper, Reach& reach) {
  const int64_t total = reach.full - size;
  if (size < 1 || total < 0) {
    spec.fail(
        fmt::format("an output of {} positions cannot be made: 1 to {} can", size, reach.full));
  }
  reach.pad_begin = upper ? total / 2 : total - total / 2;
  reach.pad_end = total - reach.pad_begin;
}

std::vector<Reach> read_reaches(const OpSpec& spec, const Shape& weights) {
  const Shape& input = spec.inputs[0].shape;
  const std::vector<int64_t> strides = read_integers(spec, "strides", 2, 1, 1);
  const std::vector<int64_t> dilations = read_integers(spec, "dilations", 2, 1, 1);
  const std::vector<int64_t> extra = read_integers(spec, "output_padding", 2, 0, 0);
  const std::vector<int64_t> pads = read_integers(spec, "pads", 4, 0, 0);
  const std::string automatic = spec.node.text("auto_pad", "NOTSET");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (!same && automatic != "NOTSET" && automatic != "VALID") {
    spec.fail("auto_pad: NOTSET, VALID, SAME_UPPER or SAME_LOWER expected, got " + automatic);
  }
  std::vector<Reach> reaches;
  for (size_t axis : {0U, 1U}) {
    if (extra[axis] >= std::max(strides[axis], dilations[axis])) {
      spec.fail("output_padding: less than the stride or the dilation expected");
    }
    if (weights[axis + 2] > kLargest || input[axis + 1] > (int64_t{1} << 20)) {
      spec.fail("a kernel or an input is too large");
    }
    const int64_t extent = (weights[axis + 2] - 1) * dilations[axis] + 1;
    const int64_t full = (input[axis + 1] - 1) * strides[axis] + extent + extra[axis];
    reaches.push_back({full, pads[axis], pads[axis + 2]});
    if (spec.node.attributes.contains("output_shape")) {
      pad_to_size(spec, read_integers(spec, "output_shape", 2, 0, 1)[axis],
                  automatic == "SAME_UPPER", reaches[axis]);
    } else if (same) {
      pad_to_size(spec, input[axis + 1] * strides[axis], automatic == "SAME_UPPER", reaches[axis]);
    }
  }
  return reaches;
}

}  // namespace

std::unique_ptr<Op> make_conv_transpose(const OpSpec& spec) {
  spec.expect_inputs(1, 1, 2);
  spec.expect_attributes({"kernel_shape", "strides", "pads", "dilations", "group", "auto_pad",
                          "output_padding", "output_shape"});
  const Shape& input = spec.inputs[0].shape;
  const Shape& weights = spec.inputs[1].shape;
  if (input.size() != 3 || weights.size() != 4 || weights[0] != input[0] || weights[1] < 1 ||
      weights[2] < 1 || weights[3] < 1 || element_count(input) == 0) {
    spec.fail(
        fmt::format("an input (channels, height, width) and weights (channels, outputs, rows, "
                    "columns) expected, got {} and {}",
                    to_string(input), to_string(weights)));
  }
  const int64_t groups = spec.node.integer("group", 1);
  if (groups < 1 || input[0] % groups != 0) {
    spec.fail(fmt::format("{} groups do not divide {} channels", groups, input[0]));
  }
  const std::vector<Reach> reaches = read_reaches(spec, weights);
  Shape output = {weights[1] * groups};
  std::vector<int64_t> pads(4);
  for (size_t axis : {0U, 1U}) {
    pads[axis] = reaches[axis].pad_begin;
    pads[axis + 2] = reaches[axis].pad_end;
    output.push_back(reaches[axis].full - pads[axis] - pads[axis + 2]);
  }
  if (std::min(output[1], output[2]) < 1) spec.fail("the padding leaves nothing");
  const bool has_bias = spec.inputs.size() == 3 && spec.inputs[2].present;
  if (has_bias && element_count(spec.inputs[2].shape) != static_cast<size_t>(output[0])) {
    spec.fail(
        fmt::format("bias ({}) expected, got {}", output[0], to_string(spec.inputs[2].shape)));
  }
  Node node = spec.node;
  node.attributes.erase("auto_pad");
  node.attributes.erase("output_padding");
  node.attributes.erase("output_shape");
  node.attributes["pads"] = pads;
  OpInput whole = spec.inputs[0];
  whole.shape = output;
  std::unique_ptr<Op> conv = make_conv({node, {whole, spec.inputs[1]}});
  if (conv->output_shape() != input) {
    spec.fail("output_padding that the stride reaches over expected");
  }
  const size_t fan_in = element_count(weights) / static_cast<size_t>(weights[1] * groups);
  return std::make_unique<ConvTranspose>(input, output, std::move(conv), has_bias, fan_in);
}

}  // namespace mnist
