#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/zip.h"
#include "formats/format_list.h"
#include "formats/hdf5/hdf5.h"
#include "formats/keras/config.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<int64_t>;

Json layer(const std::string& class_name, const std::string& name, Json config = Json::object()) {
  config["name"] = name;
  return {{"class_name", class_name}, {"config", config}};
}

Json input(const Json& shape) { return layer("InputLayer", "image", {{"batch_shape", shape}}); }

Json sequential(const std::vector<Json>& layers, const std::string& name = "net") {
  return {{"class_name", "Sequential"}, {"config", {{"name", name}, {"layers", layers}}}};
}

// 0, 1, 2, ...
Tensor counting(const Shape& shape) {
  Tensor tensor{shape, std::vector<float>(element_count(shape))};
  for (size_t i = 0; i < tensor.values.size(); ++i) tensor.values[i] = static_cast<float>(i);
  return tensor;
}

// The variables of a layer, by the name that Keras saves it under.
using Saved = std::map<std::string, std::vector<Tensor>>;

Hdf5Group saved_layers(const Saved& saved) {
  Hdf5Group root;
  for (const auto& [path, tensors] : saved) {
    Hdf5Group* group = &root;
    size_t start = 0;
    while (start < path.size()) {
      const size_t end = std::min(path.find('/', start), path.size());
      group = &group->groups["layers"].groups[path.substr(start, end - start)];
      start = end + 1;
    }
    for (size_t i = 0; i < tensors.size(); ++i) {
      group->groups["vars"].tensors[std::to_string(i)] = tensors[i];
    }
  }
  return root;
}

std::vector<std::byte> archive(const Json& config, const Saved& saved,
                               const std::string& version = "3.3.3") {
  MemorySink sink;
  ZipWriter zip(sink);
  zip.add("metadata.json", Json{{"keras_version", version}}.dump());
  zip.add("config.json", config.dump());
  const std::vector<std::byte> weights = write_hdf5(saved_layers(saved), "weights");
  zip.add("model.weights.h5", std::span<const std::byte>(weights));
  zip.finish();
  return sink.bytes;
}

std::vector<std::string> names_in(const Hdf5Group& root) {
  const std::vector<std::byte> bytes = write_hdf5(root, "weights");
  const FileContents contents =
      format_by_name("keras-h5").read({.who = "x.h5", .bytes = bytes, .beside = {}});
  std::vector<std::string> names;
  for (const auto& [name, tensor] : std::get<LooseWeights>(contents).tensors) names.push_back(name);
  return names;
}

TEST(Keras, SavedWeightsOfLayersWithinClassesAreAllThere) {
  // A class of one's own keeps its layers under its attributes' names.
  Hdf5Group own;
  own.groups["a"].groups["vars"].tensors = {{"0", counting({2, 3})}, {"1", counting({3})}};
  own.groups["b"].groups["vars"].tensors = {{"0", counting({3, 2})}};
  own.groups["drop"].groups["seed_generator"].groups["vars"].tensors = {{"0", counting({2})}};
  EXPECT_THAT(names_in(own), ElementsAre("a/0", "a/1", "b/0"));
  // A layer may have layers of its own.
  Hdf5Group attention = saved_layers({{"dense", {counting({2, 3}), counting({3})}}});
  attention.groups["layers"]
      .groups["multi_head_attention"]
      .groups["key_dense"]
      .groups["vars"]
      .tensors = {{"0", counting({2, 1, 3})}};
  EXPECT_THAT(names_in(attention),
              testing::UnorderedElementsAre("dense/kernel", "dense/bias",
                                            "multi_head_attention/key_dense/0"));
}

Model read(const Json& config, const Saved& saved, const std::string& version = "3.3.3") {
  return read_model(archive(config, saved, version), "x.keras");
}

std::string refusal(const Json& config, const Saved& saved = {}) {
  return error_of([&] { read(config, saved); });
}

std::vector<std::string> types(const Model& model) {
  std::vector<std::string> list;
  for (const Node& node : model.nodes) list.push_back(node.type);
  return list;
}

