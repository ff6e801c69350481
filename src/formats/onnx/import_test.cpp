#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/onnx_test_support.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Attribute& attribute(const Model& model, size_t node, const std::string& name) {
  return model.nodes.at(node).attributes.at(name);
}
std::vector<int64_t> integers(const Model& model, size_t node, const std::string& name) {
  return std::get<std::vector<int64_t>>(attribute(model, node, name));
}

// ---- the batch and shapes ----

TEST(OnnxImport, AShapeComputedFromTheBatchIsAFlatten) {
  OnnxGraphMaker graph(13);
  graph.input({-1, 1, 4, 4})
      .whole("zero", {}, {0})
      .whole("first", {1}, {0})
      .whole("rest", {1}, {-1});
  graph.node("Relu", {"x"}, {"r"}).node("Shape", {"r"}, {"shape"});
  graph.node("Gather", {"shape", "zero"}, {"n"}, {{"axis", int64_t{0}}});
  graph.node("Unsqueeze", {"n", "first"}, {"batch"});
  graph.node("Concat", {"batch", "rest"}, {"target"}, {{"axis", int64_t{0}}});
  graph.node("Reshape", {"r", "target"}, {"flat"}).dense("flat", 16);
  const Model model = graph.read();
  EXPECT_EQ(types_of(model), "Relu Flatten Gemm");
  EXPECT_EQ(model.input_shape, (Shape{1, 4, 4}));
  EXPECT_EQ(model.architecture, "net");
  EXPECT_EQ(model.output, "y");
  EXPECT_EQ(model.metadata.at("onnx.producer"), "test");
  EXPECT_EQ(model.metadata.at("onnx.opset"), "13");
}

TEST(OnnxImport, ArithmeticOfShapesIsComputed) {
  OnnxGraphMaker graph;
  graph.input({-1, 2, 3, 4}).whole("one", {1}, {1}).whole("end", {1}, {INT64_MAX});
  graph.whole("minus", {}, {-1}).whole("two", {}, {2});
  graph.node("Shape", {"x"}, {"shape"}).node("Slice", {"shape", "one", "end"}, {"image"});
  graph.node("ReduceProd", {"image"}, {"count"}, {{"keepdims", int64_t{0}}});  // 24
  graph.node("Mul", {"count", "two"}, {"twice"}).node("Div", {"twice", "two"}, {"once"});
  graph.node("Equal", {"once", "minus"}, {"is_open"});
  graph.node("Where", {"is_open", "two", "once"}, {"features"});
  graph.node("Shape", {"x"}, {"lead"}, {{"end", int64_t{1}}});
  graph.whole("where", {1}, {0}).node("Unsqueeze", {"features", "where"}, {"last"});
  graph.node("Cast", {"last"}, {"whole"}, {{"to", int64_t{6}}});
  graph.node("Cast", {"whole"}, {"last64"}, {{"to", int64_t{7}}});
  graph.node("Concat", {"lead", "last64"}, {"target"}, {{"axis", int64_t{0}}});
  graph.node("Reshape", {"x", "target"}, {"flat"}).dense("flat", 24);
  EXPECT_EQ(types_of(graph.read()), "Flatten Gemm");
}

// tf2onnx's way around operators that took float32 only.
TEST(OnnxImport, ShapesGoThroughFloat) {
  OnnxGraphMaker graph;
  graph.input({-1, 2, 3, 4})
      .whole("zero", {1}, {0})
      .whole("one", {1}, {1})
      .whole("rest", {1}, {-1});
  graph.node("Shape", {"x"}, {"shape"}).node("Cast", {"shape"}, {"real"}, {{"to", int64_t{1}}});
  graph.node("Slice", {"real", "zero", "one"}, {"first"});
  graph.node("Cast", {"first"}, {"batch"}, {{"to", int64_t{7}}});
  graph.node("Concat", {"batch", "rest"}, {"target"}, {{"axis", int64_t{0}}});
  graph.node("Reshape", {"x", "target"}, {"flat"}).dense("flat", 24);
  EXPECT_EQ(types_of(graph.read()), "Flatten Gemm");
}

