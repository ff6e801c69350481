#include "classify/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "classify/adapt_input.h"
#include "classify/compare.h"
#include "classify/evaluate.h"
#include "classify/pixel_scalings.h"
#include "data/synthetic.h"
#include "engine/inference.h"
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

TEST(Calibrate, TellsHowFarItIs) {
  const Dataset digits = synthetic_digits(60, 3);
  ThreadPool threads(1);
  Model wrong = builtin_model();
  wrong.pixels = {1.0, 0.0};
  std::vector<CalibrationProgress> told;
  CalibrationLimits limits;
  limits.rounds = {{10, 8}, {20, 3}, {60, 1}};
  limits.tell = [&](const CalibrationProgress& progress) { told.push_back(progress); };
  const std::vector<Model> candidates = {make_architecture("mnist-fc"), wrong};
  const Calibration result = calibrate(candidates, digits, threads, "x", limits);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front().images, 10U);
  EXPECT_EQ(told.front().tried, 1U);
  EXPECT_EQ(told.front().trials, 16U);
  EXPECT_DOUBLE_EQ(told.back().share, 1.0);
  EXPECT_EQ(told.back().images, 60U);
  EXPECT_EQ(told.back().tried, told.back().trials);
  for (size_t i = 1; i < told.size(); ++i) {
    EXPECT_GT(told[i].share, told[i - 1].share);
    EXPECT_NE(told[i].best, nullptr);
  }
  // The one without knowledge is not tried on more images.
  EXPECT_LE(told[16].trials, 8U);
  EXPECT_EQ(told[16].tried, 1U);
  for (const CalibrationTrial& trial : result.trials) EXPECT_EQ(trial.candidate, 1U);
  // A trial can be repeated, by what it says.
  for (const CalibrationTrial& trial : result.trials) {
    const Model again = tried_model(candidates, trial, digits, "x");
    Inference inference(again, threads);
    Dataset images = digits;
    images.pixels.resize(trial.images * 784);
    images.labels.resize(trial.images);
    EXPECT_EQ(evaluate(inference, images).correct, trial.correct) << trial.scaling;
  }
}

// A network is made ready once for its scalings, but for images that are made larger.
TEST(Calibrate, EachTrialIsWhatItSays) {
  Dataset digits = synthetic_digits(40, 3);
  for (Label& label : digits.labels) label %= 2;
  digits.classes = 2;  // of which nothing but chance is expected
  ThreadPool threads(1);
  for (int64_t side : {28, 32}) {
    Model model = make_architecture("mnist-mlp", {1, side, side}, 2);
    double angle = 0.0;
    for (auto& [name, tensor] : model.weights) {
      for (float& value : tensor.values) value = static_cast<float>(0.1 * std::sin(angle += 1.7));
    }
    CalibrationLimits limits;
    limits.rounds = {{40, 100}, {40, 1}};
    const auto trials = calibrate({model}, digits, threads, "x", limits).trials;
    EXPECT_GT(trials.size(), 3U);
    for (const CalibrationTrial& trial : trials) {
      Inference inference(tried_model({model}, trial, digits, "x"), threads);
      const Evaluation alone = evaluate(inference, digits);
      EXPECT_EQ(alone.correct, trial.correct) << trial.scaling << ' ' << trial.fit;
      EXPECT_DOUBLE_EQ(alone.loss, trial.loss) << trial.scaling << ' ' << trial.fit;
    }
  }
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
