// Resize and its forerunner Upsample: maps with more rows and columns, or fewer, to the nearest or
// with straight lines in between.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/simd.h"
#include "ops/axes.h"
#include "ops/rearrange.h"
#include "ops/reshape.h"

namespace mnist {
namespace {

// The positions along one axis of the output as positions of the input, in between where it falls.
std::vector<double> coordinates(const OpSpec& spec, const std::string& rule, int64_t from,
                                int64_t to, double scale) {
  std::vector<double> result;
  for (int64_t i = 0; i < to; ++i) {
    const auto place = static_cast<double>(i);
    if (rule == "asymmetric") {
      result.push_back(place / scale);
    } else if (rule == "half_pixel" || (rule == "pytorch_half_pixel" && to > 1)) {
      result.push_back((place + 0.5) / scale - 0.5);
    } else if (rule == "pytorch_half_pixel" || (rule == "align_corners" && to == 1)) {
      result.push_back(0.0);
    } else if (rule == "align_corners") {
      result.push_back(place * static_cast<double>(from - 1) / static_cast<double>(to - 1));
    } else {
      spec.fail(
          "coordinate_transformation_mode: half_pixel, pytorch_half_pixel, align_corners or "
          "asymmetric expected, got " +
          rule);
    }
  }
  return result;
}

int32_t nearest(const OpSpec& spec, const std::string& rule, double place, int64_t extent) {
  double whole = 0.0;
  if (rule == "round_prefer_floor") {
    whole = std::ceil(place - 0.5);
  } else if (rule == "round_prefer_ceil") {
    whole = std::floor(place + 0.5);
  } else if (rule == "floor") {
    whole = std::floor(place);
  } else if (rule == "ceil") {
    whole = std::ceil(place);
  } else {
    spec.fail("nearest_mode: round_prefer_floor, round_prefer_ceil, floor or ceil expected, got " +
              rule);
  }
  return static_cast<int32_t>(std::clamp(whole, 0.0, static_cast<double>(extent - 1)));
}

// An output position lies between two of the input's, `share` of the way from the first.
struct Blend {
  size_t first;
  size_t second;
  float share;
};

// One axis changing its extent: [outer][from][inner] -> [outer][blends.size()][inner].
struct AxisBlend {
  AxisRun input;
  std::vector<Blend> blends;

  size_t input_elements() const { return input.outer * input.run * input.inner; }
  size_t output_elements() const { return input.outer * blends.size() * input.inner; }
};

void blend_forward(const AxisBlend& axis, size_t blocks, size_t lanes, const float* x, float* y) {
  const size_t inner = axis.input.inner * lanes;
  for (size_t o = 0; o < blocks * axis.input.outer; ++o, x += axis.input.run * inner) {
    for (const Blend& blend : axis.blends) {
      const float* first = x + blend.first * inner;
      const float* second = x + blend.second * inner;
      for (size_t i = 0; i < inner; ++i) y[i] = first[i] + blend.share * (second[i] - first[i]);
      y += inner;
    }
  }
}

void blend_backward(const AxisBlend& axis, size_t blocks, size_t lanes, const float* d_y,
                    float* d_x) {
  const size_t inner = axis.input.inner * lanes;
  std::memset(d_x, 0, blocks * axis.input_elements() * lanes * sizeof(float));
  for (size_t o = 0; o < blocks * axis.input.outer; ++o, d_x += axis.input.run * inner) {
    for (const Blend& blend : axis.blends) {
      float* first = d_x + blend.first * inner;
      float* second = d_x + blend.second * inner;
      for (size_t i = 0; i < inner; ++i) first[i] += (1.0F - blend.share) * d_y[i];
      for (size_t i = 0; i < inner; ++i) second[i] += blend.share * d_y[i];
      d_y += inner;
    }
  }
}

// Axis by axis, by way of two buffers.
class LinearResize : public Op {
 public:
  LinearResize(Shape output, std::vector<AxisBlend> axes)
      : Op(std::move(output)), axes_(std::move(axes)) {}

  void forward(const ForwardArgs& args) const override {
    const float* from = args.inputs[0];
    for (size_t i = 0; i < axes_.size(); ++i) {
      float* to = i + 1 == axes_.size() ? args.output : buffer(args.pass, args.scratch, i);
      blend_forward(axes_[i], args.pass.blocks, args.pass.lanes, from, to);
      from = to;
    }
  }

  void backward(const BackwardArgs& args) const override {
    if (args.d_inputs[0] == nullptr) return;
    const float* from = args.d_output;
    for (size_t i = axes_.size(); i-- > 0;) {
      float* to = i == 0 ? args.d_inputs[0] : buffer(args.pass, args.scratch, i);
      blend_backward(axes_[i], args.pass.blocks, args.pass.lanes, from, to);
      from = to;
    }
  }

  size_t scratch_floats(const Pass& pass) const override { return 2 * buffer_floats(pass); }

