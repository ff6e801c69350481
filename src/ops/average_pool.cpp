// AveragePool: the mean of each window. GlobalAveragePool: the mean of each channel.
#include "base/highway.h"
#include "ops/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/average_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Taps of output position `p` that count. With the padding, those in it too, but not those beyond
// it, where ceil_mode lets the last window reach.
int64_t taps_that_count(const Pooling& pooling, int axis, int64_t p) {
  const Window& w = pooling.window;
  if (!pooling.count_include_pad) return w.last_tap(axis, p) - w.first_tap(axis, p);
  int64_t inside = w.input[axis] + w.pad_end[axis] - w.start(axis, p);
  return std::min(w.kernel[axis], (inside + w.dilation[axis] - 1) / w.dilation[axis]);
}

// Calls visit(input offset in floats) for each tap inside the input, of the output position in
// `row` and `column`; returns 1 / the number of taps that count.
template <typename Visit>
HWY_INLINE float for_each_tap(const Pooling& pooling, int64_t row, int64_t column, int64_t lanes,
                              Visit visit) {
  const Window& w = pooling.window;
  int64_t last_row = w.last_tap(0, row);
  int64_t first_column = w.first_tap(1, column);
  int64_t last_column = w.last_tap(1, column);
  for (int64_t ky = w.first_tap(0, row); ky < last_row; ++ky) {
    int64_t y = w.start(0, row) + ky * w.dilation[0];
    int64_t line = y * w.input[1] + w.start(1, column);
    for (int64_t kx = first_column; kx < last_column; ++kx) {
      visit((line + kx * w.dilation[1]) * lanes);
    }
  }
  return 1.0F /
         static_cast<float>(taps_that_count(pooling, 0, row) * taps_that_count(pooling, 1, column));
}

// x: [input height][input width][lane], y: [output height][output width][lane]
template <class D>
void forward_plane(D d, const Pooling& pooling, const float* x, float* y) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < pooling.window.output[0]; ++row) {
    for (int64_t column = 0; column < pooling.window.output[1]; ++column, y += lanes) {
      auto sum = hn::Zero(d);
      float share = for_each_tap(pooling, row, column, lanes, [&](int64_t at) HWY_ATTR {
        sum = hn::Add(sum, hn::Load(d, x + at));
      });
      hn::Store(hn::Mul(sum, hn::Set(d, share)), d, y);
    }
  }
}

template <class D>
void backward_plane(D d, const Pooling& pooling, const float* d_y, float* d_x) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const Window& w = pooling.window;
  for (int64_t i = 0; i < w.input[0] * w.input[1]; ++i) hn::Store(hn::Zero(d), d, d_x + i * lanes);
  for (int64_t row = 0; row < w.output[0]; ++row) {
    for (int64_t column = 0; column < w.output[1]; ++column, d_y += lanes) {
      float share = for_each_tap(pooling, row, column, lanes, [](int64_t) {});
      auto each = hn::Mul(hn::Load(d, d_y), hn::Set(d, share));
      for_each_tap(pooling, row, column, lanes, [&](int64_t at) HWY_ATTR {
        hn::Store(hn::Add(hn::Load(d, d_x + at), each), d, d_x + at);
      });
    }
  }
}

template <class D>
void forward_planes(D d, const Pooling& pooling, const ForwardArgs& args) {
  const size_t inputs = pooling.input_plane() * hn::Lanes(d);
  const size_t outputs = pooling.output_plane() * hn::Lanes(d);
  for (size_t i = 0; i < args.pass.blocks * pooling.channels; ++i) {
    forward_plane(d, pooling, args.inputs[0] + i * inputs, args.output + i * outputs);
  }
}

template <class D>
void backward_planes(D d, const Pooling& pooling, const BackwardArgs& args) {
  const size_t inputs = pooling.input_plane() * hn::Lanes(d);
  const size_t outputs = pooling.output_plane() * hn::Lanes(d);
  for (size_t i = 0; i < args.pass.blocks * pooling.channels; ++i) {
    backward_plane(d, pooling, args.d_output + i * outputs, args.d_inputs[0] + i * inputs);
  }
}

