#include "formats/recognise/reparametrised.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::HasSubstr;

LooseWeights merged(std::vector<std::pair<std::string, Tensor>> tensors) {
  LooseWeights weights;
  weights.tensors = std::move(tensors);
  merge_reparametrised(weights, "x");
  return weights;
}

const Tensor kWeight = {{2, 2}, {3, 4, 0, 2}};

void expect_weight(const LooseWeights& weights, const std::string& name,
                   const std::vector<float>& values) {
  ASSERT_EQ(weights.tensors.size(), 1U);
  EXPECT_EQ(weights.tensors[0].first, name);
  EXPECT_EQ(weights.tensors[0].second.shape, (Shape{2, 2}));
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(weights.tensors[0].second.values[i], values[i], 1e-6);
  }
}

TEST(Reparametrised, PrunedWeightsAreMasked) {
  expect_weight(merged({{"fc.weight_orig", kWeight}, {"fc.weight_mask", {{2, 2}, {1, 0, 0, 1}}}}),
                "fc.weight", {3, 0, 0, 2});
}

TEST(Reparametrised, WeightNormGivesRowsTheirLength) {
  const Tensor lengths = {{2, 1}, {10, 6}};
  const std::vector<float> expected = {6, 8, 0, 6};
  expect_weight(merged({{"fc.weight_g", lengths}, {"fc.weight_v", kWeight}}), "fc.weight",
                expected);
  expect_weight(merged({{"fc.parametrizations.weight.original0", lengths},
                        {"fc.parametrizations.weight.original1", kWeight}}),
                "fc.weight", expected);
  // Along the columns, and of the whole.
  expect_weight(merged({{"weight_g", {{1, 2}, {1, 0}}}, {"weight_v", kWeight}}), "weight",
                {1, 0, 0, 0});
  expect_weight(merged({{"weight_g", {{}, {1}}}, {"weight_v", {{2, 2}, {1, 1, 1, 1}}}}), "weight",
                {.5, .5, .5, .5});
}

TEST(Reparametrised, SpectralNormDividesByTheGreatestSingularValue) {
  const Tensor u = {{2}, {1, 0}};
  const Tensor v = {{2}, {0, 1}};
  const std::vector<float> expected = {.75, 1, 0, .5};
  expect_weight(merged({{"c.weight_orig", kWeight}, {"c.weight_u", u}, {"c.weight_v", v}}),
                "c.weight", expected);
  expect_weight(merged({{"c.parametrizations.weight.original", kWeight},
                        {"c.parametrizations.weight.0._u", u},
                        {"c.parametrizations.weight.0._v", v}}),
                "c.weight", expected);
}

TEST(Reparametrised, OtherTensorsStayAsTheyAre) {
  EXPECT_EQ(merged({{"a_v", kWeight}, {"b_g", kWeight}, {"c_orig", kWeight}}).tensors.size(), 3U);
  EXPECT_EQ(merged({{"w", kWeight}, {"w_v", kWeight}, {"w_g", kWeight}}).tensors.size(), 3U);
}

TEST(Reparametrised, PartsThatDoNotFitAreRefused) {
  const auto refused = [](const Tensor& part, const char* name) {
    return error_of([&] { merged({{"w_v", kWeight}, {name, part}}); });
  };
  EXPECT_THAT(refused({{3, 1}, {1, 1, 1}}, "w_g"),
              HasSubstr("x: tensor 'w_g' (3,1) does not fit its weight (2,2)"));
  EXPECT_THAT(refused({{2}, {1, 1}}, "w_g"), HasSubstr("does not fit"));
  EXPECT_THAT(refused({{0, 1}, {}}, "w_g"), HasSubstr("does not fit"));
  const Tensor zero = {{2}, {0, 0}};
  EXPECT_THAT(error_of([&] {
                merged({{"w_orig", kWeight}, {"w_u", zero}, {"w_v", zero}});
              }),
              HasSubstr("'w_u' (2) does not fit"));
}

}  // namespace
}  // namespace mnist
