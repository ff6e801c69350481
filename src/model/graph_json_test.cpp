#include "model/graph_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "mnist/error.h"
#include "model/architectures.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(const std::string& text) {
  return error_of([&] { graph_from_json(text, "net.json"); });
}

// A document with these members after "format" and "version".
std::string document(const std::string& members) {
  return R"({"format": "mnist.cpp graph", "version": 1, )" + members + "}";
}

TEST(GraphJson, EveryArchitectureComesBack) {
  for (const std::string& name : architecture_names()) {
    SCOPED_TRACE(name);
    Model model = make_architecture(name, {1, 30, 28}, 12);
    model.pixels = {0.1, -3};
    model.metadata = {{"a", "b"}};
    const std::string text = graph_to_json(model);
    const Model read = graph_from_json(text, "x");
    EXPECT_EQ(graph_to_json(read), text);
    EXPECT_EQ(read.nodes.size(), model.nodes.size());
    EXPECT_EQ(read.parameter_count(), model.parameter_count());
    EXPECT_EQ(read.pixels.scale, 0.1);
    EXPECT_EQ(read.metadata, model.metadata);
    for (size_t i = 0; i < model.nodes.size(); ++i) {
      EXPECT_EQ(read.nodes[i].attributes, model.nodes[i].attributes);
    }
  }
}

TEST(GraphJson, IsReadable) {
  const std::string text = graph_to_json(make_architecture("mnist-cnn"));
  EXPECT_THAT(text, HasSubstr("  \"architecture\": \"mnist-cnn\",\n"));
  EXPECT_THAT(text,
              HasSubstr("    {\"type\": \"Conv\", \"name\": \"conv1\", \"inputs\": [\"input\", "
                        "\"conv1.weight\", \"conv1.bias\"], \"output\": \"conv1\", "
                        "\"attributes\": {\"kernel_shape\": [3, 3], \"pads\": [1, 1, 1, 1]}},\n"));
  EXPECT_THAT(text, HasSubstr("    \"conv1.weight\": [8, 1, 3, 3],\n"));
}

TEST(GraphJson, WhatIsUsualMayBeLeftOut) {
  const Model model = graph_from_json(document(R"(
      "nodes": [{"type": "Flatten"}, {"type": "Gemm", "attributes": {"transB": 1}}, {"type": "Relu"},
                {"type": "Gemm", "name": "gemm2"}, {"type": "Relu"}, {"type": "Gemm"}],
      "weights": {"gemm1.weight": [5, 784], "gemm1.bias": [5], "gemm2.weight": [5, 5],
                  "gemm3.weight": [5, 10]})"),
                                      "x");
  EXPECT_EQ(model.architecture, "custom");
  EXPECT_EQ(model.input_shape, (Shape{1, 28, 28}));
  EXPECT_EQ(model.output, "gemm3");
  EXPECT_EQ(model.pixels.scale, 1.0 / 255.0);
  EXPECT_THAT(model.nodes[1].inputs, ElementsAre("flatten1", "gemm1.weight", "gemm1.bias"));
  EXPECT_THAT(model.nodes[3].inputs, ElementsAre("relu1", "gemm2.weight"));
  EXPECT_THAT(model.nodes[5].inputs, ElementsAre("relu2", "gemm3.weight"));
  EXPECT_THAT(model.nodes[5].outputs, ElementsAre("gemm3"));
  EXPECT_EQ(model.weight("gemm1.bias").values, std::vector<float>(5));
}

TEST(GraphJson, BatchNormalizationFindsItsWeightsInOrder) {
  const Model model = graph_from_json(document(R"(
      "nodes": [{"type": "BatchNormalization", "name": "bn"}],
      "weights": {"bn.var": [1], "bn.mean": [1], "bn.bias": [1], "bn.scale": [1]})"),
                                      "x");
  EXPECT_THAT(model.nodes[0].inputs,
              ElementsAre("input", "bn.scale", "bn.bias", "bn.mean", "bn.var"));
}