// PyTorch's expand: -1 in a size stands for the extent that is there.
TEST(OnnxImport, TheOpenBatchGoesThroughArithmetic) {
  OnnxGraphMaker graph;
  graph.input({-1, 2, 8}).whole("wanted", {3}, {-1, 2, -1}).whole("minus", {3}, {-1, -1, -1});
  graph.whole("two", {1}, {2}).node("Shape", {"x"}, {"shape"});
  graph.node("Equal", {"wanted", "minus"}, {"open"});
  graph.node("Where", {"open", "shape", "wanted"}, {"sizes"}).node("Mul", {"sizes", "two"}, {"d"});
  graph.node("Div", {"d", "two"}, {"target"}).node("Expand", {"x", "target"}, {"e"});
  graph.node("Flatten", {"e"}, {"flat"}).dense("flat", 16);
  EXPECT_EQ(types_of(graph.read()), "Flatten Gemm");
}

TEST(OnnxImport, FixedBatchesAreTakenOut) {
  for (int64_t batch : {1, 10, 64}) {
    for (const Shape& target : {Shape{batch, -1}, Shape{-1, 16}, Shape{batch, 16}, Shape{0, -1}}) {
      OnnxGraphMaker graph;
      graph.input({batch, 1, 4, 4}).whole("target", {2}, target);
      graph.node("Reshape", {"x", "target"}, {"flat"}).dense("flat", 16);
      const Model model = graph.read();
      EXPECT_EQ(model.input_shape, (Shape{1, 4, 4})) << batch;
      EXPECT_EQ(types_of(model), "Flatten Gemm") << batch;
    }
  }
}

TEST(OnnxImport, WhatMixesImagesIsRefused) {
  OnnxGraphMaker reshape;
  reshape.input({-1, 1, 4, 4}).whole("target", {2}, {-1, 8});
  reshape.node("Reshape", {"x", "target"}, {"flat"}).dense("flat", 8);
  EXPECT_THAT(reshape.refusal(), HasSubstr("net.onnx: node 'Reshape_flat' (Reshape): (-1,1,4,4) to "
                                           "(-1,8) does not keep each image's values together"));
  OnnxGraphMaker transpose;
  transpose.input({-1, 10}).node("Transpose", {"x"}, {"y"});
  EXPECT_THAT(transpose.refusal(), HasSubstr("output 'y' does not have the images along"));
  OnnxGraphMaker concat;
  concat.input({-1, 10}).node("Concat", {"x", "x"}, {"y"}, {{"axis", int64_t{0}}});
  EXPECT_THAT(concat.refusal(), HasSubstr("works along the batch"));
}

TEST(OnnxImport, GraphsWithoutABatchAreRead) {
  OnnxGraphMaker list;  // 784 in a row
  list.input({784}).dense("x", 784);
  EXPECT_EQ(list.read().input_shape, (Shape{784}));
  OnnxGraphMaker image;  // rows and columns
  image.input({28, 28}).whole("target", {2}, {1, 784});
  image.node("Reshape", {"x", "target"}, {"flat"}).dense("flat", 784);
  const Model model = image.read();
  EXPECT_EQ(model.input_shape, (Shape{28, 28}));
  EXPECT_EQ(types_of(model), "Flatten Gemm");
  OnnxGraphMaker column;  // W x
  column.input({784, 1}).weights("w", {10, 784}).weights("b", {10, 1});
  column.node("MatMul", {"w", "x"}, {"m"}).node("Add", {"m", "b"}, {"y"});
  EXPECT_EQ(column.read().input_shape, (Shape{784, 1}));
}

