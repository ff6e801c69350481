// Gemm: Y = alpha * X * W + beta * C, X (K), W (K,O) or with transB (O,K), C (O) -> (O).
//
// alpha and beta other than 1 scale copies of the weights; all passes then work on those.
#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "base/simd.h"
#include "ops/gemm_kernels.h"
#include "ops/op.h"

namespace mnist {
namespace {

// Weights from which on the gradient is deferred: 256 KB, of which two threads' would fill a
// second-level cache.
constexpr size_t kLeastDeferredWeights = size_t{64} * 1024;

struct GemmSettings {
  size_t inputs = 0;
  size_t outputs = 0;
  bool transposed = false;  // W is (O,K)
  bool has_bias = false;
  float alpha = 1.0F;
  float beta = 1.0F;
  bool relu = false;
};

class Gemm : public Op {
 public:
  explicit Gemm(const GemmSettings& settings)
      : Op({static_cast<int64_t>(settings.outputs)}), s_(settings) {}

  void forward(const ForwardArgs& args) const override;
  void backward(const BackwardArgs& args) const override;
  size_t scratch_floats(const Pass& pass) const override;
  size_t prepared_floats(size_t lanes) const override;
  void prepare(std::span<const float* const> inputs, float* prepared) const override;
  size_t kept_floats(size_t images) const override;
  void deferred_gradient(const DeferredArgs& args) const override;
  uint64_t macs() const override { return s_.inputs * s_.outputs; }
  std::unique_ptr<Op> with_epilogue(Epilogue epilogue) const override;
  Initial initial(size_t input) const override {
    return input == 1 ? Initial{Initial::Kind::kKaiming, s_.inputs} : Initial{};
  }

 private:
  bool scaled() const { return s_.alpha != 1.0F || s_.beta != 1.0F; }
  bool skips_zeros() const { return s_.outputs >= kLeastOutputsToSkipZeros; }
  // Whether the kernel's gradient, (O,K), is the weights' as it is.
  bool gradient_fits() const { return s_.transposed && !scaled(); }
  size_t row_stride() const { return round_up(s_.inputs, kFloatsPerLine); }
  size_t column_stride() const { return round_up(s_.outputs, kFloatsPerLine); }
  size_t weight_floats() const { return s_.inputs * s_.outputs; }
  size_t weight_output() const { return s_.transposed ? s_.inputs : 1; }
  size_t weight_input() const { return s_.transposed ? 1 : s_.outputs; }
  float weight(const float* weights, size_t o, size_t k) const {
    return s_.alpha * weights[o * weight_output() + k * weight_input()];
  }
  void forward_single(const ForwardArgs& args) const;
  void weight_gradient(const BackwardArgs& args, const float* d_sums, float* scratch) const;
  void keep_images(const BackwardArgs& args, const float* d_sums) const;
  float* kept_sums(const KeptImages& kept) const {
    return kept.floats + kept.first * s_.outputs;  // [images / lanes][outputs][lanes]
  }
  float* kept_rows(const KeptImages& kept) const {
    return kept.floats + kept.images * s_.outputs + kept.first * row_stride();
  }