TEST(GraphJson, AttributesKeepTheirTypes) {
  const Model model = graph_from_json(document(R"(
      "nodes": [{"type": "Relu", "attributes": {"i": 1, "f": 1.0, "s": "x", "is": [1, 2],
                 "fs": [1, 2.5], "none": [], "no_floats": {"floats": []}}}])"),
                                      "x");
  const auto& attributes = model.nodes[0].attributes;
  EXPECT_EQ(attributes.at("i"), Attribute(int64_t{1}));
  EXPECT_EQ(attributes.at("f"), Attribute(1.0));
  EXPECT_EQ(attributes.at("s"), Attribute(std::string("x")));
  EXPECT_EQ(attributes.at("is"), Attribute(std::vector<int64_t>{1, 2}));
  EXPECT_EQ(attributes.at("fs"), Attribute(std::vector<double>{1, 2.5}));
  EXPECT_EQ(attributes.at("none"), Attribute(std::vector<int64_t>{}));
  EXPECT_EQ(attributes.at("no_floats"), Attribute(std::vector<double>{}));
}

TEST(GraphJson, MistakesAreNamedWithTheirPlace) {
  EXPECT_THAT(refusal("{}"), HasSubstr("net.json: at /: the key 'format' is missing"));
  EXPECT_THAT(refusal(R"({"format": "x"})"), HasSubstr("\"mnist.cpp graph\" expected, got \"x\""));
  EXPECT_THAT(refusal(R"({"format": "mnist.cpp graph", "version": 2})"),
              HasSubstr("at /version: version 1 expected, got 2"));
  EXPECT_THAT(refusal("[]"), HasSubstr("an object expected, got array"));
  EXPECT_THAT(refusal(document(R"("node": [])")),
              HasSubstr("unknown key 'node': did you mean 'nodes'?"));
  EXPECT_THAT(refusal(document(R"("nodes": [])")), HasSubstr("net.json: the model has no nodes"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"name": "a"}])")),
              HasSubstr("at /nodes/0: the key 'type' is missing"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu", "input": "x"}])")),
              HasSubstr("at /nodes/0: unknown key 'input': did you mean 'inputs'?"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu", "inputs": ["x"]}])")),
              HasSubstr("node 'relu1' (Relu): input 'x' is neither"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu", "attributes": {"a": [1, "b"]}}])")),
              HasSubstr("at /nodes/0/attributes/a/1: a number expected, got string"));
  EXPECT_THAT(
      refusal(document(R"("nodes": [{"type": "Relu", "attributes": {"a": null}}])")),
      HasSubstr("at /nodes/0/attributes/a: a number, a text or a list of numbers expected"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu"}], "weights": {"w": [2, -3]})")),
              HasSubstr("at /weights/w: shape (2,-3): an extent is negative"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu"}], "weights": {"w": [2.5]})")),
              HasSubstr("at /weights/w/0: an integer expected, got 2.5"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu"}], "weights": {"w": [3]})")),
              HasSubstr("no node uses the weight 'w'"));
  EXPECT_THAT(refusal(document(R"("nodes": [{"type": "Relu"}], "weights": {"w": [70000, 1000]})")),
              HasSubstr("70000000 parameters, at most"));
  EXPECT_THAT(refusal(document(R"("input": {"shape": [0]}, "nodes": [{"type": "Relu"}])")),
              HasSubstr("the model's input is empty"));
}

TEST(GraphJson, WhatJsonCannotHoldIsNotWritten) {
  Model model = make_architecture("mnist-fc");
  model.nodes[2].attributes["alpha"] = INFINITY;
  EXPECT_THAT(error_of([&] { graph_to_json(model); }),
              HasSubstr("node 'relu1' (Relu): inf is not finite"));
  model = make_architecture("mnist-fc");
  model.metadata["x"] = "\xff";
  EXPECT_THAT(error_of([&] { graph_to_json(model); }), HasSubstr("not UTF-8"));
}

// The documents between ```json and ``` in docs/network.md.
TEST(GraphJson, TheExamplesOfTheManualAreRead) {
  const auto manual = std::filesystem::path(__FILE__).parent_path() / "../../docs/network.md";
  if (!std::filesystem::exists(manual)) GTEST_SKIP() << "the sources were moved";
  const std::vector<std::byte> bytes = read_file(manual);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<Model> models;
  for (size_t at = 0; (at = text.find("```json\n", at)) != std::string::npos;) {
    at += 8;
    const std::string example = text.substr(at, text.find("```", at) - at);
    models.push_back(graph_from_json(example, "docs/network.md"));
    // Of the second one the manual says that the program writes it like this.
    if (models.size() == 2) {
      EXPECT_EQ(graph_to_json(models.back()), example);
    }
  }
  ASSERT_EQ(models.size(), 2U);
  EXPECT_THAT(models[0].nodes[0].inputs, ElementsAre("input", "conv1.weight", "conv1.bias"));
  EXPECT_EQ(models[0].output, "dense");
}

}  // namespace
}  // namespace mnist
