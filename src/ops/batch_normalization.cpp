// BatchNormalization (Ioffe and Szegedy 2015): y = (x - mean) / sqrt(variance + epsilon) * scale +
// B, per channel.
//
// In inference mean and variance are weights, the running statistics; in training they are those of
// the pass, over its images and all positions. Lanes behind the last image hold whatever the nodes
// before made of zeros, and must not count.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/highway.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/batch_normalization.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// One channel of a pass: its planes of `plane` vectors are `stride` floats apart, a plane a block.
struct Channel {
  size_t first;  // offset of the first block's plane in floats
  size_t stride;
  size_t plane;
};

template <class D>
Channel channel_of(D d, size_t c, size_t channels, size_t plane) {
  return {c * plane * hn::Lanes(d), channels * plane * hn::Lanes(d), plane};
}

// The sum of value(offset) over the positions and the real images of the channel. Images in lanes,
// so that a partial block needs its mask only once.
template <class D, typename Value>
HWY_INLINE float sum_over_images(D d, const Channel& channel, const Pass& pass, Value value) {
  const size_t lanes = hn::Lanes(d);
  auto total = hn::Zero(d);
  for (size_t block = 0; block * lanes < pass.images; ++block) {
    size_t at = channel.first + block * channel.stride;
    auto even = hn::Zero(d);  // two sums, so that an addition need not wait for the last
    auto odd = hn::Zero(d);
    size_t i = 0;
    for (; i + 2 <= channel.plane; i += 2, at += 2 * lanes) {
      even = hn::Add(even, value(at));
      odd = hn::Add(odd, value(at + lanes));
    }
    if (i < channel.plane) even = hn::Add(even, value(at));
    auto real = hn::FirstN(d, std::min(lanes, pass.images - block * lanes));
    total = hn::Add(total, hn::IfThenElseZero(real, hn::Add(even, odd)));
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

// output = result(offset) at all positions of the channel, zero in the lanes behind the last image.
template <class D, typename Result>
HWY_INLINE void store_images(D d, const Channel& channel, const Pass& pass, float* output,
                             Result result) {
  const size_t lanes = hn::Lanes(d);
  for (size_t block = 0; block < pass.blocks; ++block) {
    size_t at = channel.first + block * channel.stride;
    size_t end = at + channel.plane * lanes;
    size_t before = std::min(pass.images, block * lanes);
    auto real = hn::FirstN(d, std::min(lanes, pass.images - before));
    for (; at < end; at += lanes) {
      hn::Store(hn::IfThenElseZero(real, result(at)), d, output + at);
    }
  }
}

// saved: the pass's mean [channels], then its biased variance [channels].
template <class D>
void compute_statistics(D d, size_t channels, size_t plane, const Pass& pass, const float* x,
                        float* saved) {
  const float share = 1.0F / static_cast<float>(pass.images * plane);
  for (size_t c = 0; c < channels; ++c) {
    Channel channel = channel_of(d, c, channels, plane);
    saved[c] = share * sum_over_images(d, channel, pass,
                                       [&](size_t at) HWY_ATTR { return hn::Load(d, x + at); });
    auto mean = hn::Set(d, saved[c]);
    saved[channels + c] = share * sum_over_images(d, channel, pass, [&](size_t at) HWY_ATTR {
                            auto deviation = hn::Sub(hn::Load(d, x + at), mean);
                            return hn::Mul(deviation, deviation);
                          });
  }
}

template <class D>
void forward_channels(D d, size_t channels, size_t plane, float epsilon, const ForwardArgs& args) {
  const float* x = args.inputs[0];
  const float* means = args.inputs[3];
  const float* variances = args.inputs[4];
  if (args.pass.uses_batch_statistics()) {
    compute_statistics(d, channels, plane, args.pass, x, args.saved);
    means = args.saved;
    variances = args.saved + channels;
  }
  for (size_t c = 0; c < channels; ++c) {
    auto mean = hn::Set(d, means[c]);
    auto factor = hn::Set(d, args.inputs[1][c] / std::sqrt(variances[c] + epsilon));
    auto bias = hn::Set(d, args.inputs[2][c]);
    store_images(d, channel_of(d, c, channels, plane), args.pass, args.output,
                 [&](size_t at) HWY_ATTR {
                   return hn::MulAdd(hn::Sub(hn::Load(d, x + at), mean), factor, bias);
                 });
  }
}

// With x^ = (x - mean) / deviation: d_x = scale / deviation * (d_y - [training:] mean(d_y)
// - x^ mean(d_y x^)).
template <class D>
void backward_channels(D d, size_t channels, size_t plane, float epsilon,
                       const BackwardArgs& args) {
  const float* x = args.inputs[0];
  const float* d_y = args.d_output;
  const float* means = args.pass.uses_batch_statistics() ? args.saved : args.inputs[3];
  const float* variances =
      args.pass.uses_batch_statistics() ? args.saved + channels : args.inputs[4];
  const float share = args.pass.uses_batch_statistics()
                          ? 1.0F / static_cast<float>(args.pass.images * plane)
                          : 0.0F;
  for (size_t c = 0; c < channels; ++c) {
    Channel channel = channel_of(d, c, channels, plane);
    float inverse = 1.0F / std::sqrt(variances[c] + epsilon);
    auto mean = hn::Set(d, means[c]);
    float d_bias = sum_over_images(d, channel, args.pass,
                                   [&](size_t at) HWY_ATTR { return hn::Load(d, d_y + at); });
    float d_scale = inverse * sum_over_images(d, channel, args.pass, [&](size_t at) HWY_ATTR {
                      return hn::Mul(hn::Load(d, d_y + at), hn::Sub(hn::Load(d, x + at), mean));
                    });
    args.d_inputs[1][c] += d_scale;
    args.d_inputs[2][c] += d_bias;
    if (args.d_inputs[0] == nullptr) continue;
    auto factor = hn::Set(d, args.inputs[1][c] * inverse);
    auto d_mean = hn::Set(d, d_bias * share);
    auto slope = hn::Set(d, d_scale * share * inverse);
    store_images(d, channel, args.pass, args.d_inputs[0], [&](size_t at) HWY_ATTR {
      auto deviation = hn::Sub(hn::Load(d, x + at), mean);
      auto d_input = hn::NegMulAdd(slope, deviation, hn::Sub(hn::Load(d, d_y + at), d_mean));
      return hn::Mul(factor, d_input);
    });
  }
}

void norm_forward(size_t channels, size_t plane, float epsilon, const ForwardArgs& args) {
  if (args.pass.lanes == 1) {
    return forward_channels(hn::CappedTag<float, 1>(), channels, plane, epsilon, args);
  }
  forward_channels(HWY_FULL(float)(), channels, plane, epsilon, args);
}

void norm_backward(size_t channels, size_t plane, float epsilon, const BackwardArgs& args) {
  backward_channels(HWY_FULL(float)(), channels, plane, epsilon, args);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(norm_forward);
HWY_EXPORT(norm_backward);

class BatchNormalization : public Op {
 public:
  BatchNormalization(Shape shape, float epsilon, double momentum)
      : Op(std::move(shape)),
        channels_(static_cast<size_t>(output_shape()[0])),
        plane_(element_count(output_shape()) / channels_),
        epsilon_(epsilon),
        momentum_(momentum) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(norm_forward)(channels_, plane_, epsilon_, args);
  }

  void backward(const BackwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(norm_backward)(channels_, plane_, epsilon_, args);
    if (args.pass.uses_batch_statistics()) add_statistics(args);
  }

  size_t saved_floats(const Pass&) const override { return 2 * channels_; }
  uint64_t macs() const override { return channels_ * plane_; }

  Initial initial(size_t input) const override {
    bool starts_at_one = input == 1 || input == 4;
    return {starts_at_one ? Initial::Kind::kOne : Initial::Kind::kZero, 1};
  }
  bool trainable(size_t input) const override { return input < 3; }
  double statistic_rate() const override { return 1.0 - momentum_; }

  // Means over fewer images are too noisy to train with (Wu and He 2018: the error rises below 16
  // to 32).
  size_t least_images() const override { return 32; }

 private:
  // The running variance is of the unbiased estimate, as PyTorch's.
  void add_statistics(const BackwardArgs& args) const {
    float images = static_cast<float>(args.pass.images);
    float count = images * static_cast<float>(plane_);
    float unbiased = count > 1.0F ? count / (count - 1.0F) : 1.0F;
    for (size_t c = 0; c < channels_; ++c) {
      float variance = args.saved[channels_ + c] * unbiased;
      args.d_inputs[3][c] += (args.saved[c] - args.inputs[3][c]) * images;
      args.d_inputs[4][c] += (variance - args.inputs[4][c]) * images;
    }
  }

  size_t channels_;
  size_t plane_;
  float epsilon_;
  double momentum_;
};

}  // namespace

std::unique_ptr<Op> make_batch_normalization(const OpSpec& spec) {
  spec.expect_inputs(1, 4, 4);
  spec.expect_attributes({"epsilon", "momentum", "training_mode", "spatial"});
  if (spec.node.integer("training_mode", 0) != 0 || spec.node.integer("spatial", 1) != 1) {
    spec.fail("training_mode 0 and spatial 1 expected");
  }
  const Shape& input = spec.inputs[0].shape;
  if (input.empty() || element_count(input) == 0) {
    spec.fail("an input (channels, ...) expected, got " + to_string(input));
  }
  for (size_t i = 1; i <= 4; ++i) {
    if (spec.inputs[i].shape != Shape{input[0]}) {
      spec.fail(fmt::format("input {}: shape ({}) expected, a value for each channel, got {}", i,
                            input[0], to_string(spec.inputs[i].shape)));
    }
  }
  double epsilon = spec.node.real("epsilon", 1e-5);
  double momentum = spec.node.real("momentum", 0.9);
  if (!(epsilon > 0.0 && epsilon < 1.0) || !(momentum >= 0.0 && momentum <= 1.0)) {
    spec.fail(
        fmt::format("epsilon within (0, 1) and momentum within [0, 1] expected, got {} and {}",
                    epsilon, momentum));
  }
  const std::vector<float>& variances = spec.inputs[4].weight->values;
  if (std::any_of(variances.begin(), variances.end(), [](float value) { return value < 0.0F; })) {
    spec.fail("a variance is negative: are the weights in the order scale, B, mean, var?");
  }
  return std::make_unique<BatchNormalization>(input, static_cast<float>(epsilon), momentum);
}

}  // namespace mnist
#endif