TEST(Keras, ADenseLayerBehindAFeatureMapHasItsRowsInTheDocumentsOrder) {
  const Json net = sequential({input({nullptr, 1, 2, 3}), layer("Flatten", "flat"),
                               layer("Dense", "dense", {{"units", 2}})});
  const Model model = read(net, {{"dense", {counting({6, 2}), counting({2})}}});
  EXPECT_EQ(model.input, "image");
  EXPECT_EQ(model.input_shape, (Shape{3, 1, 2}));
  EXPECT_THAT(types(model), ElementsAre("Flatten", "Gemm"));
  // Keras's rows are (column, channel); the document's are (channel, column).
  EXPECT_EQ(model.weight("dense/kernel").shape, (Shape{2, 6}));
  EXPECT_THAT(model.weight("dense/kernel").values,
              ElementsAre(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11));
}

TEST(Keras, AConvolutionsKernelAndPaddingAreTheDocuments) {
  const Json net = sequential({input({nullptr, 4, 5, 2}), layer("Conv2D", "conv",
                                                                {{"filters", 3},
                                                                 {"kernel_size", {2, 3}},
                                                                 {"padding", "same"},
                                                                 {"strides", {1, 2}},
                                                                 {"activation", "relu"}})});
  const Model model = read(net, {{"conv2d", {counting({2, 3, 2, 3}), counting({3})}}});
  EXPECT_THAT(types(model), ElementsAre("Conv", "Relu"));
  EXPECT_EQ(model.nodes[0].integers("pads", {}), (Ints{0, 1, 1, 1}));
  EXPECT_EQ(model.nodes[0].integers("strides", {}), (Ints{1, 2}));
  const Tensor& kernel = model.weight("conv/kernel");
  EXPECT_EQ(kernel.shape, (Shape{3, 2, 2, 3}));
  EXPECT_EQ(kernel.values[0], 0.0F);
  EXPECT_EQ(kernel.values[1], 6.0F);   // the next column
  EXPECT_EQ(kernel.values[3], 18.0F);  // the next row
  EXPECT_EQ(kernel.values[6], 3.0F);   // the next input
  EXPECT_EQ(kernel.values[12], 1.0F);  // the next output
}

TEST(Keras, ANetworkThatScalesPixelsReadsThemAsTheyAre) {
  const auto rescaled = [](double scale) {
    const Json net = sequential(
        {input({nullptr, 2}), layer("Rescaling", "a", {{"scale", scale}, {"offset", -1.0}}),
         layer("Rescaling", "b", {{"scale", 0.5}}), layer("Dense", "d", {{"units", 1}})});
    return read(net, {{"dense", {counting({2, 1}), counting({1})}}});
  };
  const Model model = rescaled(1.0 / 127.5);
  EXPECT_THAT(types(model), ElementsAre("Mul", "Add", "Mul", "Gemm"));
  EXPECT_EQ(model.pixels.scale, 1.0);
  EXPECT_EQ(model.pixels.offset, 0.0);
  const Model again = read_back(model, model_bytes(model, "y.keras"), "y.keras");
  EXPECT_THAT(types(again), ElementsAre("Gemm"));
  EXPECT_NEAR(again.pixels.scale, 0.5 / 127.5, 1e-9);
  EXPECT_NEAR(again.pixels.offset, -0.5, 1e-9);
  // One for inputs that are scaled already.
  EXPECT_EQ(rescaled(2.0).pixels.scale, 1.0 / 255.0);
}

TEST(Keras, SomeUsualValuesDependOnTheVersion) {
  const Json net =
      sequential({input({nullptr, 2}), layer("Activation", "a", {{"activation", "hard_sigmoid"}})});
  EXPECT_NEAR(read(net, {}).nodes[0].real("alpha", 0), 1.0 / 6.0, 1e-12);
  EXPECT_EQ(read(net, {}, "2.15.0").nodes[0].real("alpha", 0), 0.2);
}

