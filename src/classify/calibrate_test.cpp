#include "classify/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "classify/adapt_input.h"
#include "classify/compare.h"
#include "classify/pixel_scalings.h"
#include "data/synthetic.h"
#include "mnist/builtin.h"
#include "mnist/error.h"
#include "model/architectures.h"

namespace mnist {
namespace {

using testing::HasSubstr;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Calibrate, FindsTheScalingThatAModelWasTrainedWith) {
  const Dataset digits = synthetic_digits(600, 3);
  ThreadPool threads(2);
  Model model = builtin_model();
  const PixelScaling right = model.pixels;
  model.pixels = {1.0, 0.0};
  const Calibration result =
      calibrate({make_architecture("mnist-fc"), model}, digits, threads, "x");
  EXPECT_EQ(result.model.pixels.scale, right.scale);
  EXPECT_EQ(result.model.pixels.offset, right.offset);
  EXPECT_GT(result.trials.front().accuracy(), 0.95);
  EXPECT_EQ(result.trials.front().scaling, to_string(right));
  EXPECT_EQ(result.trials.front().images, 600U);
  EXPECT_GT(result.trials.size(), 2U);
  EXPECT_THAT(result.model.metadata.at("mnist.calibrated"), HasSubstr("of 600 images"));
}

TEST(Calibrate, ANetworkThatKnowsNothingIsSaidToKnowNothing) {
  ThreadPool threads(1);
  EXPECT_THAT(error_of([&] {
                calibrate({make_architecture("mnist-fc")}, synthetic_digits(300, 3), threads, "x");
              }),
              HasSubstr("x: no network, scaling and size make sense"));
}

TEST(PixelScalings, NamesAndNumbersAreRead) {
  for (const NamedScaling& named : named_scalings()) {
    EXPECT_EQ(to_string(parse_scaling(named.name)), named.name);
  }
  EXPECT_EQ(parse_scaling("0.5,-3").offset, -3.0);
  for (const char* wrong : {"", "unity", "1", "1,", ",1", "1,2,3", "nan,0", "1,inf", "1, 2"}) {
    EXPECT_THAT(error_of([&] { parse_scaling(wrong); }), HasSubstr("expected")) << wrong;
  }
}

TEST(AdaptInput, AGreyImageIsEveryChannelOfAColouredOne) {
  Model grey = make_architecture("mnist-cnn");
  Model coloured = grey;
  coloured.input_shape = {3, 28, 28};
  // Each of three equal channels has a third of the kernel.
  Tensor& kernel = grey.weights.at("conv1.weight");
  for (size_t i = 0; i < kernel.values.size(); ++i) {
    kernel.values[i] = static_cast<float>(i % 7) - 3.0F;
  }
  for (const char* name : {"conv2.weight", "dense.weight"}) {
    for (float& value : grey.weights.at(name).values) value = 0.01F;
  }
  coloured.weights = grey.weights;
  Tensor& wide = coloured.weights.at("conv1.weight");
  wide = {{8, 3, 3, 3}, {}};
  for (size_t i = 0; i < 8UL * 27; ++i) {
    wide.values.push_back(kernel.values[i / 27 * 9 + i % 9] / 3.0F);
  }
  ThreadPool threads(1);
  const Dataset digits = synthetic_digits(40, 1);
  const Comparison result = compare_models(grey, grey_input(coloured, "x"), digits, threads);
  EXPECT_GT(result.greatest_logit, 0.1);
  EXPECT_LT(result.greatest_difference, 1e-4 * result.greatest_logit);
}

TEST(AdaptInput, MeansOfBlocksMakeImagesSmaller) {
  Model small = make_architecture("mnist-mlp", {1, 14, 14});
  const Model adapted = adapt_input(small, 28, 28, Fit::kMean, "x");
  EXPECT_EQ(adapted.input_shape, (Shape{1, 28, 28}));
  EXPECT_EQ(adapted.nodes.front().type, "AveragePool");
  EXPECT_THAT(error_of([&] { adapt_input(small, 28, 28, Fit::kNone, "x"); }), HasSubstr("--fit"));
  EXPECT_THAT(error_of([&] { adapt_input(small, 28, 28, Fit::kPad, "x"); }), HasSubstr("'pad'"));
  EXPECT_THAT(error_of([&] { adapt_input(small, 28, 27, Fit::kMean, "x"); }), HasSubstr("'mean'"));
}

}  // namespace
}  // namespace mnist
