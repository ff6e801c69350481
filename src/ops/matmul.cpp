// MatMul: the last axis of an activation times a matrix of weights, or two activations whose last
// two axes are matrices.
#include "ops/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/highway.h"
#include "base/simd.h"
#include "ops/op.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matmul.cpp"
// The order is Highway's.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/vector-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace mnist::HWY_NAMESPACE {
namespace {

template <class D>
void multiply(D d, const ActivationProduct& task) {
  const size_t lanes = hn::Lanes(d);
  float* out = task.out;
  for (size_t i = 0; i < task.rows; ++i) {
    for (size_t j = 0; j < task.columns; ++j, out += lanes) {
      const float* a = task.a + i * task.a_row * lanes;
      const float* b = task.b + j * task.b_column * lanes;
      auto sum = hn::Zero(d);
      for (size_t k = 0; k < task.terms; ++k) {
        sum = hn::MulAdd(hn::Load(d, a), hn::Load(d, b), sum);
        a += task.a_term * lanes;
        b += task.b_term * lanes;
      }
      hn::Store(sum, d, out);
    }
  }
}

void activation_product(size_t lanes, const ActivationProduct& task) {
  if (lanes == 1) return multiply(hn::CappedTag<float, 1>(), task);
  multiply(Floats(), task);
}

}  // namespace
}  // namespace mnist::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mnist {

std::unique_ptr<Op> make_gemm(const OpSpec& spec);

namespace {
HWY_EXPORT(activation_product);

// In blocks, `rows` vectors of an image lie like as many blocks: [block][row][element][lane]. So
// this is a Gemm of more blocks.
class WeightProduct : public Op {
 public:
  WeightProduct(Shape output, size_t rows, std::unique_ptr<Op> gemm)
      : Op(std::move(output)),
        rows_(rows),
        outputs_(element_count(gemm->output_shape())),
        gemm_(std::move(gemm)) {}

  void forward(const ForwardArgs& args) const override {
    if (args.pass.lanes == 1 && rows_ > 1) return forward_single(args);
    ForwardArgs all = args;
    all.pass = pass_of_rows(args.pass);
    gemm_->forward(all);
  }
  void backward(const BackwardArgs& args) const override {
    BackwardArgs all = args;
    all.pass = pass_of_rows(args.pass);
    gemm_->backward(all);
  }
  // For a single image also a row of output, as rows of any length are not aligned.
  size_t scratch_floats(const Pass& pass) const override {
    size_t row = pass.lanes == 1 ? round_up(outputs_, kFloatsPerLine) : 0;
    return gemm_->scratch_floats(pass_of_rows(pass)) + row;
  }
  size_t prepared_floats(size_t lanes) const override { return gemm_->prepared_floats(lanes); }
  void prepare(std::span<const float* const> inputs, float* prepared) const override {
    gemm_->prepare(inputs, prepared);
  }
  uint64_t macs() const override { return rows_ * gemm_->macs(); }
  std::unique_ptr<Op> with_epilogue(Epilogue epilogue) const override {
    std::unique_ptr<Op> gemm = gemm_->with_epilogue(epilogue);
    if (gemm == nullptr) return nullptr;
    return std::make_unique<WeightProduct>(output_shape(), rows_, std::move(gemm));
  }
  Initial initial(size_t input) const override { return gemm_->initial(input); }

 private:
  Pass pass_of_rows(const Pass& pass) const {
    Pass rows = pass;
    if (pass.lanes == 1) return rows;
    rows.blocks *= rows_;
    rows.images = rows.blocks * rows.lanes;
    return rows;
  }

  void forward_single(const ForwardArgs& args) const {
    const size_t inputs = gemm_->macs() / outputs_;
    float* output = args.scratch;
    ForwardArgs one = args;
    one.output = output;
    one.scratch = args.scratch + round_up(outputs_, kFloatsPerLine);
    std::vector<const float*> pointers(args.inputs.begin(), args.inputs.end());
    for (size_t row = 0; row < rows_; ++row) {
      pointers[0] = args.inputs[0] + row * inputs;
      one.inputs = pointers;
      gemm_->forward(one);
      std::memcpy(args.output + row * outputs_, output, outputs_ * sizeof(float));
    }
  }

