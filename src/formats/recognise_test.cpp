#include "formats/recognise.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "formats/recognise/weight_layer.h"
#include "formats/recognise/weight_names.h"
#include "formats/test_support.h"
#include "formats/torch_names.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::Contains;
using testing::HasSubstr;

struct NamedShape {
  std::string name;
  Shape shape;
};

LooseWeights weights_of(const std::vector<NamedShape>& shapes) {
  LooseWeights weights;
  Random random(random_key(1, RandomUse::kInitialWeights));
  for (const auto& [name, shape] : shapes) {
    Tensor tensor{shape, std::vector<float>(element_count(shape))};
    for (float& value : tensor.values) value = std::abs(random.normal());
    weights.tensors.emplace_back(name, std::move(tensor));
  }
  return weights;
}

// A weight, and its bias, of a layer.
std::vector<NamedShape> layers_of(const std::vector<NamedShape>& layers) {
  std::vector<NamedShape> shapes;
  for (const auto& [name, shape] : layers) {
    if (shape.size() == 1) {  // a normalisation
      for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
        shapes.push_back({fmt::format("{}.{}", name, part), shape});
      }
      shapes.push_back({fmt::format("{}.num_batches_tracked", name), {}});
    } else {
      shapes.push_back({fmt::format("{}.weight", name), shape});
      shapes.push_back({fmt::format("{}.bias", name), {shape[0]}});
    }
  }
  return shapes;
}

std::vector<std::string> assumptions(const LooseWeights& weights) {
  std::vector<std::string> texts;
  for (const Model& model : recognise(weights, "x")) {
    check_model(model);
    texts.push_back(model.metadata.at(kRecognisedKey));
  }
  EXPECT_LE(texts.size(), kMostCandidates);
  return texts;
}

// The network is among the first `most` candidates.
void expect_found(const std::vector<NamedShape>& layers, const std::string& network, size_t most) {
  const std::vector<std::string> found = assumptions(weights_of(layers_of(layers)));
  const auto place = std::find(found.begin(), found.end(), network);
  const auto rank = static_cast<size_t>(place - found.begin());
  EXPECT_LT(rank, most) << network << " of " << found.size() << ", first: " << found[0];
}