TEST(Keras, ModelsWithinModelsHaveTheirWeightsUnderTheirNames) {
  const Json inner = sequential(
      {layer("Dense", "one", {{"units", 2}}), layer("Dense", "two", {{"units", 3}})}, "inner");
  const Json net =
      sequential({input({nullptr, 2}), inner, layer("Dense", "three", {{"units", 1}})});
  const Model model = read(net, {{"sequential/dense", {counting({2, 2}), counting({2})}},
                                 {"sequential/dense_1", {counting({2, 3}), counting({3})}},
                                 {"dense", {counting({3, 1}), counting({1})}}});
  EXPECT_THAT(types(model), ElementsAre("Gemm", "Gemm", "Gemm"));
  EXPECT_EQ(model.nodes[1].name, "inner/two");
  EXPECT_EQ(model.weight("inner/two/kernel").shape, (Shape{3, 2}));
  EXPECT_EQ(model.weight("three/kernel").shape, (Shape{1, 3}));
}

Json tensor(const std::string& name) {
  return {{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {name, 0, 0}}}}};
}

Json called(Json layer, const Json& arguments) {
  layer["name"] = layer["config"]["name"];
  layer["inbound_nodes"] = arguments.is_null()
                               ? Json::array()
                               : Json::array({{{"args", arguments}, {"kwargs", Json::object()}}});
  return layer;
}

Json functional(const std::vector<Json>& layers, const std::string& output) {
  return {{"class_name", "Functional"},
          {"config",
           {{"name", "net"},
            {"layers", layers},
            {"input_layers", Json::array({{"image", 0, 0}})},
            {"output_layers", Json::array({{output, 0, 0}})}}}};
}

TEST(Keras, AFunctionalModelsReferencesOfEitherVersionAreFollowed) {
  const Json dense = layer("Dense", "dense", {{"units", 2}});
  const Saved saved = {{"dense", {counting({2, 2}), counting({2})}}};
  const Json three = functional(
      {called(input({nullptr, 2}), nullptr), called(dense, Json::array({tensor("image")})),
       called(layer("Add", "sum"), Json::array({Json::array({tensor("dense"), tensor("image")})}))},
      "sum");
  Json two = three;
  two["config"]["layers"][1]["inbound_nodes"] =
      Json::array({Json::array({Json::array({"image", 0, 0, Json::object()})})});
  two["config"]["layers"][2]["inbound_nodes"] =
      Json::array({Json::array({Json::array({"dense", 0, 0, Json::object()}),
                                Json::array({"image", 0, 0, Json::object()})})});
  for (const Json& net : {three, two}) {
    const Model model = read(net, saved);
    EXPECT_THAT(types(model), ElementsAre("Gemm", "Add"));
    EXPECT_THAT(model.nodes[1].inputs, ElementsAre("dense", "image"));
  }
}

TEST(Keras, ALayerThatIsCalledAgainKeepsItsWeights) {
  // again(relu(again(image))): the second call reads what is listed behind the layer.
  Json again = called(layer("Dense", "again", {{"units", 2}}), Json::array({tensor("image")}));
  Json second = again["inbound_nodes"][0];
  second["args"] = Json::array({tensor("relu")});
  again["inbound_nodes"].push_back(second);
  Json net = functional({called(input({nullptr, 2}), nullptr), again,
                         called(layer("ReLU", "relu"), Json::array({tensor("again")}))},
                        "again");
  net["config"]["output_layers"][0][1] = 1;
  const Model model = read(net, {{"dense", {counting({2, 2}), counting({2})}}});
  EXPECT_THAT(types(model), ElementsAre("Gemm", "Relu", "Gemm"));
  EXPECT_EQ(model.weights.size(), 2U);
  EXPECT_THAT(model.nodes[0].inputs, ElementsAre("image", "again/kernel", "again/bias"));
  EXPECT_THAT(model.nodes[2].inputs, ElementsAre("relu", "again/kernel", "again/bias"));
  net["config"]["layers"][1]["inbound_nodes"][0]["args"] = Json::array({tensor("relu")});
  EXPECT_THAT(refusal(net), HasSubstr("reads what is never made, or what needs it"));
}