  size_t rows_;
  size_t outputs_;
  std::unique_ptr<Op> gemm_;
};

// `pairs` matrices of rows x terms by as many of terms x columns.
class Product : public Op {
 public:
  Product(Shape output, size_t pairs, size_t rows, size_t terms, size_t columns)
      : Op(std::move(output)), pairs_(pairs), rows_(rows), terms_(terms), columns_(columns) {}

  void forward(const ForwardArgs& args) const override {
    for_each_pair(args.pass, [&](size_t a, size_t b, size_t y) {
      HWY_DYNAMIC_DISPATCH(activation_product)
      (args.pass.lanes, {args.inputs[0] + a, terms_, 1, args.inputs[1] + b, columns_, 1,
                         args.output + y, rows_, terms_, columns_});
    });
  }

  void backward(const BackwardArgs& args) const override {
    for_each_pair(args.pass, [&](size_t a, size_t b, size_t y) {
      if (args.d_inputs[0] != nullptr) {  // d_a = d_y b^T
        HWY_DYNAMIC_DISPATCH(activation_product)
        (args.pass.lanes, {args.d_output + y, columns_, 1, args.inputs[1] + b, 1, columns_,
                           args.d_inputs[0] + a, rows_, columns_, terms_});
      }
      if (args.d_inputs[1] != nullptr) {  // d_b = a^T d_y
        HWY_DYNAMIC_DISPATCH(activation_product)
        (args.pass.lanes, {args.inputs[0] + a, 1, terms_, args.d_output + y, columns_, 1,
                           args.d_inputs[1] + b, terms_, rows_, columns_});
      }
    });
  }

  uint64_t macs() const override { return pairs_ * rows_ * terms_ * columns_; }

 private:
  // Calls visit with where the pair's matrices and their product begin.
  template <class Visit>
  void for_each_pair(const Pass& pass, Visit visit) const {
    for (size_t pair = 0; pair < pass.blocks * pairs_; ++pair) {
      const size_t vectors = pair * pass.lanes;
      visit(vectors * rows_ * terms_, vectors * terms_ * columns_, vectors * rows_ * columns_);
    }
  }

  size_t pairs_;
  size_t rows_;
  size_t terms_;
  size_t columns_;
};

size_t product_of(const Shape& shape, size_t first, size_t last) {
  return element_count(Shape(shape.begin() + static_cast<ptrdiff_t>(first),
                             shape.begin() + static_cast<ptrdiff_t>(last)));
}

}  // namespace

std::unique_ptr<Op> make_matmul(const OpSpec& spec) {
  spec.expect_attributes({});
  bool weighted = spec.inputs.size() == 2 && spec.inputs[1].weight != nullptr;
  spec.expect_inputs(weighted ? 1 : 2, weighted ? 1 : 0, weighted ? 1 : 0);
  const Shape& a = spec.inputs[0].shape;
  const Shape& b = spec.inputs[1].shape;
  const size_t rank = a.size();
  bool fits = weighted
                  ? rank > 0 && b.size() == 2
                  : rank > 1 && b.size() == rank && std::equal(a.begin(), a.end() - 2, b.begin());
  if (!fits || a.back() != b[b.size() - 2] || element_count(a) == 0 || element_count(b) == 0) {
    spec.fail(
        fmt::format("inputs (..., K) and weights (K, N), or (..., M, K) and (..., K, N), "
                    "expected, got {} and {}",
                    to_string(a), to_string(b)));
  }
  Shape output = a;
  output.back() = b.back();
  element_count(output);  // throws where it is too large
  if (!weighted) {
    return std::make_unique<Product>(output, product_of(a, 0, rank - 2),
                                     static_cast<size_t>(a[rank - 2]),
                                     static_cast<size_t>(a.back()), static_cast<size_t>(b.back()));
  }
  OpSpec row = spec;
  row.inputs[0].shape = {a.back()};
  return std::make_unique<WeightProduct>(output, product_of(a, 0, rank - 1), make_gemm(row));
}

}  // namespace mnist
#endif