TEST(Recognise, NetworksThatPeopleBuild) {
  // PyTorch's example, before and since 2019.
  expect_found(
      {{"conv1", {10, 1, 5, 5}}, {"conv2", {20, 10, 5, 5}}, {"fc1", {50, 320}}, {"fc2", {10, 50}}},
      "Conv10(5)-relu-max2-Conv20(5)-relu-max2-FC50-relu-FC10", 1);
  expect_found({{"conv1", {32, 1, 3, 3}},
                {"conv2", {64, 32, 3, 3}},
                {"fc1", {128, 9216}},
                {"fc2", {10, 128}}},
               "Conv32(3)-relu-Conv64(3)-relu-max2-FC128-relu-FC10", 3);
  // With batch normalisation, in named groups.
  expect_found({{"layer1.0", {16, 1, 5, 5}},
                {"layer1.1", {16}},
                {"layer2.0", {32, 16, 5, 5}},
                {"layer2.1", {32}},
                {"fc", {10, 1568}}},
               "Conv16(5,p2)-BN-relu-max2-Conv32(5,p2)-BN-relu-max2-FC10", 1);
  // LeNet-5 as books have it.
  expect_found({{"net.0", {6, 1, 5, 5}},
                {"net.3", {16, 6, 5, 5}},
                {"net.7", {120, 400}},
                {"net.9", {84, 120}},
                {"net.11", {10, 84}}},
               "Conv6(5,p2)-sigmoid-avg2-Conv16(5)-sigmoid-avg2-FC120-sigmoid-FC84-sigmoid-FC10",
               40);
  expect_found({{"c1", {6, 1, 5, 5}},
                {"c3", {16, 6, 5, 5}},
                {"f5", {120, 400}},
                {"f6", {84, 120}},
                {"output", {10, 84}}},
               "(1,32,32) Conv6(5)-tanh-avg2-Conv16(5)-tanh-avg2-FC120-tanh-FC84-tanh-FC10", 40);
  expect_found({{"c1", {6, 1, 5, 5}},
                {"c3", {16, 6, 5, 5}},
                {"c5", {120, 16, 5, 5}},
                {"f6", {84, 120}},
                {"output", {10, 84}}},
               "(1,32,32) Conv6(5)-tanh-avg2-Conv16(5)-tanh-avg2-Conv120(5)-tanh-FC84-tanh-FC10",
               64);
  // Without a dense layer, as one of PyTorch's tutorials has it.
  expect_found({{"conv1", {16, 1, 3, 3}}, {"conv2", {16, 16, 3, 3}}, {"conv3", {10, 16, 3, 3}}},
               "Conv16(3,p1,s2)-relu-Conv16(3,p1,s2)-relu-Conv10(3,p1,s2)-relu-avg", 40);
  // Two convolutions between poolings.
  expect_found({{"0", {32, 1, 5, 5}},
                {"2", {32, 32, 5, 5}},
                {"6", {64, 32, 3, 3}},
                {"8", {64, 64, 3, 3}},
                {"13", {256, 3136}},
                {"16", {10, 256}}},
               "Conv32(5,p2)-relu-Conv32(5,p2)-relu-max2-Conv64(3,p1)-relu-Conv64(3,p1)-relu-max2-"
               "FC256-relu-FC10",
               20);
  // Strides instead of pooling.
  expect_found({{"conv1", {32, 1, 3, 3}}, {"conv2", {64, 32, 3, 3}}, {"fc", {10, 3136}}},
               "Conv32(3,p1,s2)-relu-Conv64(3,p1,s2)-relu-FC10", 20);
  expect_found({{"conv1", {16, 1, 4, 4}}, {"conv2", {32, 16, 4, 4}}, {"fc", {10, 1568}}},
               "Conv16(4,p1,s2)-relu-Conv32(4,p1,s2)-relu-FC10", 30);
  // Depthwise convolutions and a mean over the map.
  expect_found({{"stem", {16, 1, 3, 3}},
                {"dw1", {16, 1, 3, 3}},
                {"pw1", {32, 16, 1, 1}},
                {"dw2", {32, 1, 3, 3}},
                {"pw2", {64, 32, 1, 1}},
                {"fc", {10, 64}}},
               "Conv16(3,p1)-relu-max2-Conv16(3,p1,g16)-relu-Conv32(1)-relu-max2-Conv32(3,p1,g32)-"
               "relu-Conv64(1)-relu-avg-FC10",
               64);
  // Normalisation behind every second convolution.
  expect_found({{"layers.0", {32, 1, 5, 5}},
                {"layers.2", {32, 32, 5, 5}},
                {"layers.4", {32}},
                {"layers.6", {64, 32, 3, 3}},
                {"layers.8", {64, 64, 3, 3}},
                {"layers.10", {64}},
                {"layers.13", {10, 576}}},
               "Conv32(5)-relu-Conv32(5)-relu-BN-max2-Conv64(3)-relu-Conv64(3)-relu-BN-max2-FC10",
               40);
  // Three classes of images that are no MNIST.
  expect_found({{"conv1", {6, 3, 5, 5}},
                {"conv2", {16, 6, 5, 5}},
                {"fc1", {120, 400}},
                {"fc2", {84, 120}},
                {"fc3", {10, 84}}},
               "(3,32,32) Conv6(5)-relu-max2-Conv16(5)-relu-max2-FC120-relu-FC84-relu-FC10", 6);
  expect_found({{"conv1", {8, 1, 3, 3}}, {"fc1", {26, 392}}},
               "(1,14,14) Conv8(3,p1)-relu-max2-FC26", 20);
}

TEST(Recognise, MlpsOfEveryKind) {
  expect_found({{"fc", {10, 784}}}, "FC10", 1);
  expect_found({{"l1", {300, 784}}, {"l2", {100, 300}}, {"l3", {10, 100}}},
               "FC300-relu-FC100-relu-FC10", 1);
  expect_found({{"l1", {300, 784}}, {"l2", {10, 300}}}, "FC300-sigmoid-FC10", 4);
  expect_found({{"l1", {64, 196}}, {"l2", {10, 64}}}, "(1,14,14) FC64-relu-FC10", 1);
  expect_found({{"fc1", {64, 784}}, {"bn1", {64}}, {"fc2", {10, 64}}}, "FC64-BN-relu-FC10", 1);
  expect_found({{"fc1", {64, 784}}, {"bn1", {64}}, {"fc2", {10, 64}}}, "FC64-relu-BN-FC10", 4);
  expect_found({{"bn0", {784}}, {"fc1", {64, 784}}, {"fc2", {10, 64}}}, "BN-FC64-relu-FC10", 2);
}