TEST(OnnxImport, InputsOfOtherRanksAndOrders) {
  OnnxGraphMaker rows;
  rows.input({-1, 28, 28}).node("Flatten", {"x"}, {"flat"}).dense("flat", 784);
  EXPECT_EQ(rows.read().input_shape, (Shape{28, 28}));
  OnnxGraphMaker last;  // height, width, channel
  last.input({-1, 4, 4, 1}).weights("w", {2, 1, 3, 3});
  last.node("Transpose", {"x"}, {"t"}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
  last.node("Conv", {"t", "w"}, {"c"});
  last.node("Transpose", {"c"}, {"u"}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  last.node("Flatten", {"u"}, {"flat"}).dense("flat", 8);
  const Model model = last.read();
  EXPECT_EQ(model.input_shape, (Shape{4, 4, 1}));
  EXPECT_EQ(types_of(model), "Reshape Conv Transpose Flatten Gemm");
  EXPECT_THAT(integers(model, 2, "perm"), ElementsAre(0, 2, 3, 1));
  OnnxGraphMaker open;
  open.input({-1, -1, -1, -1}).node("Flatten", {"x"}, {"flat"}).dense("flat", 784);
  EXPECT_EQ(open.read().input_shape, (Shape{1, 28, 28}));
  EXPECT_EQ(open.read().metadata.at("onnx.open_input"), "taken to be (1,28,28)");
}

TEST(OnnxImport, PixelsAsTheyAre) {
  OnnxGraphMaker bytes;
  bytes.input({1, 16}, OnnxType::kUint8).real("most", {}, {255});
  bytes.node("Cast", {"x"}, {"f"}, {{"to", int64_t{1}}}).node("Div", {"f", "most"}, {"s"});
  bytes.dense("s", 16);
  EXPECT_EQ(bytes.read().pixels.scale, 1.0);
  EXPECT_EQ(types_of(bytes.read()), "Div Gemm");
  OnnxGraphMaker scaled;
  scaled.input({1, 16}).real("share", {1}, {1 / 255.0F}).node("Mul", {"x", "share"}, {"s"});
  scaled.dense("s", 16);
  EXPECT_EQ(scaled.read().pixels.scale, 1.0);
  OnnxGraphMaker plain;
  plain.input({1, 16}, OnnxType::kDouble).dense("x", 16);
  EXPECT_EQ(plain.read().pixels.scale, 1.0 / 255.0);
}

// ---- layers ----

TEST(OnnxImport, ABiasThatIsAddedJoinsItsLayer) {
  for (const Shape& shape : {Shape{10}, Shape{1, 10}, Shape{}}) {
    OnnxGraphMaker graph;
    graph.input({-1, 16}).weights("w", {16, 10}).weights("b", shape);
    graph.node("MatMul", {"x", "w"}, {"m"}).node("Add", {"b", "m"}, {"y"});
    const Model model = graph.read();
    ASSERT_EQ(types_of(model), "Gemm");
    EXPECT_THAT(model.nodes[0].inputs, ElementsAre("x", "w", "b"));
    EXPECT_EQ(model.weight("b").shape, (Shape{10}));
  }
  OnnxGraphMaker used_twice;
  used_twice.input({-1, 16}).weights("w", {16, 10}).weights("b", {10});
  used_twice.node("MatMul", {"x", "w"}, {"m"}).node("Add", {"m", "b"}, {"a"});
  used_twice.node("Mul", {"m", "a"}, {"y"});
  EXPECT_EQ(types_of(used_twice.read()), "Gemm Add Mul");
}

TEST(OnnxImport, GemmsOfEveryKind) {
  OnnxGraphMaker graph;
  graph.input({-1, 16}).weights("w", {10, 16}).weights("b", {1, 10});
  graph.node("Gemm", {"x", "w", "b"}, {"y"},
             {{"alpha", 0.5F}, {"beta", 2.0F}, {"transB", int64_t{1}}, {"transA", int64_t{0}}});
  const Model model = graph.read();
  EXPECT_EQ(model.nodes[0].attributes, (std::map<std::string, Attribute>{
                                           {"alpha", 0.5}, {"beta", 2.0}, {"transB", int64_t{1}}}));
  EXPECT_EQ(model.weight("b").shape, (Shape{10}));
  graph.model.graph.nodes[0].attributes["transA"] = int64_t{1};
  EXPECT_THAT(graph.refusal(), HasSubstr("node 'Gemm_y' (Gemm): transA"));
}

TEST(OnnxImport, WhatDoesNothingInInferenceIsLeftOut) {
  OnnxGraphMaker graph;
  graph.input({-1, 1, 4, 4}).real("ratio", {}, {0.5F}).whole("pads", {8}, Shape(8, 0));
  graph.node("Identity", {"x"}, {"a"}).node("Dropout", {"a", "ratio"}, {"b", "mask"});
  graph.node("Cast", {"b"}, {"c"}, {{"to", int64_t{11}}}).node("Pad", {"c", "pads"}, {"d"});
  graph.node("Flatten", {"d"}, {"flat"}).dense("flat", 16);
  EXPECT_EQ(types_of(graph.read()), "Flatten Gemm");
}

TEST(OnnxImport, BatchNormalizationOfOldAndNewOperatorSets) {
  for (int64_t opset : {6, 7, 9, 14, 15}) {
    OnnxGraphMaker graph(opset);
    graph.input({-1, 2, 2, 2});
    for (const char* name : {"scale", "bias", "mean"}) graph.weights(name, {2});
    graph.real("var", {2}, {1, 2});
    std::map<std::string, OnnxAttribute> attributes = {{"epsilon", 1e-3F}};
    if (opset < 7) attributes["is_test"] = int64_t{1};
    if (opset < 9) attributes["spatial"] = int64_t{1};
    if (opset >= 14) attributes["training_mode"] = int64_t{0};
    graph.node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"n"}, attributes);
    graph.node("Flatten", {"n"}, {"flat"}).dense("flat", 8);
    const Model model = graph.read();
    EXPECT_EQ(types_of(model), "BatchNormalization Flatten Gemm");
    EXPECT_EQ(std::get<double>(attribute(model, 0, "epsilon")), 1e-3) << "not the float's digits";
  }
}

