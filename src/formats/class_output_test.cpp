#include "formats/class_output.h"

#include <gtest/gtest.h>

namespace mnist {
namespace {

Model classifier() {
  Model model;
  model.input_shape = {2};
  model.weights = {{"w", {{3, 2}, {1, 2, 3, 4, 5, 6}}}};
  model.nodes = {{"Gemm", "fc", {"input", "w"}, {"fc"}, {{"transB", int64_t{1}}}},
                 {"ArgMax", "best", {"fc"}, {"best"}, {{"axis", int64_t{-1}}}},
                 {"Reshape", "class", {"best"}, {"class"}, {{"shape", std::vector<int64_t>{1}}}}};
  model.output = "class";
  return model;
}

TEST(ClassOutput, TheScoresAreWhatANetworkEndsIn) {
  const Model model = ending_in_scores(classifier());
  EXPECT_EQ(model.output, "fc");
  EXPECT_EQ(model.nodes.size(), 1U);
  EXPECT_TRUE(model.metadata.contains(kClassOutputKey));
  EXPECT_NO_THROW(check_model(model));
}

TEST(ClassOutput, OtherNetworksStayAsTheyAre) {
  Model model = classifier();
  model.nodes[1].type = "ReduceMax";
  EXPECT_EQ(ending_in_scores(model).nodes.size(), 3U);
  model = classifier();
  model.nodes.erase(model.nodes.begin());
  model.nodes[0].inputs[0] = "input";
  EXPECT_EQ(ending_in_scores(model).output, "class");
}

}  // namespace
}  // namespace mnist