TEST(Recognise, TheOrderOfTheAlphabetIsNotThatOfTheLayers) {
  std::vector<NamedShape> layers;
  for (int i = 0; i < 12; ++i) layers.push_back({fmt::format("layers.{}", i), {16, 16}});
  layers[0].shape = {16, 784};
  layers[11].shape = {10, 16};
  LooseWeights weights = weights_of(layers_of(layers));
  std::sort(weights.tensors.begin(), weights.tensors.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const Model model = recognise(weights, "x")[0];
  std::vector<std::string> names;
  for (const Node& node : model.nodes) {
    if (node.type == "Gemm") names.push_back(node.inputs[1]);
  }
  ASSERT_EQ(names.size(), 12U);
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(names[static_cast<size_t>(i)], fmt::format("layers.{}.weight", i));
}

TEST(Recognise, SizesSayTheOrderWhereNamesDoNot) {
  // h, i, o: the alphabet is wrong, only the sizes tell.
  expect_found({{"h", {512, 512}}, {"i", {512, 784}}, {"o", {10, 512}}},
               "FC512-relu-FC512-relu-FC10", 1);
}

TEST(Recognise, NamesWithoutPartsAreReadByOrder) {
  const auto found = assumptions(weights_of({{"Linear-0-0", {128, 784}},
                                             {"Linear-0-1", {128}},
                                             {"Linear-2-0", {10, 128}},
                                             {"Linear-2-1", {10}}}));
  EXPECT_EQ(found[0], "FC128-relu-FC10");
  std::vector<NamedShape> twelve;
  for (int i = 0; i < 12; ++i) {
    twelve.push_back({fmt::format("Linear-{}-0", i), {i == 11 ? 10 : 16, i == 0 ? 784 : 16}});
    twelve.push_back({fmt::format("Linear-{}-1", i), {i == 11 ? 10 : 16}});
  }
  LooseWeights sorted = weights_of(twelve);
  std::sort(sorted.tensors.begin(), sorted.tensors.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  EXPECT_THAT(assumptions(sorted)[0], testing::EndsWith("FC16-relu-FC10"));
  const auto numpy = assumptions(weights_of(
      {{"arr_0", {784, 30}}, {"arr_1", {1, 30}}, {"arr_2", {30, 10}}, {"arr_3", {1, 10}}}));
  EXPECT_EQ(numpy[0], "FC30-relu-FC10");
  const auto letters =
      assumptions(weights_of({{"W1", {784, 30}}, {"b1", {30}}, {"W2", {30, 10}}, {"b2", {10}}}));
  EXPECT_EQ(letters[0], "FC30-relu-FC10");
  const auto norm = assumptions(weights_of({{"a", {8, 1, 3, 3}},
                                            {"b", {8, 1, 1}},
                                            {"c", {8}},
                                            {"d", {8}},
                                            {"e", {8}},
                                            {"f", {8}},
                                            {"g", {10, 1568}},
                                            {"h", {10}}}));
  EXPECT_EQ(norm[0], "Conv8(3,p1)-BN-relu-max2-FC10");
}

TEST(Recognise, KerasLayouts) {
  LooseWeights weights = weights_of({{"conv/kernel:0", {3, 3, 1, 8}},
                                     {"conv/bias:0", {8}},
                                     {"dense/kernel:0", {1352, 10}},
                                     {"dense/bias:0", {10}}});
  weights.dense = LooseWeights::Dense::kInOut;
  weights.kernel = LooseWeights::Kernel::kHWIO;
  weights.features = LooseWeights::Features::kChannelLast;
  const Model model = recognise(weights, "x")[0];
  EXPECT_EQ(model.metadata.at(kRecognisedKey), "Conv8(3)-relu-max2-FC10, channels last");
  const Tensor& kernel = weights.tensors[0].second;
  const Tensor& dense = weights.tensors[2].second;
  // Kernel row 2, column 1, channel 0, output 5; feature of channel 5, row 3, column 7, class 9.
  EXPECT_EQ(model.weight("conv/kernel:0").values[5 * 9 + 2 * 3 + 1],
            kernel.values[(2 * 3 + 1) * 8 + 5]);
  EXPECT_EQ(model.weight("dense/kernel:0").values[9 * 1352 + 5 * 169 + 3 * 13 + 7],
            dense.values[((3 * 13 + 7) * 8 + 5) * 10 + 9]);
  // The same where the file does not say so.
  weights.dense = LooseWeights::Dense::kOutIn;
  weights.kernel = LooseWeights::Kernel::kOIHW;
  weights.features = LooseWeights::Features::kChannelFirst;
  expect_same_values(recognise(weights, "x")[0], model);
}

TEST(Recognise, OtherLayoutsOfKernels) {
  const auto flax = assumptions(weights_of({{"params.Conv_0.bias", {32}},
                                            {"params.Conv_0.kernel", {3, 3, 1, 32}},
                                            {"params.Conv_1.bias", {64}},
                                            {"params.Conv_1.kernel", {3, 3, 32, 64}},
                                            {"params.Dense_0.bias", {256}},
                                            {"params.Dense_0.kernel", {3136, 256}},
                                            {"params.Dense_1.bias", {10}},
                                            {"params.Dense_1.kernel", {256, 10}}}));
  EXPECT_THAT(
      flax,
      Contains("Conv32(3,p1)-relu-avg2-Conv64(3,p1)-relu-avg2-FC256-relu-FC10, channels last"));
  const LooseWeights outputs_first = weights_of({{"conv1.weight", {8, 3, 3, 1}},
                                                 {"conv1.bias", {8}},
                                                 {"fc.weight", {10, 1568}},
                                                 {"fc.bias", {10}}});
  const Model model = recognise(outputs_first, "x")[0];
  EXPECT_EQ(model.metadata.at(kRecognisedKey), "Conv8(3,p1)-relu-max2-FC10, channels last");
  EXPECT_EQ(model.weight("conv1.weight").values, outputs_first.tensors[0].second.values);
}

TEST(Recognise, OurOwnNetworksByTheirNames) {
  for (const std::string& name : architecture_names()) {
    const Model model = random_model(name);
    LooseWeights weights;
    for (const NamedWeight& named : torch_names(model)) {
      weights.tensors.emplace_back("module." + named.stored, model.weight(named.weight));
    }
    const std::vector<Model> found = recognise(weights, "x");
    EXPECT_EQ(found[0].architecture, name);
    expect_same_values(found[0], model);
    EXPECT_EQ(found[0].nodes.size(), model.nodes.size());
  }
}

TEST(Recognise, CountersAndOptimisersAreLeftOut) {
  std::vector<NamedShape> shapes = layers_of({{"model.fc1", {64, 784}}, {"model.fc2", {10, 64}}});
  shapes.push_back({"optimizer.state.0.exp_avg", {64, 784}});
  shapes.push_back({"total_ops", {1}});
  EXPECT_EQ(assumptions(weights_of(shapes))[0], "FC64-relu-FC10");
}

TEST(Recognise, WhatFitsNoNetworkIsSaid) {
  const auto refusal = [](const std::vector<NamedShape>& shapes) {
    return error_of([&] { recognise(weights_of(shapes), "x"); });
  };
  EXPECT_THAT(refusal({{"fc.weight", {10, 783}}, {"fc.bias", {10}}}),
              HasSubstr("x: its first layer 'fc' reads 783 values, which are no square image"));
  EXPECT_THAT(refusal({{"a.weight", {20, 784}}, {"b.weight", {10, 21}}}),
              HasSubstr("none is recognised in a (20,784), b (10,21)"));
  EXPECT_THAT(refusal({{"conv.weight", {8, 2, 3, 3}}, {"fc.weight", {10, 8}}}),
              HasSubstr("none is recognised"));
  EXPECT_THAT(refusal({{"a.weight", {20, 784}}, {"a.bias", {21}}}),
              HasSubstr("tensor 'a.bias': shape (20) expected, got (21)"));
  EXPECT_THAT(refusal({{"norm.weight", {784}}, {"norm.bias", {784}}, {"fc.weight", {10, 784}}}),
              HasSubstr("x: tensor 'norm.weight' (784): no layer that is known"));
  EXPECT_THAT(refusal({{"conv.weight", {8, 1, 3, 3, 3}}}), HasSubstr("no layer that is known"));
  EXPECT_THAT(refusal({{"optimizer.step", {1}}}), HasSubstr("no weights"));
}

TEST(Recognise, EndsWhateverItIsGiven) {
  std::vector<NamedShape> same;
  for (int i = 0; i < 150; ++i) same.push_back({fmt::format("l{}", i), {8, 8}});
  std::vector<NamedShape> convs;
  for (int i = 0; i < 40; ++i) convs.push_back({fmt::format("l{}", i), {3, 3, 3, 3}});
  std::vector<NamedShape> norms = {{"c", {3, 3, 3, 3}}};
  for (int i = 0; i < 60; ++i) norms.push_back({fmt::format("n{}", i), {3}});
  for (const auto& layers : {same, convs, norms}) {
    const LooseWeights weights = weights_of(layers_of(layers));
    // Returns, with networks or without: trying every combination would take for ever.
    try {
      EXPECT_LE(recognise(weights, "x").size(), kMostCandidates);
    } catch (const Error&) {
    }
  }
}

TEST(WeightNames, LayersAndParts) {
  struct Case {
    const char* name;
    const char* layer;
    WeightRole role;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"features.0.weight", "features.0", WeightRole::kWeight},
           {"dense_4/dense_4/kernel:0", "dense_4/dense_4", WeightRole::kWeight},
           {"conv1_bias", "conv1", WeightRole::kBias},
           {"bn1.running_mean", "bn1", WeightRole::kMean},
           {"bn1_running_var", "bn1", WeightRole::kVariance},
           {"batch_normalization/moving_variance:0", "batch_normalization", WeightRole::kVariance},
           {"batch_normalization/gamma:0", "batch_normalization", WeightRole::kWeight},
           {"W2", "2", WeightRole::kWeight},
           {"b_12", "12", WeightRole::kBias},
           {"weight", "", WeightRole::kWeight},
           {"Linear-0-0", "Linear-0-0", WeightRole::kUnknown},
           {"bn.num_batches_tracked", "bn", WeightRole::kIgnored},
           {"optimizer.state.0.exp_avg", "optimizer.state.0.exp_avg", WeightRole::kIgnored}}) {
    const WeightName name = parse_weight_name(c.name);
    EXPECT_EQ(name.layer, c.layer) << c.name;
    EXPECT_EQ(name.role, c.role) << c.name;
  }
  EXPECT_TRUE(natural_less("layer2", "layer10"));
  EXPECT_FALSE(natural_less("layer10", "layer2"));
  EXPECT_TRUE(natural_less("a", "b2"));
  EXPECT_TRUE(natural_less("a", "a1"));
}

