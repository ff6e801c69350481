#include "formats/gguf_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/half.h"
#include "formats/format_list.h"
#include "formats/gguf.h"
#include "formats/gguf_layout.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;

std::vector<std::byte> written(const Model& model, TensorType type = TensorType::kF32) {
  MemorySink sink;
  format_by_name("gguf").write(model, {.format = "gguf", .tensor_type = type}, sink);
  return sink.bytes;
}

std::vector<std::byte> written(const GgufOutput& output) {
  MemorySink sink;
  write_gguf(output, sink);
  return sink.bytes;
}

std::string refusal(const GgufOutput& output) {
  return error_of([&] { read_model(written(output), "x.gguf"); });
}

// Tensors as ggml's trainer writes mnist-fc, all of value 0.
GgufOutput fc_output() {
  GgufOutput output;
  output.values.emplace_back("general.architecture", "mnist-fc");
  output.tensors = {{"fc1.weight", {500, 784}, {}, std::vector<float>(392'000)},
                    {"fc1.bias", {500}, {}, std::vector<float>(500)},
                    {"fc2.weight", {10, 500}, {}, std::vector<float>(5'000)},
                    {"fc2.bias", {10}, {}, std::vector<float>(10)}};
  return output;
}

TEST(GgufModel, FilesOfGgmlComeBackByteForByte) {
  for (const char* name : {"ggml-fc.gguf", "ggml-cnn.gguf"}) {
    const auto path = outside_file("MNIST_INTEROP_DIR", std::string("ggml/") + name);
    if (!path) GTEST_SKIP() << "MNIST_INTEROP_DIR is not set";
    const Model model = load_model(*path);
    EXPECT_EQ(written(model), read_file(*path)) << name;
  }
}

TEST(GgufModel, NetworksOfOtherSizesAreRead) {
  GgufOutput output = fc_output();
  output.tensors = {{"fc1.weight", {32, 64}, {}, std::vector<float>(32 * 64, 1.0F)},
                    {"fc1.bias", {32}, {}, std::vector<float>(32)},
                    {"fc2.weight", {5, 32}, {}, std::vector<float>(160)},
                    {"fc2.bias", {5}, {}, std::vector<float>(5)}};
  const Model model = read_model(written(output), "x.gguf");
  EXPECT_EQ(model.input_shape, (Shape{1, 8, 8}));
  EXPECT_EQ(model.weight("fc1.weight").shape, (Shape{32, 64}));
  EXPECT_EQ(read_model(written(model), "y.gguf").weight("fc2.weight").shape, (Shape{5, 32}));
  output.tensors[3].shape = {6};
  output.tensors[3].values.push_back(0);
  EXPECT_THAT(refusal(output), HasSubstr("tensor 'fc1.weight': shape (500,784) expected, got"));

  GgufOutput cnn;
  cnn.values.emplace_back("general.architecture", "mnist-cnn");
  std::vector<float> dense(size_t{2} * 3 * 49);
  for (size_t i = 0; i < dense.size(); ++i) dense[i] = static_cast<float>(i);
  cnn.tensors = {{"conv1.kernel", {2, 1, 3, 3}, {}, std::vector<float>(18)},
                 {"conv1.bias", {2, 1, 1}, {}, std::vector<float>(2)},
                 {"conv2.kernel", {3, 2, 3, 3}, {}, std::vector<float>(54)},
                 {"conv2.bias", {3, 1, 1}, {}, {1, 2, 3}},
                 {"dense.weight", {2, 147}, {}, dense},
                 {"dense.bias", {2}, {}, std::vector<float>(2)}};
  const Model convolutional = read_model(written(cnn), "x.gguf");
  EXPECT_EQ(convolutional.weight("conv2.bias").shape, (Shape{3}));
  EXPECT_EQ(convolutional.weight("dense.weight").values[1], 3.0F);   // the next position
  EXPECT_EQ(convolutional.weight("dense.weight").values[49], 1.0F);  // the next channel
}

TEST(GgufModel, FilesOfAnotherPortAreRead) {
  const auto mlp = outside_file("MNIST_ZOO_DIR", "gguf/skainet-mlp.gguf");
  if (!mlp) GTEST_SKIP() << "MNIST_ZOO_DIR is not set";
  EXPECT_EQ(load_model(*mlp).weight("fc1.weight").shape, (Shape{500, 784}));
  // Says mnist-cnn, is another network with other names.
  const auto cnn = outside_file("MNIST_ZOO_DIR", "gguf/skainet-cnn.gguf");
  const FileContents contents = contents_of_gguf(read_gguf(read_file(*cnn), "x"), "x");
  EXPECT_TRUE(std::holds_alternative<LooseWeights>(contents));
}

TEST(GgufModel, StandardNetworksAreWrittenAsGgmlDoes) {
  const std::vector<std::byte> bytes = written(random_model("mnist-cnn"));
  const GgufFile file = read_gguf(bytes, "x");
  EXPECT_EQ(file.values.size(), 1U);
  EXPECT_EQ(std::get<std::string_view>(file.values.at("general.architecture")), "mnist-cnn");
  EXPECT_EQ(file.tensors.size(), 6U);
  EXPECT_EQ(file.tensors.at("conv1.kernel").shape, (Shape{8, 1, 3, 3}));
  EXPECT_EQ(file.tensors.at("conv1.bias").shape, (Shape{8, 1, 1}));
  EXPECT_EQ(file.tensors.at("dense.weight").shape, (Shape{10, 784}));
}

TEST(GgufModel, DenseColumnsAreStoredChannelLast) {
  Model model = make_architecture("mnist-cnn");
  // Class 3, channel 5, row 2, column 6.
  model.weights["dense.weight"].values[3 * 784 + 5 * 49 + 2 * 7 + 6] = 1.5F;
  const std::vector<std::byte> bytes = written(model);
  const GgufFile file = read_gguf(bytes, "x");
  std::vector<float> stored(7840);
  std::memcpy(stored.data(), file.tensors.at("dense.weight").bytes.data(), 7840 * sizeof(float));
  EXPECT_EQ(stored[3 * 784 + (2 * 7 + 6) * 16 + 5], 1.5F);
  expect_same_values(read_model(bytes, "x"), model);
}

TEST(GgufModel, ScalingNamesAndMetadataSurviveBesideTheStandardTensors) {
  Model model = random_model("mnist-fc");
  model.pixels = {1.0 / 128.0, -0.1307};
  model.class_names = {"shirt", "\xc3\xa4", "", "3", "4", "5", "6", "7", "8", "9"};
  model.metadata = {{"general.name", "my net"}, {"training.epochs", "10"}};
  const std::vector<std::byte> bytes = written(model);
  EXPECT_FALSE(read_gguf(bytes, "x").values.contains("mnist.graph"));
  const Model read = read_model(bytes, "x");
  expect_same_graph(read, model);
  expect_same_values(read, model);
}

TEST(GgufModel, MetadataThatGgufUsesItselfTravelsInTheGraph) {
  Model model = random_model("mnist-cnn");
  model.metadata = {{"general.alignment", "13"}, {"", "empty"}, {"a\nb", "line"}};
  const std::vector<std::byte> bytes = written(model);
  EXPECT_TRUE(read_gguf(bytes, "x").values.contains("mnist.graph"));
  expect_same_graph(read_model(bytes, "x"), model);
}

TEST(GgufModel, ForeignMetadataIsKeptAsText) {
  GgufOutput output = fc_output();
  output.values.emplace_back("training.rate", 0.25);
  output.values.emplace_back("tags", std::vector<std::string>{"a", "b"});
  const Model model = read_model(written(output), "x");
  EXPECT_EQ(model.metadata,
            (std::map<std::string, std::string>{{"training.rate", "0.25"}, {"tags", "[a, b]"}}));
}

TEST(GgufModel, HalfPrecisionRoundsWeightsAndKeepsBiases) {
  const Model model = random_model("mnist-cnn");
  for (TensorType type : {TensorType::kF16, TensorType::kBF16}) {
    const std::vector<std::byte> bytes = written(model, type);
    EXPECT_LT(bytes.size() * 100, written(model).size() * 55);
    const Model read = read_model(bytes, "x");
    EXPECT_EQ(read.weight("conv1.bias").values, model.weight("conv1.bias").values);
    const float value = model.weight("dense.weight").values[123];
    const float rounded = type == TensorType::kF16 ? float_from_f16(f16_from_float(value))
                                                   : float_from_bf16(bf16_from_float(value));
    EXPECT_EQ(read.weight("dense.weight").values[123], rounded);
    // What was rounded once is exact from then on.
    expect_same_values(read_model(written(read, type), "x"), read);
  }
}

TEST(GgufModel, ValuesOverTheRangeOfF16AreRefused) {
  Model model = make_architecture("mnist-cnn");
  model.weights["conv1.weight"].values[0] = 70'000.0F;
  EXPECT_THAT(error_of([&] { written(model, TensorType::kF16); }),
              HasSubstr("tensor 'conv1.kernel': 70000 does not fit f16"));
  EXPECT_NO_THROW(written(model, TensorType::kBF16));
}

TEST(GgufModel, LongNamesAndManyDimensionsSurvive) {
  Model model = random_model("mnist-mlp");
  Tensor& tensor = model.weights["fc1.weight"];
  tensor.shape = {2, 4, 4, 4, 7, 7, 16};  // the same number of values; only the engine knows better
  const std::string long_name(200, 'n');
  model.weights[long_name] = model.weights.at("fc2.weight");
  model.weights.erase("fc2.weight");
  for (Node& node : model.nodes) {
    for (std::string& input : node.inputs) {
      if (input == "fc2.weight") input = long_name;
    }
  }
  const Model read = read_model(written(model), "x");
  expect_same_graph(read, model);
  expect_same_values(read, model);
}

// ggml's mnist-cnn of 2023, as its mnist-cnn.py writes it.
GgufOutput output_2023() {
  Random random(7);
  auto values = [&](size_t count) {
    std::vector<float> result(count);
    for (float& value : result) value = float_from_f16(f16_from_float(random.normal()));
    return result;
  };
  auto repeated = [&](const std::vector<float>& each, size_t count) {
    std::vector<float> result;
    for (float value : each) result.insert(result.end(), count, value);
    return result;
  };
  GgufOutput output;
  output.values.emplace_back("general.architecture", "mnist-cnn");
  output.tensors = {{"kernel1", {32, 1, 3, 3}, GgufTensorType::kF16, values(288)},
                    {"bias1", {1, 32, 26, 26}, GgufTensorType::kF32, repeated(values(32), 676)},
                    {"kernel2", {64, 32, 3, 3}, GgufTensorType::kF16, values(18'432)},
                    {"bias2", {1, 64, 11, 11}, GgufTensorType::kF32, repeated(values(64), 121)},
                    {"dense_w", {10, 1600}, GgufTensorType::kF32, values(16'000)},
                    {"dense_b", {10}, GgufTensorType::kF32, values(10)}};
  return output;
}

TEST(GgufModel, TheOlderLayoutOfMnistCnn) {
  const GgufOutput output = output_2023();
  const Model model = read_model(written(output), "x");
  EXPECT_EQ(model.nodes.back().type, "Softmax");
  EXPECT_EQ(model.output, "softmax");
  EXPECT_EQ(model.weight("conv2.weight").values, output.tensors[2].values);
  EXPECT_EQ(model.weight("conv2.bias").shape, (Shape{64}));
  EXPECT_EQ(model.weight("conv2.bias").values[5], output.tensors[3].values[5 * 121 + 77]);
  // Class 2, channel 60, row 4, column 1.
  EXPECT_EQ(model.weight("dense.weight").values[2 * 1600 + 60 * 25 + 4 * 5 + 1],
            output.tensors[4].values[2 * 1600 + (4 * 5 + 1) * 64 + 60]);
  // Written again it carries its graph.
  const Model again = read_model(written(model), "x");
  expect_same_graph(again, model);
  expect_same_values(again, model);
}

TEST(GgufModel, TheOlderLayoutIsWrittenOnRequest) {
  const SaveOptions options = {.layout = "2023"};
  const GgufOutput output = output_2023();
  const Model model = read_model(written(output), "x");
  // Byte for byte what was read: its kernels are 16-bit floats already.
  EXPECT_EQ(model_bytes(model, "x.gguf", options), written(output));
  // From a network with other names, and without the softmax.
  Model ours = random_model("mnist-keras-cnn");
  const Model again = read_model(model_bytes(ours, "x.gguf", options), "x");
  EXPECT_EQ(again.weight("dense.weight").values, ours.weight("dense.weight").values);
  EXPECT_EQ(again.weight("conv2.bias").values, ours.weight("conv2.bias").values);
  EXPECT_EQ(again.weight("conv1.weight").values[5],
            float_from_f16(f16_from_float(ours.weight("conv1.weight").values[5])));
  EXPECT_EQ(again.nodes.back().type, "Softmax");
  ours.nodes[2].attributes["pads"] = std::vector<int64_t>{0, 0, 1, 1};
  EXPECT_NO_THROW(model_bytes(ours, "x.gguf", options));  // 27 / 2 is 13 as well
  ours.nodes[2].attributes["pads"] = std::vector<int64_t>{1, 1, 0, 0};
  EXPECT_THAT(error_of([&] { model_bytes(ours, "x.gguf", options); }),
              HasSubstr("layout 2023 holds mnist-keras-cnn only: node 'pool1' differs"));
  EXPECT_THAT(error_of([&] { model_bytes(random_model("mnist-cnn"), "x.gguf", options); }),
              HasSubstr("node 'conv1' differs"));
  EXPECT_THAT(error_of([&] { model_bytes(model, "x.gguf", {.layout = "2022"}); }),
              HasSubstr("gguf has 2023, not layout '2022'"));
}

TEST(GgufModel, RowsOfBlocksBecomeBytes) {
  const Model model = random_model("mnist-mlp");
  const std::vector<std::byte> bytes = written(model, TensorType::kQ8_0);
  const GgufFile file = read_gguf(bytes, "x");
  EXPECT_EQ(file.tensors.at("fc1.weight").type_name, "F32");  // 784 is no multiple of 32
  EXPECT_EQ(file.tensors.at("fc2.weight").type_name, "Q8_0");
  EXPECT_EQ(file.tensors.at("fc2.bias").type_name, "F32");
  EXPECT_EQ(gguf_value_text(file.values.at("general.quantization_version")), "2");
  const Model read = read_model(bytes, "x");
  expect_same_graph(read, model);
  const std::vector<float>& before = model.weight("fc2.weight").values;
  const std::vector<float>& after = read.weight("fc2.weight").values;
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 0.5F / 127.0F) << i;
}

TEST(GgufModel, WhatStaysFloat32IsNamedWithTheReason) {
  const Model mlp = random_model("mnist-mlp");
  const auto kept = [&](TensorType type) {
    return kept_float32(mlp, "x.gguf", {.tensor_type = type});
  };
  ASSERT_EQ(kept(TensorType::kQ8_0).size(), 1U);
  EXPECT_EQ(kept(TensorType::kQ8_0)[0].weights.front().substr(0, 10), "fc1.weight");
  EXPECT_THAT(kept(TensorType::kQ8_0)[0].reason, HasSubstr("no multiple of 32"));
  EXPECT_TRUE(kept(TensorType::kF16).empty());
  EXPECT_TRUE(kept(TensorType::kF32).empty());
}

TEST(GgufModel, ABiasThatVariesOverTheMapIsRefused) {
  GgufOutput output = output_2023();
  output.tensors[1].values[3 * 676 + 99] += 1.0F;
  EXPECT_THAT(refusal(output), HasSubstr("tensor 'bias1': one value for channel 3 expected, got"));
}

TEST(GgufModel, WhatDoesNotFitTheNetworkIsNamed) {
  GgufOutput output = fc_output();
  output.tensors[0].shape = {784, 500};
  EXPECT_EQ(refusal(output),
            "x.gguf: tensor 'fc1.weight': shape (500,784) expected, got (784,500)");
  output = fc_output();
  output.tensors[3].name = "fc2.biass";
  EXPECT_EQ(refusal(output), "x.gguf: tensor 'fc2.bias' is missing");
  output = fc_output();
  output.tensors.push_back({"fc3.bias", {1}, {}, {0.0F}});
  EXPECT_THAT(refusal(output), HasSubstr("4 tensors expected, got 5"));
  output = fc_output();
  output.values[0].second = 3.0;
  EXPECT_THAT(refusal(output), HasSubstr("key 'general.architecture': a text expected"));
  output = fc_output();
  output.values.emplace_back("mnist.pixel_scale", "wide");
  EXPECT_THAT(refusal(output), HasSubstr("key 'mnist.pixel_scale': a float expected"));
  output = fc_output();
  output.values.emplace_back("mnist.class_names", 3.0);
  EXPECT_THAT(refusal(output), HasSubstr("key 'mnist.class_names': a list of texts expected"));
  output = fc_output();
  output.tensors[1].values[7] = NAN;
  EXPECT_THAT(refusal(output), HasSubstr("x.gguf: weight 'fc1.bias': value 7 is nan"));
}

TEST(GgufModel, AGraphThatDoesNotFitItsTensorsIsRefused) {
  const std::vector<std::byte> bytes = written(random_model("mnist-mlp"));
  const GgufFile file = read_gguf(bytes, "x");
  const std::string graph(std::get<std::string_view>(file.values.at("mnist.graph")));
  auto with_graph = [&](const std::string& from, const std::string& to) {
    GgufOutput output;
    std::string changed = graph;
    changed.replace(changed.find(from), from.size(), to);
    output.values.emplace_back("general.architecture", "mnist-mlp");
    output.values.emplace_back("mnist.graph", changed);
    for (const auto& [name, tensor] : file.tensors) {
      output.tensors.push_back({std::string(name), tensor.shape, GgufTensorType::kF32,
                                std::vector<float>(element_count(tensor.shape))});
    }
    return output;
  };
  EXPECT_NO_THROW(read_model(written(with_graph("fc1", "fc1")), "x"));
  EXPECT_THAT(refusal(with_graph("\"fc1.bias\": [128]", "\"fc1.bias\": [129]")),
              HasSubstr("tensor 'fc1.bias': shape (129) expected, got (128)"));
  EXPECT_THAT(refusal(with_graph("\"fc1.bias\": [128]", "\"fc9.bias\": [128]")),
              HasSubstr("tensor 'fc9.bias' is missing"));
  // A huge shape costs nothing: it is compared before anything is allocated for it.
  EXPECT_THAT(refusal(with_graph("\"fc1.bias\": [128]", "\"fc1.bias\": [2147483647]")),
              HasSubstr("shape (2147483647) expected"));
  EXPECT_THAT(refusal(with_graph("\"nodes\"", "\"knots\"")), HasSubstr("unknown key 'knots'"));
  EXPECT_THAT(refusal(with_graph("{", "[")), HasSubstr("mnist.graph: line 2"));
}

}  // namespace
}  // namespace mnist