TEST(OnnxImport, InitializersMayBeInputsToo) {
  OnnxGraphMaker graph;
  graph.input({1, 16}).dense("x", 16);
  graph.model.graph.inputs.insert(graph.model.graph.inputs.begin(),
                                  OnnxGraphMaker::info("dense", OnnxType::kFloat, {16, 10}));
  EXPECT_EQ(graph.read().input, "x");
  graph.model.graph.inputs.push_back(OnnxGraphMaker::info("z", OnnxType::kFloat, {1, 10}));
  EXPECT_EQ(graph.read().input, "x") << "an input that nothing uses";
  graph.model.graph.nodes[0].outputs = {"m"};
  graph.node("Add", {"m", "z"}, {"y"});
  EXPECT_THAT(graph.refusal(), HasSubstr("one input expected, the network has 2: x, z"));
}

TEST(OnnxImport, SoftmaxOfOldOperatorSetsTakesAllThatFollows) {
  OnnxGraphMaker graph(12);
  graph.input({-1, 2, 5}).node("Softmax", {"x"}, {"s"}).node("Flatten", {"s"}, {"y"});
  EXPECT_EQ(types_of(graph.read()), "Flatten Softmax Reshape Flatten");
  graph.model.opsets[""] = 13;
  EXPECT_EQ(types_of(graph.read()), "Softmax Flatten");
}

TEST(OnnxImport, PartsOfActivations) {
  OnnxGraphMaker graph;
  graph.input({-1, 4, 6}).whole("two", {}, {-2}).whole("sizes", {2}, {2, 4});
  graph.node("Gather", {"x", "two"}, {"row"}, {{"axis", int64_t{1}}});  // (N,6)
  graph.node("Split", {"row", "sizes"}, {"a", "b"}, {{"axis", int64_t{-1}}});
  graph.node("Concat", {"b", "a"}, {"c"}, {{"axis", int64_t{1}}}).dense("c", 6);
  const Model model = graph.read();
  EXPECT_EQ(types_of(model), "Gather Slice Slice Concat Gemm");
  EXPECT_EQ(model.nodes[0].integer("indices", -1), -2);
  EXPECT_EQ(model.nodes[0].integer("axis", -1), 1);
  EXPECT_THAT(integers(model, 2, "ends"), ElementsAre(6));
}

TEST(OnnxImport, ValuesThatRepeat) {
  OnnxGraphMaker graph;
  graph.input({-1, 1, 2}).whole("shape", {3}, {1, 3, 1}).whole("repeats", {3}, {1, 1, 2});
  graph.node("Expand", {"x", "shape"}, {"e"}).node("Tile", {"e", "repeats"}, {"t"});
  graph.node("Flatten", {"t"}, {"flat"}).dense("flat", 12);
  const Model model = graph.read();
  EXPECT_EQ(types_of(model), "Expand Tile Flatten Gemm");
  EXPECT_THAT(integers(model, 0, "shape"), ElementsAre(3, 2));
  EXPECT_THAT(integers(model, 1, "repeats"), ElementsAre(1, 1, 2));
}

TEST(OnnxImport, ReductionsOfASingleImage) {
  OnnxGraphMaker graph;
  graph.input({1, 1, 4, 4}).node("ReduceMax", {"x"}, {"most"}, {{"keepdims", int64_t{0}}});
  graph.node("Div", {"x", "most"}, {"s"}).node("Flatten", {"s"}, {"flat"}).dense("flat", 16);
  const Model model = graph.read();
  EXPECT_THAT(integers(model, 0, "axes"), ElementsAre(1, 2, 3));
  EXPECT_THAT(model.metadata.at("onnx.batch"), HasSubstr("single image"));
  graph.model.graph.inputs[0].shape[0].value = 64;
  EXPECT_THAT(graph.refusal(), HasSubstr("works along the batch"));
}

// ---- outputs ----

