#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model read(const std::string& text) {
  return read_model(std::as_bytes(std::span<const char>(text)), "net.json");
}

TEST(NielsenJson, LayersAndTheirSigmoids) {
  const Model model = read(
      R"({"sizes": [2, 3, 2], "weights": [[[1, 2], [3, 4], [5, 6]], [[1, 0, 0], [0, 1, 0]]],
          "biases": [[[7], [8], [9]], [[0.5], [-0.5]]], "cost": "CrossEntropyCost"})");
  ASSERT_EQ(model.nodes.size(), 4U);
  EXPECT_EQ(model.nodes[0].type, "Gemm");
  EXPECT_EQ(model.nodes[3].type, "Sigmoid");
  EXPECT_EQ(model.input_shape, (Shape{2}));
  EXPECT_THAT(model.weight("fc1.weight").values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(model.weight("fc2.bias").values, ElementsAre(0.5F, -0.5F));
}

TEST(NielsenJson, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(error_of([] { read(R"({"sizes": [2, 1], "weights": [], "biases": [[[1]]]})"); }),
              HasSubstr("net.json: at /: weights and biases between all sizes expected"));
  EXPECT_THAT(error_of([] { read(R"({"sizes": [2, 1], "weights": [[[1]]], "biases": [[[1]]]})"); }),
              HasSubstr("net.json: at /weights/0/0: 2 numbers expected, got 1"));
  EXPECT_THAT(error_of([] { read(R"({"sizes": [1, 2], "weights": [[[1]]], "biases": [[[1]]]})"); }),
              HasSubstr("2 rows expected"));
  EXPECT_THAT(error_of([] { read(R"({"sizes": [0, 2], "weights": [[[1]]], "biases": [[[1]]]})"); }),
              HasSubstr("sizes of layers expected"));
}

}  // namespace
}  // namespace mnist