// A recurrent layer keeps its weights in its cell.
std::string cell_refusal(const Json& config, const std::vector<Tensor>& weights) {
  return error_of([&] {
    Hdf5Group root;
    for (size_t i = 0; i < weights.size(); ++i) {
      root.groups["layers"].groups["lstm"].groups["cell"].groups["vars"].tensors[std::to_string(
          i)] = weights[i];
    }
    MemorySink sink;
    ZipWriter zip(sink);
    zip.add("metadata.json", Json{{"keras_version", "3.3.3"}}.dump());
    zip.add("config.json", sequential({input({nullptr, 3, 2}), config}).dump());
    const std::vector<std::byte> bytes = write_hdf5(root, "weights");
    zip.add("model.weights.h5", std::span<const std::byte>(bytes));
    zip.finish();
    const Model model = read_model(sink.bytes, "x.keras");
    // Two steps of an input's part, a product, a sum, and the gates.
    EXPECT_EQ(model.input_shape, (Shape{3, 2}));
    EXPECT_EQ(model.weight("l/kernel").shape, (Shape{2, 4}));
    // i, f, o, c instead of Keras's i, f, c, o
    EXPECT_THAT(model.weight("l/bias").values, ElementsAre(0, 1, 3, 2));
    throw Error("read");
  });
}

TEST(Keras, ARecurrentLayersStepsAreNodes) {
  const Json lstm = layer("LSTM", "l", {{"units", 1}});
  EXPECT_EQ(cell_refusal(lstm, {counting({2, 4}), counting({1, 4}), counting({4})}), "read");
  EXPECT_THAT(cell_refusal(lstm, {counting({2, 4}), counting({1, 3}), counting({4})}),
              HasSubstr("'recurrent_kernel' has the shape (1,3), (1,4) expected"));
  EXPECT_THAT(cell_refusal(layer("LSTM", "l", {{"units", 1}, {"return_state", true}}),
                           {counting({2, 4}), counting({1, 4}), counting({4})}),
              HasSubstr("return_state: false expected"));
}

TEST(Keras, WhatCannotBeSaidIsRefusedByItsName) {
  const Json image = input({nullptr, 4, 4, 1});
  const auto with = [&](const Json& last) { return refusal(sequential({image, last})); };
  EXPECT_THAT(with(layer("Lambda", "code")),
              HasSubstr("layer 'code' is a 'Lambda', which is code"));
  EXPECT_THAT(with(layer("own>Thing", "x")), HasSubstr("a class of its author's own"));
  EXPECT_THAT(with(layer("ConvLSTM2D", "x")),
              HasSubstr("layer 'x' is a 'ConvLSTM2D', a class that is not known"));
  EXPECT_THAT(with(layer("LSTM", "x", {{"units", 2}})),
              HasSubstr("layer 'x': 3 weights expected, 0 are there"));
  EXPECT_THAT(with(layer("Activation", "x", {{"activation", "sorcery"}})),
              HasSubstr("layer 'x' (Activation): activation 'sorcery' is not known"));
  EXPECT_THAT(with(layer("Dense", "x", {{"units", 2}})),
              HasSubstr("layer 'x': 2 weights expected, 0 are there"));
  EXPECT_THAT(with(layer("MaxPooling2D", "x", {{"pool_size", 0}})),
              HasSubstr("1 to 1024 expected, got 0"));
  EXPECT_THAT(with(layer("MaxPooling2D", "x", {{"padding", "causal"}})),
              HasSubstr("'same' or 'valid'"));
  EXPECT_THAT(with(layer("Reshape", "x", {{"target_shape", {3, 3}}})),
              HasSubstr("for 16 elements"));
  EXPECT_THAT(with(layer("Permute", "x", {{"dims", {1, 1, 2}}})), HasSubstr("every axis"));
  EXPECT_THAT(with(layer("BatchNormalization", "x", {{"axis", 2}})),
              HasSubstr("4 weights expected"));
  EXPECT_THAT(with(layer("UpSampling2D", "x", {{"interpolation", "bicubic"}})),
              HasSubstr("'nearest' or 'bilinear' expected"));
  EXPECT_THAT(with(image), HasSubstr("does nothing"));
  EXPECT_THAT(refusal(sequential({input({nullptr, nullptr, nullptr, 1}), layer("Flatten", "x")})),
              HasSubstr("an input of a fixed size expected"));
  EXPECT_THAT(refusal(sequential({layer("Flatten", "x")})), HasSubstr("which shape its input has"));
  EXPECT_THAT(refusal({{"class_name", "Bidirectional"}, {"config", Json::object()}}),
              HasSubstr("a Sequential or Functional model expected"));
}