 private:
  // What lies between two axes.
  size_t buffer_floats(const Pass& pass) const {
    size_t most = 0;
    for (size_t i = 1; i < axes_.size(); ++i) most = std::max(most, axes_[i].input_elements());
    return round_up(most * pass.blocks * pass.lanes, kFloatsPerLine);
  }
  float* buffer(const Pass& pass, float* scratch, size_t step) const {
    return scratch + step % 2 * buffer_floats(pass);
  }

  std::vector<AxisBlend> axes_;
};

std::vector<Blend> blends(const std::vector<double>& places, int64_t extent) {
  std::vector<Blend> result;
  for (double place : places) {
    const double inside = std::clamp(place, 0.0, static_cast<double>(extent - 1));
    const double first = std::floor(inside);
    const double second = std::min(first + 1.0, static_cast<double>(extent - 1));
    result.push_back({static_cast<size_t>(first), static_cast<size_t>(second),
                      static_cast<float>(inside - first)});
  }
  return result;
}

std::unique_ptr<Op> make_linear(const Shape& image, const Shape& output,
                                const std::vector<std::vector<double>>& places) {
  std::vector<AxisBlend> axes;
  Shape shape = image;
  for (size_t i = 0; i < image.size(); ++i) {
    if (image[i] == output[i]) continue;
    axes.push_back({split_at(shape, i, i), blends(places[i], image[i])});
    shape[i] = output[i];
  }
  return std::make_unique<LinearResize>(output, std::move(axes));
}

// What both nodes ask for.
struct Scaling {
  std::vector<double> scales;  // of an image's axes
  Shape output;
};

// From the attributes `scales` or `sizes`, which begin with the batch's.
Scaling read_scaling(const OpSpec& spec) {
  const Shape& image = spec.inputs[0].shape;
  const std::vector<double> scales = spec.node.reals("scales", {});
  const std::vector<int64_t> sizes = spec.node.integers("sizes", {});
  const size_t rank = image.size() + 1;
  if (scales.size() + sizes.size() != rank || (!scales.empty() && !sizes.empty()) ||
      (!scales.empty() && scales[0] != 1.0)) {
    spec.fail(fmt::format("scales or sizes: {} numbers expected, a scale of 1 for the batch first",
                          rank));
  }
  Scaling result;
  for (size_t i = 0; i < image.size(); ++i) {
    expect_extent(spec, image[i]);
    const auto extent = static_cast<double>(image[i]);
    double size =
        sizes.empty() ? std::floor(extent * scales[i + 1]) : static_cast<double>(sizes[i + 1]);
    if (!(size >= 1.0 && size <= 1e6)) {
      spec.fail(fmt::format("an axis of {} would be of {}", image[i], size));
    }
    result.output.push_back(static_cast<int64_t>(size));
    result.scales.push_back(sizes.empty() ? scales[i + 1] : size / extent);
  }
  element_count(result.output);  // throws where it is too large
  return result;
}

std::unique_ptr<Op> make_scaled(const OpSpec& spec, const std::string& mode,
                                const std::string& rule, const std::string& nearest_rule) {
  spec.expect_inputs(1, 0, 0);
  const Shape& image = spec.inputs[0].shape;
  const Scaling scaling = read_scaling(spec);
  if (scaling.output == image) return make_view(image);
  std::vector<std::vector<double>> places;
  for (size_t i = 0; i < image.size(); ++i) {
    places.push_back(coordinates(spec, rule, image[i], scaling.output[i], scaling.scales[i]));
  }
  if (mode == "linear") return make_linear(image, scaling.output, places);
  if (mode != "nearest") spec.fail("mode: nearest or linear expected, got " + mode);
  const std::vector<size_t> steps = axis_steps(image);
  std::vector<AxisSource> axes;
  for (size_t i = 0; i < image.size(); ++i) {
    axes.push_back({steps[i], {}});
    for (double place : places[i]) {
      axes.back().from.push_back(nearest(spec, nearest_rule, place, image[i]));
    }
  }
  return make_rearrangement(spec, axes);
}

}  // namespace

// What is about mode cubic and about coordinates beyond the input says nothing for the others.
std::unique_ptr<Op> make_resize(const OpSpec& spec) {
  spec.expect_attributes({"scales", "sizes", "mode", "coordinate_transformation_mode",
                          "nearest_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value",
                          "antialias"});
  if (spec.node.integer("antialias", 0) != 0) spec.fail("antialias is not supported");
  return make_scaled(spec, spec.node.text("mode", "nearest"),
                     spec.node.text("coordinate_transformation_mode", "half_pixel"),
                     spec.node.text("nearest_mode", "round_prefer_floor"));
}

std::unique_ptr<Op> make_upsample(const OpSpec& spec) {
  spec.expect_attributes({"scales", "mode"});
  return make_scaled(spec, spec.node.text("mode", "nearest"), "asymmetric", "floor");
}

}  // namespace mnist