TEST(OnnxImport, AClassBecomesItsScores) {
  OnnxGraphMaker graph;
  graph.input({1, 16}).weights("w", {16, 10}).node("MatMul", {"x", "w"}, {"scores"});
  graph.node("ArgMax", {"scores"}, {"class"}, {{"axis", int64_t{1}}});
  graph.node("Cast", {"class"}, {"y"}, {{"to", int64_t{2}}});
  graph.model.graph.outputs = {OnnxGraphMaker::info("y", OnnxType::kUint8, {1})};
  const Model model = graph.read();
  EXPECT_EQ(types_of(model), "Gemm");
  EXPECT_EQ(model.metadata.at("onnx.output"), "the scores before ArgMax, which is left out");
}

TEST(OnnxImport, OfSeveralOutputsTheScores) {
  OnnxGraphMaker graph;
  graph.input({1, 16}).node("Relu", {"x"}, {"features"}).dense("features", 16);
  graph.node("ArgMax", {"y"}, {"class"}, {{"axis", int64_t{1}}});
  graph.model.graph.outputs = {OnnxGraphMaker::info("class", OnnxType::kInt64, {1}),
                               OnnxGraphMaker::info("features", OnnxType::kFloat, {1, 16}),
                               OnnxGraphMaker::info("y", OnnxType::kFloat, {1, 10})};
  EXPECT_EQ(graph.read().output, "y");
  EXPECT_EQ(graph.read().metadata.at("onnx.output"), "'y', of 3 outputs");
}