TEST(Keras, ShapesThatDoNotFitAreNamed) {
  const Json net = sequential({input({nullptr, 2}), layer("Dense", "d", {{"units", 3}})});
  EXPECT_THAT(
      refusal(net, {{"dense", {counting({2, 4}), counting({3})}}}),
      HasSubstr("layer 'd' (Dense): its weight 'kernel' has the shape (2,4), (2,3) expected"));
  EXPECT_THAT(refusal(net, {{"dense", {counting({2, 3}), counting({4})}}}), HasSubstr("'bias'"));
}

TEST(Keras, NetworksThatKerasCannotSayAreRefusedByTheirNode) {
  Model model = random_model("mnist-fc");
  model.nodes[0].type = "Erf";
  model.nodes[0].inputs.resize(1);
  MemorySink sink;
  EXPECT_THAT(error_of([&] { format_by_name("keras").write(model, {}, sink); }),
              HasSubstr("Keras cannot say it: it has no such layer"));
}

TEST(Keras, AChangedConfigCountsMoreThanOurOwnNotes) {
  const Model model = random_model("mnist-fc");
  MemorySink sink;
  format_by_name("keras").write(model, {}, sink);
  const ZipArchive ours(sink.bytes, "x.keras");
  MemorySink changed;
  ZipWriter zip(changed);
  for (const ZipEntry& entry : ours.entries()) {
    std::vector<std::byte> content = ours.content(entry);
    std::string text(reinterpret_cast<const char*>(content.data()), content.size());
    const size_t at = text.find("\"relu\"");
    if (entry.name == "config.json") text.replace(at, 6, "\"tanh\"");
    zip.add(std::string(entry.name), text);
  }
  zip.finish();
  const Model read = read_model(changed.bytes, "x.keras");
  EXPECT_NE(read.architecture, "");
  EXPECT_THAT(types(read), testing::Contains("Tanh"));
}

TEST(Keras, TruncatedAnywhereIsRefused) {
  const Json net = sequential({input({nullptr, 2}), layer("Dense", "d", {{"units", 1}})});
  const std::vector<std::byte> bytes = archive(net, {{"dense", {counting({2, 1}), counting({1})}}});
  EXPECT_NO_THROW(read_model(bytes, "x.keras"));
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THROW(read_model(std::span(bytes).first(length), "x.keras"), Error) << length;
  }
}

TEST(Keras, NamesOfWhatIsSaved) {
  EXPECT_EQ(snake_case("Conv2D"), "conv2d");
  EXPECT_EQ(snake_case("MaxPooling2D"), "max_pooling2d");
  EXPECT_EQ(snake_case("BatchNormalization"), "batch_normalization");
  EXPECT_EQ(snake_case("PReLU"), "p_re_lu");
  EXPECT_EQ(snake_case("LeakyReLU"), "leaky_re_lu");
  EXPECT_EQ(snake_case("InputLayer"), "input_layer");
}

TEST(KerasH5, FilesOfTheZooAreRead) {
  const auto path = outside_file("MNIST_ZOO_DIR", "keras_h5/gnudisme.h5");
  if (!path) GTEST_SKIP() << "MNIST_ZOO_DIR is not set";
  const Model model = load_model(*path);
  EXPECT_EQ(model.input_shape, (Shape{1, 28, 28}));
  EXPECT_EQ(model.metadata.at("keras_version"), "3.9.0");
  EXPECT_EQ(model.weight("conv2d_1/kernel").shape, (Shape{64, 32, 3, 3}));
  EXPECT_EQ(model.weight("dense_1/kernel").shape, (Shape{10, 128}));
}

}  // namespace
}  // namespace mnist
