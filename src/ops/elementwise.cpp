// Add and Mul: of two activations, or of an activation and a weight that is broadcast to it.
#include <fmt/format.h>

#include <cstring>

#include "base/highway.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// y = a + b or a * b; arrays of `count` floats, padded.
void pair_forward(bool is_mul, const float* a, const float* b, float* y, size_t count) {
  const HWY_FULL(float) d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    auto left = hn::Load(d, a + i);
    auto right = hn::Load(d, b + i);
    hn::Store(is_mul ? hn::Mul(left, right) : hn::Add(left, right), d, y + i);
  }
}

// d_a = d_y * b: the gradient of one factor by the other.
void product(const float* d_y, const float* b, float* d_a, size_t count) {
  const HWY_FULL(float) d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::Store(hn::Mul(hn::Load(d, d_y + i), hn::Load(d, b + i)), d, d_a + i);
  }
}

// y = x + weight[index] or x * weight[index]; x, y: [blocks][elements][lane], index: [elements]
template <class D>
void broadcast_forward(D d, bool is_mul, size_t blocks, size_t elements, const uint32_t* index,
                       const float* weight, const float* x, float* y) {
  const size_t lanes = hn::Lanes(d);
  for (size_t block = 0; block < blocks; ++block) {
    for (size_t i = 0; i < elements; ++i, x += lanes, y += lanes) {
      auto value = hn::Load(d, x);
      auto other = hn::Set(d, weight[index[i]]);
      hn::Store(is_mul ? hn::Mul(value, other) : hn::Add(value, other), d, y);
    }
  }
}

// d_weight[index] += d_y or d_y * x, summed over lanes and blocks. The sums of a weight stay a
// vector of lanes (in sums: [weights][lane]) until the end, and in a register while the index
// stays.
void weight_gradient(bool is_mul, size_t blocks, size_t elements, const uint32_t* index,
                     size_t weights, const float* x, const float* d_y, float* sums,
                     float* d_weight) {
  const HWY_FULL(float) d;
  const size_t lanes = hn::Lanes(d);
  std::memset(sums, 0, weights * lanes * sizeof(float));
  for (size_t block = 0; block < blocks; ++block) {
    for (size_t i = 0; i < elements;) {
      const uint32_t which = index[i];
      auto sum = hn::Zero(d);
      for (; i < elements && index[i] == which; ++i, x += lanes, d_y += lanes) {
        auto d_output = hn::Load(d, d_y);
        sum = hn::Add(sum, is_mul ? hn::Mul(d_output, hn::Load(d, x)) : d_output);
      }
      float* total = sums + which * lanes;
      hn::Store(hn::Add(hn::Load(d, total), sum), d, total);
    }
  }
  for (size_t k = 0; k < weights; ++k) {
    d_weight[k] += hn::GetLane(hn::SumOfLanes(d, hn::Load(d, sums + k * lanes)));
  }
}