void average_forward(const Pooling& pooling, const ForwardArgs& args) {
  if (args.pass.lanes == 1) return forward_planes(hn::CappedTag<float, 1>(), pooling, args);
  forward_planes(HWY_FULL(float)(), pooling, args);
}

void average_backward(const Pooling& pooling, const BackwardArgs& args) {
  backward_planes(HWY_FULL(float)(), pooling, args);
}

// x: [channels][plane][lane] -> y: [channels][lane]; `channels` are those of all blocks.
template <class D>
void means(D d, const float* x, float* y, size_t channels, size_t plane) {
  const size_t lanes = hn::Lanes(d);
  const auto share = hn::Set(d, 1.0F / static_cast<float>(plane));
  for (size_t c = 0; c < channels; ++c, y += lanes) {
    auto even = hn::Zero(d);  // two sums, so that an addition need not wait for the last
    auto odd = hn::Zero(d);
    size_t i = 0;
    for (; i + 2 <= plane; i += 2, x += 2 * lanes) {
      even = hn::Add(even, hn::Load(d, x));
      odd = hn::Add(odd, hn::Load(d, x + lanes));
    }
    if (i < plane) {
      even = hn::Add(even, hn::Load(d, x));
      x += lanes;
    }
    hn::Store(hn::Mul(hn::Add(even, odd), share), d, y);
  }
}

void global_backward(const float* d_y, float* d_x, size_t channels, size_t plane) {
  const HWY_FULL(float) d;
  const size_t lanes = hn::Lanes(d);
  const auto share = hn::Set(d, 1.0F / static_cast<float>(plane));
  for (size_t c = 0; c < channels; ++c, d_y += lanes) {
    const auto each = hn::Mul(hn::Load(d, d_y), share);
    for (size_t i = 0; i < plane; ++i, d_x += lanes) hn::Store(each, d, d_x);
  }
}

void global_forward(const float* x, float* y, size_t lanes, size_t channels, size_t plane) {
  if (lanes == 1) return means(hn::CappedTag<float, 1>(), x, y, channels, plane);
  means(HWY_FULL(float)(), x, y, channels, plane);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(average_forward);
HWY_EXPORT(average_backward);
HWY_EXPORT(global_forward);
HWY_EXPORT(global_backward);

class AveragePool : public Op {
 public:
  explicit AveragePool(const Pooling& pooling) : Op(pooling.output_shape()), pooling_(pooling) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(average_forward)(pooling_, args);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] != nullptr) HWY_DYNAMIC_DISPATCH(average_backward)(pooling_, args);
  }

 private:
  Pooling pooling_;
};

class GlobalAveragePool : public Op {
 public:
  GlobalAveragePool(Shape output, size_t channels, size_t plane)
      : Op(std::move(output)), channels_(channels), plane_(plane) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(global_forward)
    (args.inputs[0], args.output, args.pass.lanes, args.pass.blocks * channels_, plane_);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    HWY_DYNAMIC_DISPATCH(global_backward)
    (args.d_output, args.d_inputs[0], args.pass.blocks * channels_, plane_);
  }

 private:
  size_t channels_;
  size_t plane_;
};

}  // namespace

std::unique_ptr<Op> make_average_pool(const OpSpec& spec) {
  spec.expect_attributes({"kernel_shape", "strides", "pads", "dilations", "auto_pad", "ceil_mode",
                          "count_include_pad"});
  return std::make_unique<AveragePool>(make_pooling(spec));
}

std::unique_ptr<Op> make_global_average_pool(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({});
  const Shape& input = spec.inputs[0].shape;
  if (input.size() < 2 || element_count(input) == 0) {
    spec.fail("an input (channels, height, width) expected, got " + to_string(input));
  }
  Shape output(input.size(), 1);
  output[0] = input[0];
  size_t channels = static_cast<size_t>(input[0]);
  return std::make_unique<GlobalAveragePool>(output, channels, element_count(input) / channels);
}

}  // namespace mnist
#endif
