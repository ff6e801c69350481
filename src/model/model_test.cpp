#include "mnist/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "mnist/error.h"
#include "model/architectures.h"

namespace mnist {
namespace {

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

// input -> Gemm(weight, bias) -> Relu
Model small_model() {
  Model model;
  model.input_shape = {3};
  model.nodes = {{"Gemm", "dense", {"input", "w", "b"}, {"dense"}, {{"transB", int64_t{1}}}},
                 {"Relu", "relu", {"dense"}, {"relu"}, {}}};
  model.output = "relu";
  model.weights["w"] = {{2, 3}, std::vector<float>(6)};
  model.weights["b"] = {{2}, std::vector<float>(2)};
  return model;
}

std::string problem_of(const Model& model) {
  return error_of([&] { check_model(model); });
}

TEST(Model, CountsElements) {
  EXPECT_EQ(element_count({}), 1U);
  EXPECT_EQ(element_count({2, 0, 3}), 0U);
  EXPECT_EQ(element_count({1, 28, 28}), 784U);
  EXPECT_EQ(element_count({int64_t{1} << 31}), size_t{1} << 31);
  for (const Shape& shape :
       {Shape{-1}, Shape{INT64_MAX}, Shape{int64_t{1} << 16, 1 << 16},
        Shape{int64_t{1} << 32, int64_t{1} << 32}, Shape{(int64_t{1} << 31) + 1}}) {
    EXPECT_THROW(element_count(shape), Error) << to_string(shape);
  }
  EXPECT_EQ(to_string(Shape{16, 8, 3, 3}), "(16,8,3,3)");
}

TEST(Model, AttributesHaveTypesAndDefaults) {
  const Node node{"Conv",
                  "conv1",
                  {},
                  {"y"},
                  {{"group", int64_t{2}},
                   {"alpha", 0.5},
                   {"auto_pad", std::string("VALID")},
                   {"pads", std::vector<int64_t>{1, 2}}}};
  EXPECT_EQ(node.integer("group", 1), 2);
  EXPECT_EQ(node.integer("axis", 1), 1);
  EXPECT_EQ(node.real("alpha", 1), 0.5);
  EXPECT_EQ(node.real("group", 1), 2.0);
  EXPECT_EQ(node.real("beta", 1), 1.0);
  EXPECT_EQ(node.text("auto_pad", "NOTSET"), "VALID");
  EXPECT_EQ(node.integers("pads", {}), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(node.reals("pads", {}), (std::vector<double>{1.0, 2.0}));
  EXPECT_EQ(node.reals("scales", {0.5}), (std::vector<double>{0.5}));
  EXPECT_EQ(node.integers("strides", {1}), (std::vector<int64_t>{1}));
  EXPECT_EQ(error_of([&] { node.integer("alpha", 1); }),
            "node 'conv1' (Conv): attribute 'alpha': an integer expected");
  EXPECT_EQ(error_of([&] { node.real("pads", 1); }),
            "node 'conv1' (Conv): attribute 'pads': a number expected");
  EXPECT_EQ(error_of([&] { node.text("group", ""); }),
            "node 'conv1' (Conv): attribute 'group': a text expected");
  EXPECT_EQ(error_of([&] { node.reals("auto_pad", {}); }),
            "node 'conv1' (Conv): attribute 'auto_pad': a list of numbers expected");
  EXPECT_EQ(error_of([&] { node.integers("auto_pad", {}); }),
            "node 'conv1' (Conv): attribute 'auto_pad': a list of integers expected");
}

TEST(Model, WeightsAreFoundByName) {
  const Model model = small_model();
  EXPECT_EQ(model.weight("b").shape, Shape{2});
  EXPECT_EQ(model.parameter_count(), 8U);
  EXPECT_EQ(error_of([&] { model.weight("c"); }), "the model has no weight 'c'");
}

TEST(Model, ASoundOneIsAccepted) {
  EXPECT_EQ(problem_of(small_model()), "accepted");
  Model left_out = small_model();  // an empty name is an input left out
  left_out.nodes[1].inputs.push_back("");
  EXPECT_EQ(problem_of(left_out), "accepted");
}

TEST(Model, AnUnsoundOneIsRefused) {
  struct Case {
    std::function<void(Model&)> damage;
    const char* message;
  };
  const Case cases[] = {
      {[](Model& m) { m.nodes.clear(); }, "has no nodes"},
      {[](Model& m) { m.nodes[0].inputs[0] = "relu"; },
       "node 'dense' (Gemm): input 'relu' is neither"},
      {[](Model& m) { m.nodes[0].inputs[1] = "v"; }, "input 'v' is neither"},
      {[](Model& m) { m.nodes[1].name = "dense"; }, "two nodes are called 'dense'"},
      {[](Model& m) { m.nodes[1].outputs = {}; }, "exactly one output expected, got 0"},
      {[](Model& m) {
         m.nodes[1].outputs = {"relu", "mask"};
       },
       "exactly one output expected, got 2"},
      {[](Model& m) { m.nodes[1].outputs = {""}; }, "exactly one output expected"},
      {[](Model& m) { m.nodes[1].outputs = {"dense"}; },
       "its output 'dense' is the name of something"},
      {[](Model& m) { m.nodes[1].outputs = {"input"}; },
       "its output 'input' is the name of something"},
      {[](Model& m) { m.nodes[1].outputs = {"w"}; }, "its output 'w' is the name of something"},
      {[](Model& m) { m.output = "logits"; }, "no node makes the model's output 'logits'"},
      {[](Model& m) { m.output = "input"; }, "no node makes the model's output 'input'"},
      {[](Model& m) { m.output = "w"; }, "no node makes the model's output 'w'"},
      {[](Model& m) { m.input = "w"; }, "the input's name 'w' is a weight's too"},
      {[](Model& m) {
         m.input_shape = {3, 0};
       },
       "the model's input is empty"},
      {[](Model& m) {
         m.weights["v"] = {{1}, {0}};
       },
       "no node uses the weight 'v'"},
      {[](Model& m) { m.weights["w"].values.pop_back(); },
       "weight 'w': shape (2,3) needs 6 values, it has 5"},
      {[](Model& m) { m.weights["w"].values[4] = NAN; }, "weight 'w': value 4 is nan"},
      {[](Model& m) { m.weights["b"].values[1] = -INFINITY; }, "weight 'b': value 1 is -inf"},
      {[](Model& m) { m.pixels.scale = INFINITY; }, "inputs are not finite"},
      {[](Model& m) { m.pixels.offset = NAN; }, "inputs are not finite"},
      {[](Model& m) {
         for (int i = 0; i < 10'000; ++i) {
           const std::string name = std::to_string(i) + "th";
           m.nodes.push_back({"Relu", name, {"input"}, {name}, {}});
         }
       },
       "the model has 10002 nodes, at most 10000"},
  };
  for (const Case& each : cases) {
    Model model = small_model();
    each.damage(model);
    EXPECT_THAT(problem_of(model), HasSubstr(each.message));
  }
}

// ---- architectures ----

TEST(Architectures, AreSoundAndHaveTheirNumberOfParameters) {
  const std::map<std::string, size_t> parameters = {{"mnist-fc", 397'510},
                                                    {"mnist-cnn", 9'098},
                                                    {"mnist-mlp", 109'386},
                                                    {"mnist-keras-cnn", 34'826},
                                                    {"lenet5", 61'706}};
  for (const std::string& name : architecture_names()) {
    SCOPED_TRACE(name);
    const Model model = make_architecture(name);
    EXPECT_NO_THROW(check_model(model));
    EXPECT_EQ(model.architecture, name);
    EXPECT_EQ(model.input_shape, (Shape{1, 28, 28}));
    EXPECT_FALSE(architecture_description(name).empty());
    if (parameters.contains(name)) {
      EXPECT_EQ(model.parameter_count(), parameters.at(name));
    }
  }
  EXPECT_LE(make_architecture("mnist-best").parameter_count(), 400'000U);
}

TEST(Architectures, HaveNamesThatFilesUse) {
  const Model fc = make_architecture("mnist-fc");
  EXPECT_EQ(fc.weight("fc1.weight").shape, (Shape{500, 784}));
  EXPECT_EQ(fc.weight("fc2.bias").shape, (Shape{10}));
  const Model cnn = make_architecture("mnist-cnn");
  EXPECT_EQ(cnn.weight("conv2.weight").shape, (Shape{16, 8, 3, 3}));
  EXPECT_EQ(cnn.weight("dense.weight").shape, (Shape{10, 784}));
  EXPECT_EQ(cnn.nodes[0].integers("pads", {}), (std::vector<int64_t>{1, 1, 1, 1}));
  const Model best = make_architecture("mnist-best");
  for (const char* name : {"bn1.scale", "bn1.bias", "bn1.mean", "bn1.var"}) {
    EXPECT_TRUE(best.is_weight(name)) << name;
  }
}

TEST(Architectures, FitOtherImagesAndClasses) {
  for (const std::string& name : architecture_names()) {
    SCOPED_TRACE(name);
    EXPECT_NO_THROW(check_model(make_architecture(name, {1, 17, 40}, 62)));
    EXPECT_NO_THROW(check_model(make_architecture(name, {3, 32, 32}, 2)));
  }
  EXPECT_EQ(make_architecture("mnist-cnn", {1, 17, 40}, 62).weight("dense.weight").shape,
            (Shape{62, 16 * 4 * 10}));
}

TEST(Architectures, WhatTheyCannotDoIsSaid) {
  EXPECT_THAT(error_of([] { make_architecture("mnist-cn"); }),
              HasSubstr("unknown architecture 'mnist-cn', did you mean 'mnist-cnn'?: mnist-fc"));
  EXPECT_THAT(error_of([] { make_architecture("resnet-152-gigantic"); }),
              HasSubstr("unknown architecture 'resnet-152-gigantic': mnist-fc, mnist-cnn"));
  EXPECT_EQ(error_of([] {
              make_architecture("lenet5", {1, 11, 30});
            }),
            "lenet5: images of (1,11,30) are too small: no pixels are left after 'relu2'");
  EXPECT_THAT(error_of([] { make_architecture("mnist-fc", {784}); }),
              HasSubstr("images of (channels,height,width) expected, got (784)"));
  EXPECT_THAT(error_of([] { make_architecture("mnist-fc", {1, 0, 28}); }), HasSubstr("expected"));
  EXPECT_THAT(error_of([] {
                make_architecture("mnist-fc", {1, 28, 28}, 1);
              }),
              HasSubstr("2 to 65536 classes expected, got 1"));
}

}  // namespace
}  // namespace mnist