void weight_forward(bool is_mul, const Pass& pass, size_t elements, const uint32_t* index,
                    const float* weight, const float* x, float* y) {
  if (pass.lanes == 1) {
    const hn::CappedTag<float, 1> d;
    return broadcast_forward(d, is_mul, pass.blocks, elements, index, weight, x, y);
  }
  broadcast_forward(HWY_FULL(float)(), is_mul, pass.blocks, elements, index, weight, x, y);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(pair_forward);
HWY_EXPORT(product);
HWY_EXPORT(weight_forward);
HWY_EXPORT(weight_gradient);

// Two activations of one shape.
class Pair : public Op {
 public:
  Pair(Shape shape, bool is_mul) : Op(std::move(shape)), is_mul_(is_mul) {}

  void forward(const ForwardArgs& args) const override {
    HWY_DYNAMIC_DISPATCH(pair_forward)
    (is_mul_, args.inputs[0], args.inputs[1], args.output, floats(args.pass));
  }
  void backward(const BackwardArgs& args) const override {
    for (size_t i : {0U, 1U}) {
      float* d_input = args.d_inputs[i];
      if (d_input == nullptr) continue;
      if (is_mul_) {
        HWY_DYNAMIC_DISPATCH(product)
        (args.d_output, args.inputs[1 - i], d_input, floats(args.pass));
      } else {
        std::memcpy(d_input, args.d_output, floats(args.pass) * sizeof(float));
      }
    }
  }

 private:
  size_t floats(const Pass& pass) const {
    return pass.blocks * pass.lanes * element_count(output_shape());
  }

  bool is_mul_;
};

// An activation and a weight; `index` says which of the weight's values meets each element.
class Broadcast : public Op {
 public:
  Broadcast(Shape shape, bool is_mul, size_t activation, std::vector<uint32_t> index,
            size_t weights)
      : Op(std::move(shape)),
        is_mul_(is_mul),
        activation_(activation),
        index_(std::move(index)),
        weights_(weights) {}

  void forward(const ForwardArgs& args) const override {
    run(args.pass, args.inputs[1 - activation_], args.inputs[activation_], args.output);
  }

  void backward(const BackwardArgs& args) const override {
    float* d_x = args.d_inputs[activation_];
    if (d_x != nullptr && is_mul_) {
      run(args.pass, args.inputs[1 - activation_], args.d_output, d_x);
    } else if (d_x != nullptr) {
      size_t floats = args.pass.blocks * args.pass.lanes * index_.size();
      std::memcpy(d_x, args.d_output, floats * sizeof(float));
    }
    HWY_DYNAMIC_DISPATCH(weight_gradient)
    (is_mul_, args.pass.blocks, index_.size(), index_.data(), weights_, args.inputs[activation_],
     args.d_output, args.scratch, args.d_inputs[1 - activation_]);
  }

  size_t scratch_floats(const Pass& pass) const override { return weights_ * pass.lanes; }

  Initial initial(size_t) const override {
    return {is_mul_ ? Initial::Kind::kOne : Initial::Kind::kZero, 1};
  }

 private:
  void run(const Pass& pass, const float* weight, const float* x, float* y) const {
    HWY_DYNAMIC_DISPATCH(weight_forward)
    (is_mul_, pass, index_.size(), index_.data(), weight, x, y);
  }

  bool is_mul_;
  size_t activation_;  // which of the two inputs it is
  std::vector<uint32_t> index_;
  size_t weights_;
};

// For each element of an image, in order, the index into the weight: numpy's rule, shapes aligned
// at their ends, an extent of 1 repeated. The weight may carry extents of 1 for the batch and
// beyond.
std::vector<uint32_t> broadcast_index(const OpSpec& spec, const Shape& image, Shape weight) {
  Shape given = weight;
  while (weight.size() > image.size() && weight[0] == 1) weight.erase(weight.begin());
  if (weight.size() < image.size()) weight.insert(weight.begin(), image.size() - weight.size(), 1);
  std::vector<uint32_t> index = {0};
  uint32_t step = 1;
  bool fits = weight.size() == image.size();
  // From the innermost axis outwards, each repeats the indices of those within, moved on.
  for (size_t axis = image.size(); fits && axis-- > 0;) {
    fits = weight[axis] == image[axis] || weight[axis] == 1;
    if (!fits) break;
    uint32_t move = weight[axis] == 1 ? 0 : step;
    size_t within = index.size();
    index.reserve(within * static_cast<size_t>(image[axis]));
    for (int64_t i = 1; i < image[axis]; ++i) {
      for (size_t k = 0; k < within; ++k) {
        index.push_back(index[k] + move * static_cast<uint32_t>(i));
      }
    }
    step *= static_cast<uint32_t>(weight[axis]);
  }
  if (!fits) {
    spec.fail(fmt::format("a weight {} cannot be broadcast to an image {}", to_string(given),
                          to_string(image)));
  }
  return index;
}

std::unique_ptr<Op> make(const OpSpec& spec, bool is_mul) {
  spec.expect_attributes({});
  if (spec.inputs.size() != 2 || !spec.inputs[0].present || !spec.inputs[1].present) {
    spec.fail("two inputs expected");
  }
  bool weight_first = spec.inputs[0].weight != nullptr;
  if (weight_first && spec.inputs[1].weight != nullptr) {
    spec.fail("an activation expected among the inputs, both are weights");
  }
  const Shape& image = spec.inputs[weight_first ? 1 : 0].shape;
  const OpInput& other = spec.inputs[weight_first ? 0 : 1];
  if (element_count(image) == 0) spec.fail("an input that is not empty expected");
  if (other.weight == nullptr) {
    if (other.shape != image) {
      spec.fail(fmt::format("activations of one shape expected, got {} and {}", to_string(image),
                            to_string(other.shape)));
    }
    return std::make_unique<Pair>(image, is_mul);
  }
  return std::make_unique<Broadcast>(image, is_mul, weight_first ? 1 : 0,
                                     broadcast_index(spec, image, other.shape),
                                     element_count(other.shape));
}

}  // namespace

std::unique_ptr<Op> make_add(const OpSpec& spec) { return make(spec, false); }
std::unique_ptr<Op> make_mul(const OpSpec& spec) { return make(spec, true); }

}  // namespace mnist
#endif
