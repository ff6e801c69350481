// MaxPool: the largest input of each window. The padding never wins.
#include <limits>

#include "base/highway.h"
#include "ops/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/max_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Calls visit(input offset) in floats within a plane for each tap of a window inside the input, row
// by row: the order in which the first maximum is the first.
template <typename Visit>
HWY_INLINE void for_each_tap(const Window& w, int64_t row, int64_t column, int64_t lanes,
                             Visit visit) {
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
}

// x: [input height][input width][lane], y: [output height][output width][lane]
template <class D>
void forward_plane(D d, const Window& w, const float* x, float* y) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < w.output[0]; ++row) {
    for (int64_t column = 0; column < w.output[1]; ++column, y += lanes) {
      auto most = hn::Set(d, std::numeric_limits<float>::lowest());
      for_each_tap(w, row, column, lanes,
                   [&](int64_t at) HWY_ATTR { most = hn::Max(most, hn::Load(d, x + at)); });
      hn::Store(most, d, y);
    }
  }
}

template <class D>
void backward_plane(D d, const Window& w, const float* x, const float* y, const float* d_y,
                    float* d_x) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < w.input[0] * w.input[1]; ++i) hn::Store(hn::Zero(d), d, d_x + i * lanes);
  for (int64_t row = 0; row < w.output[0]; ++row) {
    for (int64_t column = 0; column < w.output[1]; ++column, y += lanes, d_y += lanes) {
      auto most = hn::Load(d, y);
      auto rest = hn::Load(d, d_y);  // what no earlier tap has taken
      for_each_tap(w, row, column, lanes, [&](int64_t at) HWY_ATTR {
        auto is_most = hn::Eq(hn::Load(d, x + at), most);
        auto sum = hn::Add(hn::Load(d, d_x + at), hn::IfThenElseZero(is_most, rest));
        hn::Store(sum, d, d_x + at);
        rest = hn::IfThenZeroElse(is_most, rest);
      });
    }
  }
}

// The usual window, 2x2 with stride 2 and no padding: windows do not overlap.
template <class D>
void forward_plane_2x2(D d, const Window& w, const float* x, float* y) {
  const size_t lanes = hn::Lanes(d);
  const size_t line = static_cast<size_t>(w.input[1]) * lanes;
  const size_t end = static_cast<size_t>(w.output[1]) * 2 * lanes;
  for (int64_t row = 0; row < w.output[0]; ++row, x += 2 * line) {
    for (size_t i = 0; i < end; i += 2 * lanes, y += lanes) {
      auto above = hn::Max(hn::Load(d, x + i), hn::Load(d, x + i + lanes));
      auto below = hn::Max(hn::Load(d, x + line + i), hn::Load(d, x + line + i + lanes));
      hn::Store(hn::Max(above, below), d, y);
    }
  }
}

template <class D>
void backward_plane_2x2(D d, const Window& w, const float* x, const float* y, const float* d_y,
                        float* d_x) {
  const size_t lanes = hn::Lanes(d);
  const size_t line = static_cast<size_t>(w.input[1]) * lanes;
  const size_t end = static_cast<size_t>(w.output[1]) * 2 * lanes;
  auto clear = [&](float* from, float* to) HWY_ATTR {
    for (; from < to; from += lanes) hn::Store(hn::Zero(d), d, from);
  };
  for (int64_t row = 0; row < w.output[0]; ++row, x += 2 * line, d_x += 2 * line) {
    for (size_t i = 0; i < end; i += 2 * lanes, y += lanes, d_y += lanes) {
      auto most = hn::Load(d, y);
      auto rest = hn::Load(d, d_y);
      for (size_t at : {i, i + lanes, line + i, line + i + lanes}) {
        auto is_most = hn::Eq(hn::Load(d, x + at), most);
        hn::Store(hn::IfThenElseZero(is_most, rest), d, d_x + at);
        rest = hn::IfThenZeroElse(is_most, rest);
      }
    }
    clear(d_x + end, d_x + line);  // the last column of an odd number
    clear(d_x + line + end, d_x + 2 * line);
  }
  if (w.input[0] % 2 != 0) clear(d_x, d_x + line);
}

template <class D>
void forward_all(D d, const Pooling& pooling, const ForwardArgs& args) {
  const size_t inputs = pooling.input_plane() * hn::Lanes(d);
  const size_t outputs = pooling.output_plane() * hn::Lanes(d);
  auto plane = pooling.is_2x2() ? forward_plane_2x2<D> : forward_plane<D>;
  for (size_t i = 0; i < args.pass.blocks * pooling.channels; ++i) {
    plane(d, pooling.window, args.inputs[0] + i * inputs, args.output + i * outputs);
  }
}

template <class D>
void backward_all(D d, const Pooling& pooling, const BackwardArgs& args) {
  const size_t inputs = pooling.input_plane() * hn::Lanes(d);
  const size_t outputs = pooling.output_plane() * hn::Lanes(d);
  auto plane = pooling.is_2x2() ? backward_plane_2x2<D> : backward_plane<D>;
  for (size_t i = 0; i < args.pass.blocks * pooling.channels; ++i) {
    plane(d, pooling.window, args.inputs[0] + i * inputs, args.output + i * outputs,
          args.d_output + i * outputs, args.d_inputs[0] + i * inputs);
  }
}

void max_pool_forward(const Pooling& pooling, const ForwardArgs& args) {
  if (args.pass.lanes == 1) return forward_all(hn::CappedTag<float, 1>(), pooling, args);
  forward_all(HWY_FULL(float)(), pooling, args);
}

void max_pool_backward(const Pooling& pooling, const BackwardArgs& args) {
  backward_all(HWY_FULL(float)(), pooling, args);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(max_pool_forward);
HWY_EXPORT(max_pool_backward);

class MaxPool : public Op {
 public:
  explicit MaxPool(const Pooling& pooling) : Op(pooling.output_shape()), pooling_(pooling) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(max_pool_forward)(pooling_, args);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] != nullptr) HWY_DYNAMIC_DISPATCH(max_pool_backward)(pooling_, args);
  }
  Epilogue epilogue() const override {
    bool even = pooling_.window.input[0] % 2 == 0 && pooling_.window.input[1] % 2 == 0;
    return pooling_.is_2x2() && even ? Epilogue::kMaxPool2x2 : Epilogue::kNone;
  }

 private:
  Pooling pooling_;
};

}  // namespace

// storage_order concerns ONNX's second output only, which no node here has.
std::unique_ptr<Op> make_max_pool(const OpSpec& spec) {
  spec.expect_attributes(
      {"kernel_shape", "strides", "pads", "dilations", "auto_pad", "ceil_mode", "storage_order"});
  return std::make_unique<MaxPool>(make_pooling(spec));
}

}  // namespace mnist
#endif
