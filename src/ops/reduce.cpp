// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceL1, ReduceL2, ReduceSumSquare over some axes
// of an image, and GlobalMaxPool.
#include "ops/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/highway.h"
#include "ops/axes.h"
#include "ops/broadcast.h"
#include "ops/op.h"
#include "ops/rearrange.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/reduce.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/vector-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Sum {
  static constexpr float kStart = 0.0F;
  static constexpr bool kIsMean = false;
  static constexpr bool kHasTies = false;
  template <class V>
  static V add(V sum, V x) {
    return hn::Add(sum, x);
  }
  static Vector finish(Vector sum) { return sum; }
  static Vector slope(Vector, Vector) { return constant(1.0F); }
};

struct Mean : Sum {
  static constexpr bool kIsMean = true;
};

struct L1 : Sum {
  template <class V>
  static V add(V sum, V x) {
    return hn::Add(sum, hn::Abs(x));
  }
  static Vector slope(Vector x, Vector) { return sign(x); }
};

struct SumSquare : Sum {
  template <class V>
  static V add(V sum, V x) {
    return hn::MulAdd(x, x, sum);
  }
  static Vector slope(Vector x, Vector) { return hn::Add(x, x); }
};

struct L2 : SumSquare {
  static Vector finish(Vector sum) { return hn::Sqrt(sum); }
  static Vector slope(Vector x, Vector norm) {
    return hn::IfThenElseZero(hn::Gt(norm, zero()), hn::Div(x, norm));
  }
};

// Those that are equal to the extremum share its gradient.
struct Max : Sum {
  static constexpr float kStart = -kInfinity;
  static constexpr bool kHasTies = true;
  template <class V>
  static V add(V most, V x) {
    return hn::Max(most, x);
  }
  static Vector slope(Vector x, Vector most) {
    return hn::IfThenElseZero(hn::Eq(x, most), constant(1.0F));
  }
};

struct Min : Max {
  static constexpr float kStart = kInfinity;
  template <class V>
  static V add(V least, V x) {
    return hn::Min(least, x);
  }
};

template <class Function, class D>
HWY_INLINE void add_row_of(D d, const ReduceRow& row, float* output) {
  const size_t lanes = hn::Lanes(d);
  if (row.to_one) {
    auto sum = hn::Load(d, output);
    for (size_t i = 0; i < row.count; ++i) sum = Function::add(sum, hn::Load(d, row.x + i * lanes));
    hn::Store(sum, d, output);
    return;
  }
  for (size_t i = 0; i < row.count * lanes; i += lanes) {
    auto sum = Function::add(hn::Load(d, output + i), hn::Load(d, row.x + i));
    hn::Store(sum, d, output + i);
  }
}

template <class Function>
void add_row(const ReduceRow& row, float* output) {
  if (row.lanes == 1) return add_row_of<Function>(hn::CappedTag<float, 1>(), row, output);
  add_row_of<Function>(Floats(), row, output);
}

template <class Function>
void finish(float* output, size_t count, float share) {
  const Floats d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    Vector sum = Function::finish(hn::Load(d, output + i));
    if (Function::kIsMean) sum = hn::Mul(sum, constant(share));
    hn::Store(sum, d, output + i);
  }
}

template <class Function>
void count_row(const ReduceRow& row, const float* output, float* ties) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < row.count; ++i) {
    const size_t to = row.to_one ? 0 : i * lanes;
    const Vector one = Function::slope(hn::Load(d, row.x + i * lanes), hn::Load(d, output + to));
    hn::Store(hn::Add(hn::Load(d, ties + to), one), d, ties + to);
  }
}

template <class Function>
void backward_row(const ReduceRow& row, const float* output, const float* d_y, const float* ties,
                  float share, float* d_x) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < row.count; ++i) {
    const size_t from = row.to_one ? 0 : i * lanes;
    Vector scale = hn::Load(d, d_y + from);
    if (Function::kIsMean) scale = hn::Mul(scale, constant(share));
    if (Function::kHasTies) scale = hn::Div(scale, hn::Load(d, ties + from));
    const Vector x = hn::Load(d, row.x + i * lanes);
    const Vector slope = Function::slope(x, hn::Load(d, output + from));
    hn::Store(hn::Mul(scale, slope), d, d_x + i * lanes);
  }
}

template <class Function>
constexpr ReduceKernels kernels_of(const char* name) {
  return {name,
          Function::kStart,
          add_row<Function>,
          finish<Function>,
          Function::kHasTies ? count_row<Function> : nullptr,
          backward_row<Function>};
}

