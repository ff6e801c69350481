// Concat: inputs behind one another along an axis.
#include <fmt/format.h>

#include <cstring>

#include "ops/axes.h"
#include "ops/op.h"

namespace mnist {
namespace {

// Seen as [outer][runs[i]][lane]: input i gives runs[i] elements at a time.
class Concat : public Op {
 public:
  Concat(Shape output, size_t outer, std::vector<size_t> runs)
      : Op(std::move(output)), outer_(outer), runs_(std::move(runs)) {}

  void forward(const ForwardArgs& args) const override {
    float* output = args.output;
    for (size_t step = 0; step < args.pass.blocks * outer_; ++step) {
      for (size_t i = 0; i < runs_.size(); ++i) {
        size_t run = runs_[i] * args.pass.lanes;
        std::memcpy(output, args.inputs[i] + step * run, run * sizeof(float));
        output += run;
      }
    }
  }

  void backward(const BackwardArgs& args) const override {
    const float* d_output = args.d_output;
    for (size_t step = 0; step < args.pass.blocks * outer_; ++step) {
      for (size_t i = 0; i < runs_.size(); ++i) {
        size_t run = runs_[i] * args.pass.lanes;
        float* d_input = args.d_inputs[i];
        if (d_input != nullptr) std::memcpy(d_input + step * run, d_output, run * sizeof(float));
        d_output += run;
      }
    }
  }

 private:
  size_t outer_;
  std::vector<size_t> runs_;
};

}  // namespace

std::unique_ptr<Op> make_concat(const OpSpec& spec) {
  spec.expect_attributes({"axis"});
  if (spec.inputs.empty()) spec.fail("at least one input expected");
  spec.expect_inputs(spec.inputs.size(), 0, 0);
  Shape output = spec.inputs[0].shape;
  if (!spec.node.attributes.contains("axis")) spec.fail("attribute 'axis' is missing");
  size_t axis = image_axis(spec, spec.node.integer("axis", 0), output.size());
  size_t outer = split_at(output, axis, axis).outer;
  output[axis] = 0;
  int64_t extent = 0;
  std::vector<size_t> runs;
  for (const OpInput& input : spec.inputs) {
    Shape others = input.shape;
    if (axis < others.size()) others[axis] = 0;
    if (others != output) {
      spec.fail(fmt::format("inputs of shapes {} and {} do not fit together",
                            to_string(spec.inputs[0].shape), to_string(input.shape)));
    }
    extent += input.shape[axis];
    runs.push_back(outer == 0 ? 0 : element_count(input.shape) / outer);
  }
  output[axis] = extent;
  element_count(output);  // throws where it is too large
  return std::make_unique<Concat>(output, outer, std::move(runs));
}

}  // namespace mnist
