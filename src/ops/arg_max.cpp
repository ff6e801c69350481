// ArgMax: where along an axis the greatest value is, as a number.
#include <cstring>

#include "base/simd.h"
#include "ops/axes.h"
#include "ops/op.h"

namespace mnist {
namespace {

class ArgMax : public Op {
 public:
  ArgMax(Shape output, const AxisRun& lines, bool last)
      : Op(std::move(output)), lines_(lines), last_(last) {}

  void forward(const ForwardArgs& args) const override {
    const size_t lanes = args.pass.lanes;
    const float* x = args.inputs[0];
    float* y = args.output;
    for (size_t outer = 0; outer < args.pass.blocks * lines_.outer; ++outer) {
      for (size_t inner = 0; inner < lines_.inner; ++inner, y += lanes) {
        find(x + inner * lanes, lanes, y);
      }
      x += lines_.run * lines_.inner * lanes;
    }
  }

  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    const size_t elements = lines_.outer * lines_.run * lines_.inner;
    std::memset(args.d_inputs[0], 0, args.pass.blocks * args.pass.lanes * elements * sizeof(float));
  }

  bool differentiable() const override { return false; }

 private:
  void find(const float* x, size_t lanes, float* y) const {
    float most[kFloatsPerLine];
    std::memcpy(most, x, lanes * sizeof(float));
    std::memset(y, 0, lanes * sizeof(float));
    for (size_t k = 1; k < lines_.run; ++k) {
      x += lines_.inner * lanes;
      for (size_t lane = 0; lane < lanes; ++lane) {
        if (last_ ? x[lane] < most[lane] : x[lane] <= most[lane]) continue;
        most[lane] = x[lane];
        y[lane] = static_cast<float>(k);
      }
    }
  }

  AxisRun lines_;
  bool last_;
};

}  // namespace

// Attributes `axis`, which must be there, as ONNX's default is the batch, `keepdims` and
// `select_last_index`.
std::unique_ptr<Op> make_arg_max(const OpSpec& spec) {
  spec.expect_inputs(1, 0, 0);
  spec.expect_attributes({"axis", "keepdims", "select_last_index"});
  expect_lines(spec);
  Shape output = spec.inputs[0].shape;
  const size_t axis = image_axis(spec, spec.node.integer("axis", 0), output.size());
  const AxisRun lines = split_at(output, axis, axis);
  output[axis] = 1;
  if (spec.node.integer("keepdims", 1) == 0)
    output.erase(output.begin() + static_cast<ptrdiff_t>(axis));
  return std::make_unique<ArgMax>(output, lines, spec.node.integer("select_last_index", 0) != 0);
}

}  // namespace mnist
