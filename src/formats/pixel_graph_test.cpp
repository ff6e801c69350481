#include "formats/pixel_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

Node affine(const char* type, std::vector<std::string> inputs, const std::string& name) {
  return {type, name, std::move(inputs), {name}, {}};
}

// (v / 2 - 1) * 4 before a dense layer.
Model scaled_network() {
  Model model;
  model.input_shape = {2};
  model.pixels = {1.0, 0.0};
  model.weights = {{"two", {{1}, {2.0F}}},
                   {"one", {{2}, {1.0F, 1.0F}}},
                   {"four", {{}, {4.0F}}},
                   {"w", {{3, 2}, {1, 2, 3, 4, 5, 6}}}};
  model.nodes = {affine("Div", {"input", "two"}, "a"),
                 affine("Sub", {"a", "one"}, "b"),
                 affine("Mul", {"four", "b"}, "c"),
                 {"Gemm", "fc", {"c", "w"}, {"fc"}, {{"transB", int64_t{1}}}}};
  model.output = "fc";
  return model;
}

TEST(PixelGraph, WhatIsDoneToEveryPixelAlikeBecomesTheirScaling) {
  const Model model = scaling_as_pixels(scaled_network());
  ASSERT_EQ(model.nodes.size(), 1U);
  EXPECT_EQ(model.nodes[0].inputs[0], "input");
  EXPECT_EQ(model.weights.size(), 1U);
  EXPECT_EQ(model.pixels.scale, 2.0);
  EXPECT_EQ(model.pixels.offset, -4.0);
  EXPECT_NO_THROW(check_model(model));
}

TEST(PixelGraph, WhatDiffersBetweenPixelsStays) {
  Model model = scaled_network();
  model.weights["one"].values = {1.0F, 2.0F};
  const Model folded = scaling_as_pixels(model);
  EXPECT_EQ(folded.nodes.size(), 3U);
  EXPECT_EQ(folded.pixels.scale, 0.5);
  model = scaled_network();  // read twice
  model.nodes[2] = affine("Mul", {"input", "b"}, "c");
  model.weights.erase("four");
  EXPECT_EQ(scaling_as_pixels(model).nodes.size(), 4U);
}

TEST(PixelGraph, AStateDictHoldsTheLayersAlone) {
  const Model model = scaled_network();
  const std::vector<std::byte> bytes = model_bytes(model, "model.pt");
  const Model again = read_back(model, bytes, "model.pt");
  EXPECT_EQ(again.nodes.size(), 1U);
  EXPECT_EQ(again.weight("w").values, model.weight("w").values);
  EXPECT_EQ(again.pixels.offset, -4.0);
}

}  // namespace
}  // namespace mnist
