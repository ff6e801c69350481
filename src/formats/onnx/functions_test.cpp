#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/onnx_test_support.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

OnnxNode node(const std::string& type, const std::vector<std::string>& inputs,
              const std::vector<std::string>& outputs, const std::string& domain = "own") {
  OnnxNode made;
  made.type = type;
  made.domain = domain;
  made.inputs = inputs;
  made.outputs = outputs;
  return made;
}

// A model of one call y = F(x).
OnnxModel calling(const std::string& function) {
  OnnxModel model;
  model.graph.nodes = {node(function, {"x"}, {"y"})};
  return model;
}

OnnxFunction function_of(std::vector<OnnxNode> nodes) {
  return {{"a"}, {"b"}, {}, std::move(nodes)};
}

std::string refusal(OnnxModel model) {
  return error_of([&] { inline_functions(model, "x"); });
}

TEST(OnnxFunctions, NamesWithinAFunctionAreItsCallsOwn) {
  OnnxModel model = calling("F");
  model.graph.nodes.push_back(node("F", {"y"}, {"z"}));
  model.functions[{"own", "F"}] =
      function_of({node("Neg", {"a"}, {"t"}, ""), node("Abs", {"t"}, {"b"}, "")});
  inline_functions(model, "x");
  ASSERT_EQ(model.graph.nodes.size(), 4U);
  EXPECT_THAT(model.graph.nodes[0].outputs, ElementsAre("y/t"));
  EXPECT_THAT(model.graph.nodes[1].inputs, ElementsAre("y/t"));
  EXPECT_THAT(model.graph.nodes[1].outputs, ElementsAre("y"));
  EXPECT_THAT(model.graph.nodes[2].inputs, ElementsAre("y"));
  EXPECT_THAT(model.graph.nodes[3].outputs, ElementsAre("z"));
  EXPECT_TRUE(model.functions.empty());
}

TEST(OnnxFunctions, AnInputThatIsAnOutputIsCopied) {
  OnnxModel model = calling("F");
  model.functions[{"own", "F"}] = {{"a"}, {"a"}, {}, {}};
  inline_functions(model, "x");
  ASSERT_EQ(model.graph.nodes.size(), 1U);
  EXPECT_EQ(model.graph.nodes[0].type, "Identity");
  EXPECT_THAT(model.graph.nodes[0].inputs, ElementsAre("x"));
  EXPECT_THAT(model.graph.nodes[0].outputs, ElementsAre("y"));
}

TEST(OnnxFunctions, AttributesComeFromTheCallOrAreTheUsual) {
  OnnxModel model = calling("F");
  model.graph.nodes[0].attributes["slope"] = 0.5F;
  model.graph.nodes.push_back(node("F", {"y"}, {"z"}));
  OnnxNode leaky = node("LeakyRelu", {"a"}, {"b"}, "");
  leaky.attributes["alpha"] = OnnxReference{"slope"};
  leaky.attributes["other"] = OnnxReference{"nothing"};
  OnnxFunction function = function_of({leaky});
  function.usual["slope"] = 0.25F;
  model.functions[{"own", "F"}] = function;
  inline_functions(model, "x");
  ASSERT_EQ(model.graph.nodes.size(), 2U);
  EXPECT_EQ(std::get<float>(model.graph.nodes[0].attributes.at("alpha")), 0.5F);
  EXPECT_EQ(std::get<float>(model.graph.nodes[1].attributes.at("alpha")), 0.25F);
  EXPECT_FALSE(model.graph.nodes[0].attributes.contains("other"));
}

TEST(OnnxFunctions, WhatGrowsWithoutEndIsRefused) {
  OnnxModel circle = calling("F");
  circle.functions[{"own", "F"}] = function_of({node("F", {"a"}, {"b"})});
  EXPECT_EQ(refusal(circle), "x: function 'F': calls itself, or too many others");
  // Each calls the next one twice.
  OnnxModel tree = calling("F0");
  for (int i = 0; i < 25; ++i) {
    const std::string next = fmt::format("F{}", i + 1);
    tree.functions[{"own", fmt::format("F{}", i)}] =
        function_of({node(next, {"a"}, {"t"}), node(next, {"t"}, {"b"})});
  }
  EXPECT_THAT(refusal(tree), HasSubstr("its nodes are too many"));
  OnnxModel wrong = calling("F");
  wrong.graph.nodes[0].inputs = {"x", "x"};
  wrong.functions[{"own", "F"}] = function_of({});
  EXPECT_EQ(refusal(wrong), "x: function 'F': inputs and outputs that are not its own");
}

}  // namespace
}  // namespace mnist
