#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "formats/format_list.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;

std::vector<std::byte> written(const Model& model) { return model_bytes(model, "x.ggml"); }

// Relu between two dense layers, on `pixels` inputs.
Model two_layers(int64_t pixels, int64_t hidden, int64_t classes) {
  Model model;
  model.architecture = "mlp";
  model.input_shape = {pixels};
  model.nodes = {{"Gemm", "a", {"input", "w1", "b1"}, {"a"}, {}},
                 {"Relu", "r", {"a"}, {"r"}, {}},
                 {"Gemm", "b", {"r", "w2"}, {"b"}, {{"alpha", 2.0}}}};
  model.output = "b";
  const std::map<std::string, Shape> shapes = {
      {"w1", {pixels, hidden}}, {"b1", {hidden}}, {"w2", {hidden, classes}}};
  float value = 0.0F;
  for (const auto& [name, shape] : shapes) {
    model.weights[name].shape = shape;
    for (size_t i = 0; i < element_count(shape); ++i) {
      model.weights[name].values.push_back(value += 1.0F);
    }
  }
  return model;
}

template <typename T>
void put(std::vector<std::byte>& bytes, T value) {
  const auto raw = std::as_bytes(std::span<const T>(&value, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

std::vector<std::byte> ints(const std::vector<int32_t>& numbers) {
  std::vector<std::byte> bytes;
  for (int32_t number : numbers) put(bytes, number);
  return bytes;
}

TEST(GgmlBinary, TheFirstExamplesNetworkComesBackWhole) {
  const Model model = random_model("mnist-fc");
  const std::vector<std::byte> bytes = written(model);
  EXPECT_EQ(bytes.size(), 4U + 12 + 392'000 * 4 + 8 + 500 * 4 + 12 + 5'000 * 4 + 8 + 10 * 4);
  const Model again = read_model(bytes, "x.bin");
  expect_same_values(again, model);
  expect_same_graph(again, model);
}

TEST(GgmlBinary, BytesAreAsGgmlReadsThem) {
  std::vector<std::byte> expected = ints({0x67676d6c, 2, 3, 2});
  for (float value : {3.0F, 5.0F, 7.0F, 4.0F, 6.0F, 8.0F}) put(expected, value);  // transposed
  for (int32_t number : {1, 2}) put(expected, number);
  for (float value : {1.0F, 2.0F}) put(expected, value);
  for (int32_t number : {2, 2, 2}) put(expected, number);
  for (float value : {18.0F, 22.0F, 20.0F, 24.0F}) put(expected, value);  // alpha is 2
  for (int32_t number : {1, 2}) put(expected, number);
  for (float value : {0.0F, 0.0F}) put(expected, value);
  EXPECT_EQ(written(two_layers(3, 2, 2)), expected);
  EXPECT_EQ(read_model(expected, "x").input_shape, (Shape{3}));
  EXPECT_EQ(read_model(written(two_layers(9, 2, 2)), "x").input_shape, (Shape{1, 3, 3}));
}

TEST(GgmlBinary, AnotherScalingOfPixelsGoesIntoTheFirstLayer) {
  Model model = two_layers(3, 2, 2);
  model.pixels = {2.0 / 255.0, -1.0};
  const Model again = read_model(written(model), "x");
  EXPECT_EQ(again.weight("fc1.weight").values[0], 6.0F);        // 3 * 2
  EXPECT_EQ(again.weight("fc1.bias").values[0], 1.0F - 15.0F);  // 1 - (3 + 5 + 7)
  EXPECT_EQ(again.weight("fc2.weight").values[0], 18.0F);
}

TEST(GgmlBinary, OtherNetworksAreRefused) {
  EXPECT_THAT(error_of([] { written(random_model("mnist-cnn")); }),
              HasSubstr("two dense layers with a ReLU between them, not Conv Relu MaxPool"));
  EXPECT_THAT(error_of([] { written(random_model("mnist-mlp")); }),
              HasSubstr("not Flatten Gemm Relu Gemm Relu Gemm"));
  Model branching = two_layers(3, 2, 2);
  branching.nodes[2].inputs[0] = "a";
  EXPECT_THAT(error_of([&] { written(branching); }),
              HasSubstr("node 'b' (Gemm): it must read 'r'"));
  Model probabilities = random_model("mnist-fc");
  probabilities.nodes.push_back({"Softmax", "p", {probabilities.output}, {"p"}, {}});
  probabilities.output = "p";
  EXPECT_EQ(written(probabilities), written(random_model("mnist-fc")));
}

TEST(GgmlBinary, WhatIsNoSuchFileIsSaid) {
  const auto refusal = [](const std::vector<std::byte>& bytes) {
    return error_of([&] { read_model(bytes, "x.bin"); });
  };
  EXPECT_THAT(refusal(ints({0x67676d6d})), HasSubstr("it must begin 'lmgg'"));
  // GPT-2 in ggml's old binary begins with the size of its vocabulary.
  EXPECT_THAT(refusal(ints({0x67676d6c, 50'257, 1'024, 768})),
              HasSubstr("x.bin: fc1.weight: 2 dimensions expected, got 50257: only the two dense"));
  EXPECT_THAT(refusal(ints({0x67676d6c, 2, 0, 5})), HasSubstr("an extent of 0"));
  EXPECT_THAT(refusal(ints({0x67676d6c, 2, -3, 5})), HasSubstr("an extent of -3"));
  EXPECT_THAT(refusal(ints({0x67676d6c, 2, INT32_MAX, INT32_MAX})),
              HasSubstr("18446744056529682436 bytes expected at byte 16, 0 left"));
  EXPECT_THAT(refusal(ints({0x67676d6c, 2, 1, 1, 0, 2})),
              HasSubstr("1 dimensions expected, got 2"));
  std::vector<std::byte> longer = written(two_layers(3, 2, 2));
  longer.push_back(std::byte{0});
  EXPECT_THAT(refusal(longer), HasSubstr("x.bin: 1 bytes too many"));
  // Layers that do not fit each other: (1,1), (1), (1,2), (1).
  EXPECT_THAT(refusal(ints({0x67676d6c, 2, 1, 1, 0, 1, 1, 0, 2, 2, 1, 0, 0, 1, 1, 0})),
              HasSubstr("x.bin: node 'fc2' (Gemm): weights (1,2) need an input of (2), got (1)"));
  // A value that is not finite.
  EXPECT_THAT(refusal(ints({0x67676d6c, 2, 1, 1, 0x7f800000, 1, 1, 0, 2, 1, 1, 0, 1, 1, 0})),
              HasSubstr("x.bin: weight 'fc1.weight': value 0 is inf"));
}

TEST(GgmlBinary, TruncatedAnywhereIsRefused) {
  const std::vector<std::byte> bytes = written(two_layers(16, 4, 3));
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<std::byte> part(bytes.begin(),
                                      bytes.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_THROW(read_model(part, "x.bin"), Error) << length;
  }
  EXPECT_NO_THROW(read_model(bytes, "x.bin"));
}

TEST(GgmlBinary, AnyBitFlippedIsReadOrRefused) {
  std::vector<std::byte> bytes = written(two_layers(16, 4, 3));
  const size_t parameters = read_model(bytes, "x.bin").parameter_count();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= mask;
    try {
      EXPECT_EQ(read_model(bytes, "x.bin").parameter_count(), parameters);
    } catch (const Error&) {
    }
    bytes[bit / 8] ^= mask;
  }
}

}  // namespace
}  // namespace mnist