// ---- weights for a network that is given ----

TEST(WithWeights, ByNameOrByOrder) {
  const Model model = random_model("mnist-fast");
  LooseWeights weights;
  for (const NamedWeight& named : torch_names(model)) {
    weights.tensors.emplace_back(named.stored, model.weight(named.weight));
  }
  const Model network = make_architecture("mnist-fast");
  expect_same_values(with_weights(network, weights, "x"), model);
  for (auto& [name, tensor] : weights.tensors) name = "net." + name;
  expect_same_values(with_weights(network, weights, "x"), model);
}

TEST(WithWeights, TurnsWhatIsStoredOtherwise) {
  const Model model = random_model("mnist-cnn");
  LooseWeights weights;
  for (const NamedWeight& named : torch_names(model)) {
    Tensor tensor = model.weight(named.weight);
    if (named.weight == "dense.weight") {
      // Rows of (row, column, channel), a column a class.
      Tensor last{{784, 10}, std::vector<float>(7840)};
      for (size_t o = 0; o < 10; ++o) {
        for (size_t c = 0; c < 16; ++c) {
          for (size_t p = 0; p < 49; ++p) {
            last.values[(p * 16 + c) * 10 + o] = tensor.values[o * 784 + c * 49 + p];
          }
        }
      }
      tensor = last;
    }
    weights.tensors.emplace_back(named.stored, std::move(tensor));
  }
  weights.dense = LooseWeights::Dense::kInOut;
  weights.features = LooseWeights::Features::kChannelLast;
  expect_same_values(with_weights(make_architecture("mnist-cnn"), weights, "x"), model);
}