  GemmSettings s_;
};

std::unique_ptr<Op> Gemm::with_epilogue(Epilogue epilogue) const {
  if (epilogue != Epilogue::kRelu || s_.relu) return nullptr;
  GemmSettings settings = s_;
  settings.relu = true;
  return std::make_unique<Gemm>(settings);
}

// In inference: the columns of a single image's product. In training: the gradient of the sums, the
// images' rows, the gradient of the weights as (O,K) and of the bias where they must be rearranged.
size_t Gemm::scratch_floats(const Pass& pass) const {
  if (pass.lanes == 1) return column_stride() + 2 * s_.inputs;
  size_t copy = scaled() ? round_up(weight_floats() + s_.outputs, kFloatsPerLine) : 0;
  if (!pass.training) return copy + (skips_zeros() ? pass.blocks * s_.inputs : 0);
  size_t images = pass.blocks * pass.lanes;
  size_t rearranged = gradient_fits() ? 0 : round_up(weight_floats(), kFloatsPerLine) + s_.outputs;
  return copy + images * (round_up(s_.outputs, kFloatsPerLine) + row_stride()) + rearranged;
}

size_t Gemm::prepared_floats(size_t lanes) const {
  return lanes == 1 ? s_.inputs * column_stride() + column_stride() : 0;
}

// The weights as [K][column_stride], then the bias: what gemm_single reads.
void Gemm::prepare(std::span<const float* const> inputs, float* prepared) const {
  for (size_t k = 0; k < s_.inputs; ++k) {
    float* column = prepared + k * column_stride();
    for (size_t o = 0; o < s_.outputs; ++o) column[o] = weight(inputs[1], o, k);
  }
  float* bias = prepared + s_.inputs * column_stride();
  for (size_t o = 0; o < s_.outputs && s_.has_bias; ++o) bias[o] = s_.beta * inputs[2][o];
}

void Gemm::forward_single(const ForwardArgs& args) const {
  GemmSingle task;
  task.x = args.inputs[0];
  task.columns = args.prepared;
  task.column_stride = column_stride();
  task.bias = s_.has_bias ? args.prepared + s_.inputs * column_stride() : nullptr;
  task.y = args.output;
  task.scratch = args.scratch;
  task.inputs = s_.inputs;
  task.outputs = s_.outputs;
  task.relu = s_.relu;
  gemm_single(task);
}

void Gemm::forward(const ForwardArgs& args) const {
  if (args.pass.lanes == 1) {
    forward_single(args);
    return;
  }
  GemmProduct task;
  task.x = args.inputs[0];
  task.weights = args.inputs[1];
  task.bias = s_.has_bias ? args.inputs[2] : nullptr;
  if (scaled()) {
    float* copy = args.scratch;
    for (size_t i = 0; i < weight_floats(); ++i) copy[i] = s_.alpha * args.inputs[1][i];
    float* bias = copy + weight_floats();
    for (size_t o = 0; o < s_.outputs && s_.has_bias; ++o) bias[o] = s_.beta * args.inputs[2][o];
    task.weights = copy;
    task.bias = s_.has_bias ? bias : nullptr;
  }
  if (skips_zeros()) {
    size_t copy = scaled() ? round_up(weight_floats() + s_.outputs, kFloatsPerLine) : 0;
    task.used = reinterpret_cast<uint32_t*>(args.scratch + copy);
  }
  task.weight_output = weight_output();
  task.weight_input = weight_input();
  task.y = args.output;
  task.blocks = args.pass.blocks;
  task.inputs = s_.inputs;
  task.outputs = s_.outputs;
  task.relu = s_.relu;
  gemm_product(task);
}

void Gemm::backward(const BackwardArgs& args) const {
  const size_t images = args.pass.blocks * args.pass.lanes;
  float* scratch = args.scratch;
  const float* d_sums = args.d_output;
  if (s_.relu) {
    float* sums = args.kept.floats != nullptr ? kept_sums(args.kept) : scratch;
    gemm_relu_gradient(args.d_output, args.output, images * s_.outputs, sums);
    d_sums = sums;
    scratch += images * round_up(s_.outputs, kFloatsPerLine);
  }
  if (args.kept.floats != nullptr) {
    keep_images(args, d_sums);
  } else {
    weight_gradient(args, d_sums, scratch);
  }
  if (args.d_inputs[0] == nullptr) return;
  GemmProduct task;
  task.x = d_sums;
  task.weights = args.inputs[1];
  if (scaled()) {
    for (size_t i = 0; i < weight_floats(); ++i) scratch[i] = s_.alpha * args.inputs[1][i];
    task.weights = scratch;
  }
  task.weight_output = weight_input();
  task.weight_input = weight_output();
  task.y = args.d_inputs[0];
  task.blocks = args.pass.blocks;
  task.inputs = s_.outputs;
  task.outputs = s_.inputs;
  gemm_product(task);
}

// The gradient of the sums and the images' rows.
size_t Gemm::kept_floats(size_t images) const {
  if (!gradient_fits() || weight_floats() < kLeastDeferredWeights) return 0;
  return images * (s_.outputs + row_stride());
}

void Gemm::keep_images(const BackwardArgs& args, const float* d_sums) const {
  const size_t images = args.pass.blocks * args.pass.lanes;
  float* sums = kept_sums(args.kept);
  if (sums != d_sums) std::memcpy(sums, d_sums, images * s_.outputs * sizeof(float));
  gemm_image_rows(args.inputs[0], args.pass.blocks, s_.inputs, kept_rows(args.kept), row_stride());
  if (s_.has_bias) gemm_bias_gradient(sums, args.pass.blocks, s_.outputs, args.d_inputs[2]);
}

void Gemm::deferred_gradient(const DeferredArgs& args) const {
  GemmWeightGradient task;
  task.d_y = kept_sums(args.kept);
  task.rows = kept_rows(args.kept);
  task.row_stride = row_stride();
  task.blocks = (args.images + simd_lanes() - 1) / simd_lanes();
  task.inputs = s_.inputs;
  task.outputs = s_.outputs;
  task.first_output = args.first;
  task.output_count = args.count;
  task.d_weights = args.gradient;
  task.add = args.add;
  gemm_weight_gradient(task);
}

void Gemm::weight_gradient(const BackwardArgs& args, const float* d_sums, float* scratch) const {
  if (args.d_inputs[1] == nullptr) return;
  const size_t images = args.pass.blocks * args.pass.lanes;
  gemm_image_rows(args.inputs[0], args.pass.blocks, s_.inputs, scratch, row_stride());
  GemmWeightGradient task;
  task.d_y = d_sums;
  task.rows = scratch;
  task.row_stride = row_stride();
  task.blocks = args.pass.blocks;
  task.inputs = s_.inputs;
  task.outputs = s_.outputs;
  task.output_count = s_.outputs;
  task.d_weights = args.d_inputs[1];
  if (gradient_fits()) {
    gemm_weight_gradient(task);
    if (s_.has_bias) {
      gemm_bias_gradient(d_sums, args.pass.blocks, s_.outputs, args.d_inputs[2]);
    }
    return;
  }
  float* d_weights = scratch + images * row_stride();
  float* d_bias = d_weights + round_up(weight_floats(), kFloatsPerLine);
  std::memset(d_bias, 0, s_.outputs * sizeof(float));
  task.d_weights = d_weights;
  task.add = false;
  gemm_weight_gradient(task);
  if (s_.has_bias) gemm_bias_gradient(d_sums, args.pass.blocks, s_.outputs, d_bias);
  for (size_t o = 0; o < s_.outputs; ++o) {
    for (size_t k = 0; k < s_.inputs; ++k) {
      args.d_inputs[1][o * weight_output() + k * weight_input()] +=
          s_.alpha * d_weights[o * s_.inputs + k];
    }
    if (s_.has_bias) args.d_inputs[2][o] += s_.beta * d_bias[o];
  }
}

}  // namespace

std::unique_ptr<Op> make_gemm(const OpSpec& spec) {
  spec.expect_inputs(1, 1, 2);
  spec.expect_attributes({"alpha", "beta", "transA", "transB"});
  if (spec.node.integer("transA", 0) != 0) spec.fail("transA is not supported");
  const Shape& x = spec.inputs[0].shape;
  const Shape& weights = spec.inputs[1].shape;
  if (x.size() != 1 || weights.size() != 2) {
    spec.fail(
        fmt::format("an input (K) and weights of rank 2 expected, got {} and {}: is a Flatten "
                    "missing?",
                    to_string(x), to_string(weights)));
  }
  GemmSettings settings;
  settings.transposed = spec.node.integer("transB", 0) != 0;
  int64_t inputs = weights[settings.transposed ? 1 : 0];
  int64_t outputs = weights[settings.transposed ? 0 : 1];
  if (inputs != x[0] || inputs < 1 || outputs < 1) {
    spec.fail(fmt::format("weights {} need an input of ({}), got {}", to_string(weights), inputs,
                          to_string(x)));
  }
  settings.inputs = static_cast<size_t>(inputs);
  settings.outputs = static_cast<size_t>(outputs);
  settings.alpha = static_cast<float>(spec.node.real("alpha", 1.0));
  settings.beta = static_cast<float>(spec.node.real("beta", 1.0));
  settings.has_bias = spec.inputs.size() == 3 && spec.inputs[2].present;
  if (settings.has_bias && element_count(spec.inputs[2].shape) != settings.outputs) {
    spec.fail(
        fmt::format("C of {} values expected, got {}", outputs, to_string(spec.inputs[2].shape)));
  }
  return std::make_unique<Gemm>(settings);
}

}  // namespace mnist
