#include "formats/recognise/layer_chain.h"

#include <gtest/gtest.h>

#include "formats/recognise.h"

namespace mnist {
namespace {

Tensor filled(const Shape& shape) {
  return {shape, std::vector<float>(element_count(shape), 0.5F)};
}

Node layer(const std::string& type, const std::string& name,
           std::map<std::string, Attribute> attributes = {}) {
  return {type, name, {}, {}, std::move(attributes)};
}

TEST(LayerChain, LayersWithWeightsOfTheirOwn) {
  LooseWeights weights;
  weights.tensors = {{"0.weight", filled({4, 1, 3, 3})},
                     {"1.weight", filled({4})},
                     {"1.bias", filled({4})},
                     {"2.weight", filled({4})},
                     {"3.weight", filled({1})},
                     {"5.weight", filled({10, 676})}};
  weights.layers = {layer("Conv", "0"),
                    layer("GroupNormalization", "1", {{"num_groups", int64_t{2}}}),
                    layer("PRelu", "2"),
                    layer("PRelu", "3"),
                    layer("MaxPool", "4", {{kMapSize, std::vector<int64_t>{13, 13}}}),
                    layer("Gemm", "5")};
  const std::optional<Model> model = chain_of_layers(weights, "x");
  ASSERT_TRUE(model);
  check_model(*model);
  EXPECT_EQ(model->weight("2.weight").shape, (Shape{4, 1, 1}));
  EXPECT_EQ(model->weight("3.weight").shape, (Shape{1, 1, 1}));
  EXPECT_EQ(model->nodes[4].integers("kernel_shape", {}), (std::vector<int64_t>{2, 2}));
  EXPECT_FALSE(model->nodes[4].attributes.contains(kMapSize));
  // Maps of 26 rows are no multiple of 4: windows of several sizes.
  weights.layers[4].attributes[kMapSize] = std::vector<int64_t>{4, 4};
  EXPECT_FALSE(chain_of_layers(weights, "x"));
}

TEST(LayerChain, LayerNormalisationsOverTheLastAxes) {
  LooseWeights weights;
  weights.tensors = {{"0.weight", filled({4, 1, 3, 3})}, {"3.weight", filled({10, 2704})}};
  weights.layers = {layer("Conv", "0"), layer("LayerNormalization", "1", {{"axis", int64_t{-3}}}),
                    layer("LayerNormalization", "2", {{"axis", int64_t{-1}}}), layer("Gemm", "3")};
  const std::optional<Model> model = chain_of_layers(weights, "x");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->weight("1.weight").shape, (Shape{4, 26, 26}));
  EXPECT_EQ(model->weight("2.bias").shape, (Shape{26}));
  EXPECT_EQ(model->weight("2.weight").values[0], 1.0F);
}

TEST(LayerChain, ModulesWithoutActivationsAreNotTheNetwork) {
  LooseWeights weights;
  weights.tensors = {{"fc1.weight", filled({30, 784})}, {"fc2.weight", filled({10, 30})}};
  weights.layers = {layer("Gemm", "fc1"), layer("Gemm", "fc2")};
  EXPECT_EQ(recognise(weights, "x")[0].metadata.at(kRecognisedKey), "FC30-relu-FC10");
}

}  // namespace
}  // namespace mnist
