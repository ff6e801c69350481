#include "ops/rearrange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace mnist {
namespace {

constexpr int64_t kLargestExtent = int64_t{1} << 20;
constexpr size_t kMostAxes = 16;

// Whether the output begins with the input's positions in their order.
bool keeps_order(const AxisSource& axis) {
  for (size_t i = 0; i < axis.from.size(); ++i) {
    if (axis.from[i] != static_cast<int32_t>(i)) return false;
  }
  return true;
}

// Neighbours of the output that are neighbours in the input, too, or are all outside.
struct Run {
  size_t to;
  size_t from;
  size_t count;
  bool outside;
};

// The runs along an axis in units of `unit` elements, which stay together.
std::vector<Run> make_runs(const AxisSource& axis, size_t unit) {
  std::vector<Run> runs;
  for (size_t i = 0; i < axis.from.size(); ++i) {
    bool outside = axis.from[i] == AxisSource::kOutside;
    size_t from = outside ? 0 : static_cast<size_t>(axis.from[i]) * axis.step;
    if (!runs.empty() && runs.back().outside == outside &&
        (outside || runs.back().from + runs.back().count == from)) {
      runs.back().count += unit;
    } else {
      runs.push_back({i * unit, from, unit, outside});
    }
  }
  return runs;
}

class Rearrangement : public Op {
 public:
  Rearrangement(Shape output, size_t input_elements, std::vector<AxisSource> outer,
                std::vector<Run> runs, float outside)
      : Op(std::move(output)),
        input_elements_(input_elements),
        output_elements_(element_count(output_shape())),
        outer_(std::move(outer)),
        runs_(std::move(runs)),
        outside_(outside) {}

  void forward(const ForwardArgs& args) const override {
    const size_t lanes = args.pass.lanes;
    for (size_t block = 0; block < args.pass.blocks; ++block) {
      const float* input = args.inputs[0] + block * input_elements_ * lanes;
      float* output = args.output + block * output_elements_ * lanes;
      for_each_run([&](size_t to, size_t from, size_t count, bool outside) {
        if (outside) {
          std::fill_n(output + to * lanes, count * lanes, outside_);
        } else {
          std::memcpy(output + to * lanes, input + from * lanes, count * lanes * sizeof(float));
        }
      });
    }
  }

  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    const size_t lanes = args.pass.lanes;
    std::memset(args.d_inputs[0], 0, args.pass.blocks * input_elements_ * lanes * sizeof(float));
    for (size_t block = 0; block < args.pass.blocks; ++block) {
      float* d_input = args.d_inputs[0] + block * input_elements_ * lanes;
      const float* d_output = args.d_output + block * output_elements_ * lanes;
      for_each_run([&](size_t to, size_t from, size_t count, bool outside) {
        for (size_t i = 0; i < count * lanes && !outside; ++i) {
          d_input[from * lanes + i] += d_output[to * lanes + i];
        }
      });
    }
  }

 private:
  // Calls visit(to, from, count, outside) for all runs, in elements of one image.
  template <class Visit>
  void for_each_run(Visit visit) const {
    size_t to = 0;
    walk(0, 0, false, to, visit);
  }

  template <class Visit>
  void walk(size_t axis, size_t from, bool outside, size_t& to, Visit& visit) const {
    if (axis < outer_.size()) {
      for (int32_t position : outer_[axis].from) {
        bool beyond = outside || position == AxisSource::kOutside;
        walk(axis + 1, beyond ? 0 : from + static_cast<size_t>(position) * outer_[axis].step,
             beyond, to, visit);
      }
      return;
    }
    for (const Run& run : runs_) {
      visit(to + run.to, from + run.from, run.count, outside || run.outside);
    }
    to += runs_.back().to + runs_.back().count;
  }

  size_t input_elements_;
  size_t output_elements_;
  std::vector<AxisSource> outer_;  // all axes but those within the runs
  std::vector<Run> runs_;
  float outside_;
};

}  // namespace

std::vector<size_t> axis_steps(const Shape& shape) {
  std::vector<size_t> steps(shape.size());
  size_t step = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    steps[i] = step;
    step *= static_cast<size_t>(shape[i]);
  }
  return steps;
}

AxisSource whole_axis(int64_t extent, size_t step) {
  AxisSource axis = {step, {}};
  for (int64_t i = 0; i < extent; ++i) axis.from.push_back(static_cast<int32_t>(i));
  return axis;
}

void expect_extent(const OpSpec& spec, int64_t extent) {
  if (extent < 1 || extent > kLargestExtent) {
    spec.fail(fmt::format("an extent of {}: 1 to {} expected", extent, kLargestExtent));
  }
}

std::unique_ptr<Op> make_rearrangement(const OpSpec& spec, const std::vector<AxisSource>& axes,
                                       float outside, std::optional<size_t> dropped) {
  if (axes.size() > kMostAxes) spec.fail(fmt::format("more than {} axes", kMostAxes));
  Shape output;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (i != dropped) output.push_back(static_cast<int64_t>(axes[i].from.size()));
  }
  element_count(output);  // throws where it is too large
  // What stays together at the end moves as one.
  size_t unit = 1;
  std::vector<AxisSource> outer = axes;
  while (outer.size() > 1 && outer.back().step == unit && keeps_order(outer.back())) {
    unit *= outer.back().from.size();
    outer.pop_back();
  }
  std::vector<Run> runs = {{0, 0, 1, false}};
  if (!outer.empty()) {
    runs = make_runs(outer.back(), unit);
    outer.pop_back();
  }
  return std::make_unique<Rearrangement>(output, element_count(spec.inputs[0].shape),
                                         std::move(outer), std::move(runs), outside);
}

}  // namespace mnist