ReduceKernels reduce_kernels(const char* name) {
  static constexpr ReduceKernels kTable[] = {
      kernels_of<L1>("ReduceL1"),
      kernels_of<L2>("ReduceL2"),
      kernels_of<Max>("ReduceMax"),
      kernels_of<Mean>("ReduceMean"),
      kernels_of<Min>("ReduceMin"),
      kernels_of<Sum>("ReduceSum"),
      kernels_of<SumSquare>("ReduceSumSquare"),
  };
  size_t i = 0;
  while (std::strcmp(kTable[i].name, name) != 0) ++i;
  return kTable[i];
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(reduce_kernels);

class Reduce : public Op {
 public:
  // `kept` is the input's shape with 1 for the axes that go.
  Reduce(const char* function, const Shape& input, const Shape& kept, Shape output)
      : Op(std::move(output)),
        kernels_(HWY_DYNAMIC_DISPATCH(reduce_kernels)(function)),
        loop_(input, {output_steps(input, kept), std::vector<size_t>(input.size(), 0)}),
        inputs_(element_count(input)),
        outputs_(element_count(kept)) {}

  void forward(const ForwardArgs& args) const override {
    const size_t lanes = args.pass.lanes;
    std::fill_n(args.output, args.pass.blocks * outputs_ * lanes, kernels_.start);
    for_each_row(args.pass, args.inputs[0], [&](const ReduceRow& row, size_t, size_t to) {
      kernels_.add(row, args.output + to * lanes);
    });
    kernels_.finish(args.output, args.pass.blocks * outputs_ * lanes, share());
  }

  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    const size_t lanes = args.pass.lanes;
    const bool has_ties = kernels_.count_ties != nullptr;
    if (has_ties) {
      std::memset(args.scratch, 0, scratch_floats(args.pass) * sizeof(float));
      for_each_row(args.pass, args.inputs[0], [&](const ReduceRow& row, size_t, size_t to) {
        kernels_.count_ties(row, args.output + to * lanes, args.scratch + to * lanes);
      });
    }
    for_each_row(args.pass, args.inputs[0], [&](const ReduceRow& row, size_t from, size_t to) {
      kernels_.backward(row, args.output + to * lanes, args.d_output + to * lanes,
                        has_ties ? args.scratch + to * lanes : nullptr, share(),
                        args.d_inputs[0] + from * lanes);
    });
  }

  // How many inputs are an output's extremum.
  size_t scratch_floats(const Pass& pass) const override {
    bool counts = pass.training && kernels_.count_ties != nullptr;
    return counts ? pass.blocks * outputs_ * pass.lanes : 0;
  }

 private:
  static std::vector<size_t> output_steps(const Shape& input, const Shape& kept) {
    std::vector<size_t> steps = axis_steps(kept);
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i] != input[i]) steps[i] = 0;
    }
    return steps;
  }

  float share() const { return static_cast<float>(outputs_) / static_cast<float>(inputs_); }

  // Calls visit(row, element of the inputs, of the outputs) for each row of each block.
  template <class Visit>
  void for_each_row(const Pass& pass, const float* x, Visit visit) const {
    for (size_t block = 0; block < pass.blocks; ++block) {
      loop_.for_each_row([&](size_t element, size_t reduced, size_t) {
        const size_t from = block * inputs_ + element;
        visit(ReduceRow{x + from * pass.lanes, pass.lanes, loop_.row(), loop_.repeats(0)}, from,
              block * outputs_ + reduced);
      });
    }
  }

  ReduceKernels kernels_;
  BroadcastLoop loop_;
  size_t inputs_;
  size_t outputs_;
};

}  // namespace

// Attributes `axes`, which must be there, as without them ONNX means the batch too, and `keepdims`.
std::unique_ptr<Op> make_reduce(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axes", "keepdims", "noop_with_empty_axes"});
  const Shape& input = spec.inputs[0].shape;
  if (element_count(input) == 0) spec.fail("an input that is not empty expected");
  const std::vector<size_t> axes = image_axes(spec, spec.node.integers("axes", {}), input.size());
  if (axes.empty()) spec.fail("attribute 'axes' is missing: all axes would include the batch");
  Shape kept = input;
  for (size_t axis : axes) kept[axis] = 1;
  Shape output = kept;
  if (spec.node.integer("keepdims", 1) == 0) {
    for (size_t i = axes.size(); i-- > 0;) {
      output.erase(output.begin() + static_cast<ptrdiff_t>(axes[i]));
    }
  }
  return std::make_unique<Reduce>(spec.node.type.c_str(), input, kept, output);
}

std::unique_ptr<Op> make_global_max_pool(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({});
  const Shape& input = spec.inputs[0].shape;
  if (input.size() < 2 || element_count(input) == 0) {
    spec.fail("an input (channels, height, width) expected, got " + to_string(input));
  }
  Shape kept(input.size(), 1);
  kept[0] = input[0];
  return std::make_unique<Reduce>("ReduceMax", input, kept, kept);
}

}  // namespace mnist
#endif