TEST(WithWeights, NamesWhatDoesNotFit) {
  const Model network = make_architecture("mnist-fc");
  const auto refusal = [&](const std::vector<NamedShape>& layers) {
    return error_of([&] { with_weights(network, weights_of(layers_of(layers)), "x"); });
  };
  EXPECT_EQ(refusal({{"fc1", {128, 784}}, {"fc2", {10, 128}}}),
            "x: weight 'fc1.weight' (500,784) of the network does not fit: the file has "
            "'fc1.weight' (128,784)");
  EXPECT_EQ(refusal({{"fc1", {500, 784}}}),
            "x: weight 'fc2.weight' (10,500) of the network is missing");
  EXPECT_EQ(refusal({{"fc1", {500, 784}}, {"fc2", {10, 500}}, {"fc3", {10, 10}}}),
            "x: the network has no place for 'fc3.weight' (10,10)");
}

// ---- files of other programs ----

TEST(Recognise, TheZoo) {
  struct Case {
    const char* file;
    const char* network;
    size_t most;
  };
  constexpr const char* kBurn = "Conv8(3)-relu-Conv16(3)-relu-Conv24(3)-relu-BN-FC32-relu-FC10-BN";
  constexpr const char* kCandle =
      "Conv4(3,p1)-max2-BN-relu-Conv8(3,p1)-max2-BN-relu-Conv16(3,p1)-max2-BN-relu-FC10";
  constexpr const char* kLeNet = "Conv6(5)-tanh-avg2-Conv16(5)-tanh-avg2-FC120-tanh-FC84-tanh-FC10";
  constexpr const char* kExample = "Conv20(5)-relu-max2-Conv50(5)-relu-max2-FC500-relu-FC10";
  constexpr const char* kJoeylical =
      "Conv4(3,p1)-relu-max2-Conv8(3)-relu-max2-Conv16(3)-relu-max2-Conv10(1)-avg";
  constexpr const char* kSkainet = "Conv16(5,p2)-relu-max2-Conv32(5,p2)-relu-max2-FC10";
  for (const Case& c : std::initializer_list<Case>{
           {"safetensors/burn-weights.safetensors", kBurn, 4},
           {"safetensors/candle-ai.safetensors", kCandle, 6},
           {"safetensors/candle-ai-best.safetensors", kCandle, 6},
           {"safetensors/candle-ai-rust.safetensors", kCandle, 6},
           {"safetensors/dfdx.safetensors", "FC512-relu-FC128-relu-FC32-relu-FC10", 1},
           {"safetensors/jq-cnn.safetensors", "max2-Conv10(3,p1)-relu-max2-FC10", 6},
           {"pytorch/00arun00-lenet.pth",
            "(1,32,32) Conv6(5)-relu-max2-Conv16(5)-relu-max2-FC120-relu-FC84-relu-FC10", 1},
           {"pytorch/ahraza.pt", kExample, 1},
           {"pytorch/irony-admm.pt", kExample, 1},
           {"pytorch/burn-weights.pt", kBurn, 4},
           {"pytorch/ggml-example.state_dict", "FC500-relu-FC10", 1},
           {"pytorch/joeylical-params.pkl", kJoeylical, 40},
           {"pytorch/joeylical-params-prune.pkl", kJoeylical, 40},
           {"pytorch/juraev.pth", "Conv32(5,p2)-relu-max2-Conv64(5)-relu-max2-Conv10(5)", 4},
           {"pytorch/michaelliao.pth", "Conv32(3)-relu-max2-Conv64(3)-relu-max2-FC128-relu-FC10",
            1},
           {"pytorch/pcelis.pth", "Conv16(3)-relu-FC10", 1},
           {"pytorch/pcelis-pool.pth", "Conv16(3)-relu-max2-FC10", 1},
           {"pytorch/yan12125.pth", kLeNet, 20},
           {"pytorch/yan12125-old.pth", kLeNet, 20},
           {"pytorch/yliess86.pt", "FC512-relu-FC512-relu-FC10", 1},
           {"pytorch/zackproser.pth", "FC128-relu-FC10", 1},
           {"gguf/skainet-cnn.gguf", kSkainet, 1},
           {"gguf/skainet-cnn-old.gguf", kSkainet, 1},
           {"gguf/skainet-mlp-old.gguf", "FC128-relu-FC10", 1}}) {
    const auto path = outside_file("MNIST_ZOO_DIR", c.file);
    if (!path) GTEST_SKIP() << "MNIST_ZOO_DIR is not set";
    std::vector<std::string> found;
    for (const Model& model : load_candidates(*path).models) {
      found.push_back(model.metadata.at(kRecognisedKey));
    }
    const auto place = std::find(found.begin(), found.end(), c.network);
    EXPECT_LT(static_cast<size_t>(place - found.begin()), c.most) << c.file << ": " << found[0];
  }
}

}  // namespace
}  // namespace mnist
