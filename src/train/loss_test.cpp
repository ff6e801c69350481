#include "train/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "base/simd.h"
#include "classify/evaluate.h"

namespace mnist {
namespace {

// Loss of one image in double, from its definition.
double definition(const std::vector<double>& x, size_t label, double smoothing) {
  double greatest = *std::max_element(x.begin(), x.end());
  double sum = 0.0;
  for (double value : x) sum += std::exp(value - greatest);
  double loss = 0.0;
  for (size_t c = 0; c < x.size(); ++c) {
    double target =
        smoothing / static_cast<double>(x.size()) + (c == label ? 1.0 - smoothing : 0.0);
    loss -= target * (x[c] - greatest - std::log(sum));
  }
  return loss;
}

class LossOnTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { choose_simd(GetParam()); }
  void TearDown() override { choose_simd(""); }
};

TEST_P(LossOnTarget, ValueAndGradientAreThoseOfTheDefinition) {
  const size_t lanes = simd_lanes();
  const size_t classes = 7;
  const size_t images = lanes + 1;  // the second block has one image
  const double smoothing = 0.15;
  FloatBuffer x(2 * classes * lanes);
  FloatBuffer d_x(2 * classes * lanes);
  Random random(3);
  for (float& value : x) value = 4.0F * random.normal();
  std::vector<Label> labels;
  for (size_t i = 0; i < images; ++i) labels.push_back(static_cast<uint8_t>(i % classes));
  LossTask task{x.data(), d_x.data(), labels, classes, 0.5F, static_cast<float>(smoothing)};
  const LossResult result = softmax_cross_entropy(task);
  double expected = 0.0;
  for (size_t i = 0; i < images; ++i) {
    std::vector<double> logits;
    auto place = [&](size_t c) { return (i / lanes * classes + c) * lanes + i % lanes; };
    for (size_t c = 0; c < classes; ++c) logits.push_back(x[place(c)]);
    expected += definition(logits, labels[i], smoothing);
    for (size_t c = 0; c < classes; ++c) {
      const double step = 1e-5;
      std::vector<double> up = logits;
      std::vector<double> down = logits;
      up[c] += step;
      down[c] -= step;
      const double slope =
          (definition(up, labels[i], smoothing) - definition(down, labels[i], smoothing)) /
          (2 * step);
      EXPECT_NEAR(d_x[place(c)], 0.5 * slope, 1e-6);
    }
  }
  EXPECT_NEAR(result.loss, expected, 1e-5 * expected);
  for (size_t lane = 1; lane < lanes; ++lane) {
    for (size_t c = 0; c < classes; ++c) EXPECT_EQ(d_x[(classes + c) * lanes + lane], 0.0F);
  }
}

TEST_P(LossOnTarget, HugeLogitsStayFinite) {
  const size_t lanes = simd_lanes();
  FloatBuffer x(2 * lanes);
  FloatBuffer d_x(2 * lanes);
  x[0] = 1e4F;
  x[lanes] = -1e4F;
  const std::vector<Label> labels = {1};
  const LossResult result = softmax_cross_entropy({x.data(), d_x.data(), labels, 2, 1.0F, 0.0F});
  EXPECT_NEAR(result.loss, 2e4, 1.0);
  EXPECT_EQ(result.correct, 0U);
  EXPECT_NEAR(d_x[0], 1.0, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Simd, LossOnTarget, testing::ValuesIn(simd_choices()));

TEST(CrossEntropy, GivesLossAndProbabilities) {
  const float logits[] = {1.0F, 2.0F, 3.0F};
  float probabilities[3];
  EXPECT_NEAR(cross_entropy(logits, 3, 1, probabilities), 1.4076059644, 1e-7);
  EXPECT_NEAR(probabilities[0], 0.09003057, 1e-6);
  EXPECT_NEAR(probabilities[0] + probabilities[1] + probabilities[2], 1.0, 1e-6);
}

}  // namespace
}  // namespace mnist
