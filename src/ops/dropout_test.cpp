#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ops/op_rows.h"

namespace mnist {
namespace {

constexpr size_t kElements = 1000;
constexpr size_t kImages = 37;

OpRow dropout_row(double ratio) {
  OpRow row;
  row.node = {"Dropout", "dropout", {"x0"}, {"y"}, {{"ratio", ratio}}};
  row.inputs = {{RowInput::Kind::kActivation, {kElements}}};
  row.output_shape = {kElements};
  return row;
}

// The mask times the factor, for images from `first_image` on.
std::vector<float> factors(double ratio, size_t images, uint64_t key, uint64_t first_image) {
  OpRun run(dropout_row(ratio), simd_lanes(), images, true);
  run.set_values(0, std::vector<float>(images * kElements, 1.0F));
  run.pass().random_key = key;
  run.pass().first_image = first_image;
  run.forward();
  return run.output();
}

double share_of_zeros(const std::vector<float>& values) {
  auto zeros = static_cast<double>(std::count(values.begin(), values.end(), 0.0F));
  return zeros / static_cast<double>(values.size());
}

TEST(Dropout, DropsTheRatioAndScalesTheRest) {
  for (double ratio : {0.1, 0.25, 0.5, 0.9}) {
    std::vector<float> values = factors(ratio, kImages, 5, 0);
    double deviation = std::sqrt(ratio * (1.0 - ratio) / static_cast<double>(values.size()));
    EXPECT_NEAR(share_of_zeros(values), ratio, 4.0 * deviation);
    for (float value : values) {
      if (value != 0.0F) {
        ASSERT_FLOAT_EQ(value, static_cast<float>(1.0 / (1.0 - ratio)));
      }
    }
  }
}

// Two masks of ratio 1/2 differ in half of their elements.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  size_t different = 0;
  for (size_t i = 0; i < a.size(); ++i) different += a[i] != b[i];
  return static_cast<double>(different) / static_cast<double>(a.size());
}

TEST(Dropout, MasksOfKeysImagesAndElementsAreIndependent) {
  std::vector<float> masks = factors(0.5, kImages, 5, 0);
  EXPECT_NEAR(difference(masks, factors(0.5, kImages, 6, 0)), 0.5, 0.02);
  for (size_t distance : {size_t{1}, size_t{2}, size_t{16}, kElements, 8 * kElements,
                          16 * kElements, kElements + 1}) {
    std::vector<float> left(masks.begin(), masks.end() - static_cast<ptrdiff_t>(distance));
    std::vector<float> right(masks.begin() + static_cast<ptrdiff_t>(distance), masks.end());
    EXPECT_NEAR(difference(left, right), 0.5, 0.02) << "distance " << distance;
  }
}

TEST(Dropout, MaskDependsOnKeyImageAndElementOnly) {
  std::vector<float> together = factors(0.5, kImages, 9, 0);
  for (const std::string& name : simd_choices()) {
    choose_simd(name);
    EXPECT_EQ(factors(0.5, kImages, 9, 0), together) << name;
    std::vector<float> from_17 = factors(0.5, kImages - 17, 9, 17);
    EXPECT_TRUE(std::equal(from_17.begin(), from_17.end(), together.begin() + 17 * kElements));
  }
  choose_simd("");
}

TEST(Dropout, GradientTakesTheSameMask) {
  OpRun run(dropout_row(0.3), simd_lanes(), kImages, true);
  run.set_values(0, std::vector<float>(kImages * kElements, 1.0F));
  run.forward();
  run.backward(std::vector<float>(kImages * kElements, 1.0F));
  EXPECT_EQ(run.d_input(0), run.output());
  EXPECT_GT(share_of_zeros(run.output()), 0.2);
}

TEST(Dropout, IsAViewInInferenceOnly) {
  OpRun run(dropout_row(0.3), simd_lanes(), kImages, true);
  EXPECT_TRUE(run.op().is_view(false));
  EXPECT_FALSE(run.op().is_view(true));
}

}  // namespace
}  // namespace mnist
