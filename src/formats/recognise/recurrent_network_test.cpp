#include "formats/recognise/recurrent_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/recognise.h"
#include "formats/recognise/paired_lists.h"
#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor filled(const Shape& shape) {
  return {shape, std::vector<float>(element_count(shape), 0.1F)};
}

// A module of four tensors a layer and direction, and a dense layer of its outputs.
LooseWeights weights_of(int64_t gates, int64_t layers, bool both, int64_t dense_inputs) {
  LooseWeights weights;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const int64_t features = layer == 0 ? 28 : (both ? 12 : 6);
    for (const char* end : {"", "_reverse"}) {
      if (*end != '\0' && !both) continue;
      const std::string suffix = "_l" + std::to_string(layer) + end;
      weights.tensors.emplace_back("rnn.weight_ih" + suffix, filled({6 * gates, features}));
      weights.tensors.emplace_back("rnn.weight_hh" + suffix, filled({6 * gates, 6}));
      weights.tensors.emplace_back("rnn.bias_ih" + suffix, filled({6 * gates}));
      weights.tensors.emplace_back("rnn.bias_hh" + suffix, filled({6 * gates}));
    }
  }
  weights.tensors.emplace_back("fc.weight", filled({10, dense_inputs}));
  weights.tensors.emplace_back("fc.bias", filled({10}));
  return weights;
}

std::vector<std::string> recognised(const LooseWeights& weights) {
  std::vector<std::string> names;
  for (const Model& model : recognise(weights, "x")) {
    EXPECT_EQ(model.input_shape, (Shape{28, 28}));
    names.push_back(model.metadata.at(kRecognisedKey));
  }
  return names;
}

TEST(RecurrentNetwork, TheCellIsToldFromItsGatesAndTheHeadFromItsInputs) {
  EXPECT_THAT(recognised(weights_of(4, 1, false, 6)),
              ElementsAre("LSTM6-last-FC10", "LSTM6-mean-FC10"));
  EXPECT_THAT(recognised(weights_of(3, 2, false, 28 * 6)), ElementsAre("GRU6x2-all-FC10"));
  EXPECT_THAT(recognised(weights_of(4, 2, true, 12)),
              ElementsAre("biLSTM6x2-last-FC10", "biLSTM6x2-ends-FC10", "biLSTM6x2-mean-FC10"));
  EXPECT_THAT(recognised(weights_of(1, 1, false, 6)),
              ElementsAre("RNN6-tanh-last-FC10", "RNN6-relu-last-FC10", "RNN6-tanh-mean-FC10",
                          "RNN6-relu-mean-FC10"));
}

TEST(RecurrentNetwork, WhatDoesNotFitIsRefused) {
  const auto refusal = [](const LooseWeights& weights) {
    return error_of([&] { recognise(weights, "x"); });
  };
  EXPECT_THAT(
      refusal(weights_of(4, 1, false, 7)),
      HasSubstr("x: recurrent weights: the dense layer 'fc' takes 7 values, the rows have 6"));
  EXPECT_THAT(refusal(weights_of(2, 1, false, 6)), HasSubstr("2 gates"));
  LooseWeights incomplete = weights_of(4, 1, false, 6);
  incomplete.tensors.erase(incomplete.tensors.begin());
  EXPECT_THAT(refusal(incomplete), HasSubstr("'weight_ih_l0' is missing"));
}

TEST(PairedLists, ColumnsBecomeBiasesBehindTheirMatrices) {
  LooseWeights weights;
  weights.tensors = {{"biases.0", filled({3, 1})},
                     {"biases.1", filled({2, 1})},
                     {"weights.0", filled({3, 4})},
                     {"weights.1", filled({2, 3})}};
  LooseWeights other = weights;
  other.tensors[0].second = filled({5, 1});  // no matrix has 5 of anything
  pair_lists(weights);
  ASSERT_EQ(weights.tensors.size(), 4U);
  EXPECT_EQ(weights.tensors[0].first, "0.weight");
  EXPECT_EQ(weights.tensors[1].first, "0.bias");
  EXPECT_EQ(weights.tensors[1].second.shape, (Shape{3}));
  EXPECT_EQ(weights.tensors[3].second.shape, (Shape{2}));
  pair_lists(other);
  EXPECT_EQ(other.tensors[0].first, "biases.0");
}

}  // namespace
}  // namespace mnist
