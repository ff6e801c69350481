// Dropout (Srivastava et al. 2014), inverted: in training an element is zeroed with probability
// `ratio` and multiplied by 1 / (1 - ratio) otherwise; in inference nothing happens.
//
// Whether an element is kept is a pure function of the pass's key, the number of the image in its
// batch and the number of the element, so that it does not depend on blocks, lanes or threads, and
// backward computes it again instead of remembering it.
#include <fmt/format.h>

#include <cstring>

#include "base/highway.h"
#include "base/random.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// A 32-bit hash of (element, two words of the image): Wellons's "lowbias32" of 2018, with the
// second word in its middle, so that two images' sequences are not one shifted.
template <class D, class V>
HWY_INLINE V hash(D d, V first, V second, uint32_t element) {
  V h = hn::Add(first, hn::Set(d, element * 0x9e3779b9U));
  h = hn::Xor(h, hn::ShiftRight<16>(h));
  h = hn::Mul(h, hn::Set(d, 0x7feb352dU));
  h = hn::Xor(hn::Xor(h, hn::ShiftRight<15>(h)), second);
  h = hn::Mul(h, hn::Set(d, 0x846ca68bU));
  return hn::Xor(h, hn::ShiftRight<16>(h));
}

// y = kept ? x * scale : 0; x, y: [block][elements][lane]. `threshold` is the ratio in 2^-24.
void dropout(const Pass& pass, size_t elements, int32_t threshold, float scale, const float* x,
             float* y) {
  const HWY_FULL(float) d;
  const HWY_FULL(uint32_t) d_bits;
  const HWY_FULL(int32_t) d_int;
  const size_t lanes = hn::Lanes(d);
  const auto limit = hn::Set(d_int, threshold - 1);
  const auto factor = hn::Set(d, scale);
  HWY_ALIGN uint32_t words[2][HWY_MAX_BYTES / sizeof(uint32_t)];
  for (size_t block = 0; block < pass.blocks; ++block) {
    for (size_t lane = 0; lane < lanes; ++lane) {
      uint64_t image = pass.first_image + block * lanes + lane;
      uint64_t bits = mix64(pass.random_key + 0x9e3779b97f4a7c15ULL * (image + 1));
      words[0][lane] = static_cast<uint32_t>(bits);
      words[1][lane] = static_cast<uint32_t>(bits >> 32);
    }
    const auto first = hn::Load(d_bits, words[0]);
    const auto second = hn::Load(d_bits, words[1]);
    for (size_t i = 0; i < elements; ++i, x += lanes, y += lanes) {
      auto bits = hash(d_bits, first, second, static_cast<uint32_t>(i));
      auto kept = hn::Gt(hn::BitCast(d_int, hn::ShiftRight<8>(bits)), limit);
      auto value = hn::Mul(hn::Load(d, x), factor);
      hn::Store(hn::IfThenElseZero(hn::RebindMask(d, kept), value), d, y);
    }
  }
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {
namespace {
HWY_EXPORT(dropout);

class Dropout : public Op {
 public:
  Dropout(Shape shape, double ratio)
      : Op(std::move(shape)),
        elements_(element_count(output_shape())),
        threshold_(static_cast<int32_t>(ratio * 0x1p24)),
        scale_(static_cast<float>(1.0 / (1.0 - ratio))) {}

  bool is_view(bool training) const override { return !training || threshold_ == 0; }

  void forward(const ForwardArgs& args) const override {
    run(args.pass, args.inputs[0], args.output);
  }
  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] != nullptr) run(args.pass, args.d_output, args.d_inputs[0]);
  }

 private:
  // Linear in x: the gradient takes the same way.
  void run(const Pass& pass, const float* x, float* y) const {
    if (is_view(pass.training)) {
      std::memcpy(y, x, pass.blocks * pass.lanes * elements_ * sizeof(float));
    } else {
      HWY_DYNAMIC_DISPATCH(dropout)(pass, elements_, threshold_, scale_, x, y);
    }
  }

  size_t elements_;
  int32_t threshold_;
  float scale_;
};

}  // namespace

// Attribute `ratio`, 0.5 by default, as in ONNX until opset 11. `seed` says nothing: the pass has
// the key.
std::unique_ptr<Op> make_dropout(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"ratio", "seed"});
  double ratio = spec.node.real("ratio", 0.5);
  if (!(ratio >= 0.0 && ratio < 1.0)) {
    spec.fail(fmt::format("ratio: a number within [0, 1) expected, got {}", ratio));
  }
  return std::make_unique<Dropout>(spec.inputs[0].shape, ratio);
}

}  // namespace mnist
#endif