TEST(OnnxImport, ClassifiersOfScikitLearn) {
  OnnxGraphMaker graph;
  graph.model.opsets["ai.onnx.ml"] = 1;
  graph.input({-1, 4}).node("LinearClassifier", {"x"}, {"label", "scores"},
                            {{"coefficients", std::vector<float>(12, 0.5F)},
                             {"intercepts", std::vector<float>{1, 2, 3}},
                             {"post_transform", std::string("LOGISTIC")},
                             {"classlabels_strings", std::vector<std::string>{"a", "b", "c"}}},
                            "ai.onnx.ml");
  graph.node("ZipMap", {"scores"}, {"y"}, {}, "ai.onnx.ml");
  graph.model.graph.outputs = {OnnxGraphMaker::info("label", OnnxType::kString, {-1}),
                               OnnxValueInfo()};
  graph.model.graph.outputs[1].name = "y";  // a list of tables
  const Model model = graph.read();
  EXPECT_EQ(types_of(model), "Gemm Sigmoid");
  EXPECT_THAT(model.class_names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(model.weight("LinearClassifier_label.coefficients").shape, (Shape{3, 4}));
  graph.model.graph.outputs.pop_back();
  EXPECT_EQ(types_of(graph.read()), "Gemm Sigmoid") << "the label alone";
}

TEST(OnnxImport, NamesOfClassesInTheMetadata) {
  for (const char* text : {R"(["a", "b, c"])", "{0: 'a', 1: 'b, c'}", "['a', \"b, c\"]",
                           R"({"1": "b, c", "0": "a"})"}) {
    OnnxGraphMaker graph;
    graph.input({-1, 4}).weights("w", {4, 2}).node("MatMul", {"x", "w"}, {"y"});
    graph.model.metadata = {{"author", "me"}, {"names", text}};
    const Model model = graph.read();
    EXPECT_THAT(model.class_names, ElementsAre("a", "b, c")) << text;
    EXPECT_EQ(model.metadata.at("author"), "me");
    EXPECT_EQ(model.metadata.at("names"), text);
  }
}

// ---- numbers ----

TEST(OnnxImport, WeightsOfEveryType) {
  const std::vector<uint16_t> half = {0x3c00, 0xc000, 0, 0, 0, 0, 0, 0, 0, 0};  // 1, -2
  const std::vector<uint16_t> brain = {0x3f80, 0xc000, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<double> wide = {1, -2, 0, 0, 0, 0, 0, 0, 0, 0};
  OnnxGraphMaker graphs[3];
  graphs[0].tensor("b", OnnxType::kFloat16, {10}, half);
  graphs[1].tensor("b", OnnxType::kBfloat16, {10}, brain);
  graphs[2].tensor("b", OnnxType::kDouble, {10}, wide);
  for (OnnxGraphMaker& graph : graphs) {
    graph.input({-1, 10}).node("Cast", {"b"}, {"c"}, {{"to", int64_t{1}}});
    graph.node("Add", {"x", "c"}, {"y"});
    const Model model = graph.read();
    ASSERT_EQ(types_of(model), "Add");
    EXPECT_EQ(model.weight(model.nodes[0].inputs[1]).values[0], 1.0F);
    EXPECT_EQ(model.weight(model.nodes[0].inputs[1]).values[1], -2.0F);
  }
}

TEST(OnnxImport, QuantizedWeightsBecomeFloats) {
  OnnxGraphMaker graph;
  graph.input({-1, 2}).tensor("q", OnnxType::kInt8, {2, 10}, std::vector<int8_t>(20, -3));
  graph.real("scale", {2}, {0.5F, 2})
      .tensor("zero", OnnxType::kInt8, {2}, std::vector<int8_t>{1, -1});
  graph.node("DequantizeLinear", {"q", "scale", "zero"}, {"w"}, {{"axis", int64_t{0}}});
  graph.node("MatMul", {"x", "w"}, {"y"});
  const Model model = graph.read();
  ASSERT_EQ(types_of(model), "Gemm");
  const std::vector<float>& values = model.weight("w").values;
  EXPECT_EQ(values[0], -2.0F);   // (-3 - 1) / 2
  EXPECT_EQ(values[10], -4.0F);  // (-3 + 1) * 2
}

TEST(OnnxImport, WeightsThatTheGraphRearranges) {
  OnnxGraphMaker graph;
  graph.input({-1, 3}).real("flat", {6}, {1, 2, 3, 4, 5, 6}).whole("shape", {2}, {2, -1});
  graph.node("Reshape", {"flat", "shape"}, {"r"});
  graph.node("Transpose", {"r"}, {"w"}, {{"perm", std::vector<int64_t>{1, 0}}});
  graph.node("MatMul", {"x", "w"}, {"y"});
  const Model model = graph.read();
  EXPECT_EQ(model.weight("w").shape, (Shape{3, 2}));
  EXPECT_THAT(model.weight("w").values, ElementsAre(1, 4, 2, 5, 3, 6));
}

// ---- refusals ----

TEST(OnnxImport, WhatCannotBeRunIsRefusedByName) {
  const auto refusal = [](const std::string& type, const std::string& domain,
                          const std::map<std::string, OnnxAttribute>& attributes) {
    OnnxGraphMaker graph;
    graph.model.opsets["com.microsoft"] = 1;
    graph.input({-1, 10}).node(type, {"x"}, {"y"}, attributes, domain);
    return graph.refusal();
  };
  EXPECT_THAT(refusal("LSTM", "", {}),
              HasSubstr("net.onnx: node 'LSTM_y' (LSTM): an input (steps, images, features)"));
  EXPECT_THAT(refusal("NonZero", "", {}),
              HasSubstr("net.onnx: node 'y' (NonZero): this operator is not known"));
  EXPECT_THAT(refusal("Relux", "", {}), HasSubstr("did you mean Relu?"));
  EXPECT_THAT(
      refusal("Attention", "com.microsoft", {}),
      HasSubstr("node 'Attention_y' (Attention): operators of the domain 'com.microsoft' are "
                "not known"));
  EXPECT_THAT(refusal("Conv", "com.microsoft.nchwc", {}), HasSubstr("without ORT_ENABLE_ALL"));
}

TEST(OnnxImport, CirclesAndMissingValuesAreRefused) {
  OnnxGraphMaker circle;
  circle.input({-1, 10}).node("Add", {"x", "b"}, {"a"}).node("Relu", {"a"}, {"b"});
  circle.node("Relu", {"b"}, {"y"});
  EXPECT_THAT(circle.refusal(), HasSubstr("part of a circle"));
  OnnxGraphMaker missing;
  missing.input({-1, 10}).node("Add", {"x", "nothing"}, {"y"});
  EXPECT_THAT(missing.refusal(), HasSubstr("value 'nothing' is used but never made"));
  OnnxGraphMaker constant;
  constant.input({-1, 10}).weights("w", {10}).node("Relu", {"x"}, {"r"});
  constant.node("Neg", {"w"}, {"y"});
  EXPECT_THAT(constant.refusal(), HasSubstr("one input expected, the network has 0"));
}

TEST(OnnxImport, NodesOfEveryOrderAreSorted) {
  OnnxGraphMaker graph;
  graph.input({-1, 10}).node("Relu", {"b"}, {"y"}).node("Neg", {"x"}, {"a"});
  graph.node("Abs", {"a"}, {"b"});
  EXPECT_EQ(types_of(graph.read()), "Neg Abs Relu");
}

}  // namespace
}  // namespace mnist
