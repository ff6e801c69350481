// Networks that other programs describe in their own words, run: the numbers are those programs'.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/inference.h"
#include "formats/onnx/onnx_test_support.h"
#include "formats/protobuf.h"
#include "formats/torch_recurrent.h"

namespace mnist {
namespace {

using testing::FloatNear;
using testing::Pointwise;

constexpr float kTolerance = 1e-5F;

std::vector<float> outputs_of(const Model& model, const std::vector<float>& inputs) {
  ThreadPool threads(1);
  Inference inference(model, threads, false);
  std::vector<float> outputs(inference.output_elements());
  const float* image = inputs.data();
  inference.run_inputs({&image, 1}, outputs.data());
  return outputs;
}

void expect_outputs(const Model& model, const std::vector<float>& inputs,
                    const std::vector<float>& wanted) {
  EXPECT_THAT(outputs_of(model, inputs), Pointwise(FloatNear(kTolerance), wanted));
}

// ---- recurrent layers: PyTorch 1.13's numbers ----

// ((7 i + 3 number) mod 11 - 5) / 10
Tensor pattern(const Shape& shape, size_t number) {
  Tensor tensor{shape, {}};
  for (size_t i = 0; i < element_count(shape); ++i) {
    tensor.values.push_back(static_cast<float>(static_cast<int>((7 * i + 3 * number) % 11) - 5) /
                            10);
  }
  return tensor;
}

// Three steps of two features to two units, all states in a row.
void expect_states(TorchRecurrent module, int64_t gates, const std::vector<float>& wanted) {
  const int64_t directions = module.is_bidirectional ? 2 : 1;
  for (size_t layer = 0; layer < module.layers; ++layer) {
    const int64_t features = layer == 0 ? 2 : 2 * directions;
    for (int64_t direction = 0; direction < directions; ++direction) {
      for (const Shape& shape :
           {Shape{2 * gates, features}, Shape{2 * gates, 2}, Shape{2 * gates}, Shape{2 * gates}}) {
        module.weights.push_back(pattern(shape, module.weights.size()));
      }
    }
  }
  module.name = "rnn";
  GraphBuilder graph("test", "input", {3, 2});
  const TorchRecurrentOutput output = add_torch_recurrent(graph, module, "input");
  const std::string list = graph.add_node("Flatten", "list", {output.sequence});
  expect_outputs(std::move(graph).finish(list), {1, -1, 0.5, 0.25, -0.75, 2}, wanted);
}

TEST(ForeignNetworks, RecurrentLayersGivePyTorchsStates) {
  expect_states({.cell = RecurrentCell::kLstm}, 4,
                {-0.223216F, 0.022568F, -0.235169F, -0.055819F, 0.062161F, -0.172893F});
  expect_states({.cell = RecurrentCell::kGru}, 3,
                {-0.32751F, 0.169911F, -0.447256F, 0.072232F, 0.14878F, -0.310262F});
  expect_states({.cell = RecurrentCell::kSimple}, 1,
                {-0.197375F, -0.761594F, -0.041299F, -0.066162F, 0.848334F, 0.699192F});
  expect_states({.cell = RecurrentCell::kSimple, .function = "Relu"}, 1,
                {0, 0, 0.3F, 0, 1.215F, 0.88F});
}

TEST(ForeignNetworks, LayersUponEachOtherInBothDirectionsGivePyTorchsStates) {
  expect_states({.cell = RecurrentCell::kLstm, .layers = 2, .is_bidirectional = true}, 4,
                {-0.037774F, 0.040209F, 0.060289F, -0.235629F, -0.026856F, 0.03038F, 0.093815F,
                 -0.221855F, 0.000337F, 0.035708F, 0.081956F, -0.169317F});
}

TEST(ForeignNetworks, RecurrentWeightsThatDoNotFitAreRefused) {
  GraphBuilder graph("test", "input", {3, 2});
  TorchRecurrent module{.name = "rnn", .has_bias = false};
  module.weights = {pattern({8, 3}, 0), pattern({8, 2}, 1)};
  EXPECT_EQ(error_of([&] { add_torch_recurrent(graph, module, "input"); }),
            "test: 'rnn.l0': its weights has the shape (8,3), (8,2) expected");
  module.weights.pop_back();
  EXPECT_EQ(error_of([&] { add_torch_recurrent(graph, module, "input"); }),
            "test: 'rnn': weights for each of its layers expected");
  GraphBuilder longer("test", "input", {kMostSteps + 1, 2});
  module.weights = {pattern({8, 2}, 0), pattern({8, 2}, 1)};
  EXPECT_EQ(error_of([&] { add_torch_recurrent(longer, module, "input"); }),
            "test: 'rnn.l0': 1025 steps, at most 1024 are read");
}

// ---- ONNX ----

TEST(ForeignNetworks, OnnxRecurrentLayersWithTheImagesAlongTheSecondAxis) {
  // One LSTM of two units whose only weights are biases: i, o, f, c of ONNX are sigmoid(0.1, 0.2),
  // sigmoid(0.3, 0.4), sigmoid(0.5, 0.6), tanh(0.7, 0.8).
  OnnxGraphMaker graph;
  graph.input({-1, 2, 3}).real("w", {1, 8, 3}, std::vector<float>(24));
  graph.real("r", {1, 8, 2}, std::vector<float>(16));
  graph.real("b", {1, 16}, {.1F, .2F, .3F, .4F, .5F, .6F, .7F, .8F, 0, 0, 0, 0, 0, 0, 0, 0});
  graph.node("Transpose", {"x"}, {"t"}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
  graph.node("LSTM", {"t", "w", "r", "b"}, {"all", "last"}, {{"hidden_size", int64_t{2}}});
  graph.whole("axis", {1}, {0}).node("Squeeze", {"last", "axis"}, {"s"});
  graph.real("d", {2, 2}, {1, 0, 0, 1}).node("MatMul", {"s", "d"}, {"y"});
  // memory = i c, then f memory + i c; state = o tanh(memory)
  expect_outputs(graph.read(), {1, 2, 3, 4, 5, 6}, {0.272089F, 0.321885F});
}

// A message that a model has beside what OnnxGraphMaker says.
std::vector<std::byte> with_function(const OnnxGraphMaker& graph, const ProtobufWriter& function) {
  ProtobufWriter extra;
  extra.message(25, function);
  std::vector<std::byte> bytes = graph.bytes();
  const auto more = std::as_bytes(std::span<const char>(extra.content()));
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

TEST(ForeignNetworks, OnnxFunctionsTakeThePlacesOfTheirCalls) {
  // Leaky(a; slope) = LeakyRelu(Neg(a); alpha = slope)
  ProtobufWriter negative;
  negative.text(1, "a");
  negative.text(2, "b");
  negative.text(4, "Neg");
  ProtobufWriter alpha;
  alpha.text(1, "alpha");
  alpha.integer(20, 1);
  alpha.text(21, "slope");
  ProtobufWriter leaky;
  leaky.text(1, "b");
  leaky.text(2, "c");
  leaky.text(4, "LeakyRelu");
  leaky.message(5, alpha);
  ProtobufWriter opset;
  opset.integer(2, 17);
  ProtobufWriter function;
  function.text(1, "Leaky");
  function.text(4, "a");
  function.text(5, "c");
  function.text(6, "slope");
  function.message(7, negative);
  function.message(7, leaky);
  function.message(9, opset);
  function.text(10, "own");
  OnnxGraphMaker graph;
  graph.model.opsets["own"] = 1;
  graph.input({-1, 3}).node("Leaky", {"x"}, {"m"}, {{"slope", 0.5F}}, "own");
  graph.node("Leaky", {"m"}, {"y"}, {{"slope", 0.25F}}, "own");
  const Model model = read_model(with_function(graph, function), "net.onnx");
  EXPECT_EQ(types_of(model), "Neg LeakyRelu Neg LeakyRelu");
  expect_outputs(model, {1, -2, 3}, {0.5F, -0.5F, 1.5F});
}

TEST(ForeignNetworks, AnOnnxIfWithAKnownConditionIsItsBranch) {
  const auto branch = [](const char* type, const char* output) {
    auto graph = std::make_shared<OnnxGraph>();
    graph->nodes.push_back({output, type, "", {"x"}, {output}, {}});
    graph->outputs = {OnnxGraphMaker::info(output, OnnxType::kFloat, {-1, 3})};
    return OnnxSubgraph(graph);
  };
  OnnxGraphMaker graph;
  graph.input({-1, 3}).whole("one", {}, {1}).whole("three", {}, {3});
  graph.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "one"}, {"extent"});
  graph.node("Equal", {"extent", "three"}, {"is_three"});
  graph.node("If", {"is_three"}, {"y"},
             {{"then_branch", branch("Relu", "t")}, {"else_branch", branch("Neg", "e")}});
  const Model model = graph.read();
  EXPECT_EQ(types_of(model), "Relu");
  OnnxGraphMaker open = graph;
  open.model.graph.nodes.back().inputs = {"x"};
  EXPECT_THAT(open.refusal(), testing::HasSubstr("its condition depends on the image"));
}

TEST(ForeignNetworks, OnnxDynamicQuantisationRoundsByTheImagesRange) {
  OnnxGraphMaker graph;
  std::vector<int8_t> weights;
  for (int i = 0; i < 12; ++i) weights.push_back(static_cast<int8_t>(20 * i - 110));
  graph.input({-1, 4}).tensor("w", OnnxType::kInt8, {4, 3}, weights);
  graph.tensor("zero", OnnxType::kInt8, {}, std::vector<int8_t>{3}).real("unit", {}, {0.01F});
  graph.node("DynamicQuantizeLinear", {"x"}, {"q", "scale", "z"});
  graph.node("MatMulInteger", {"q", "w", "z", "zero"}, {"m"});
  graph.node("Cast", {"m"}, {"c"}, {{"to", int64_t{1}}}).node("Mul", {"scale", "unit"}, {"s"});
  graph.node("Mul", {"c", "s"}, {"y"});
  const Model model = graph.read();
  // ONNX Runtime 1.31's; without rounding it would be 0.37375, 1.0237, 1.6737.
  expect_outputs(model, {0.5F, -0.25F, 2, 1}, {0.370853F, 1.022029F, 1.673206F});
  expect_outputs(model, {0, 0, 0, 0}, {0, 0, 0});
}

TEST(ForeignNetworks, OnnxBlocksOfPixelsBecomeChannelsAndBack) {
  const auto rearranged = [](const char* type, const char* mode, const Shape& shape) {
    OnnxGraphMaker graph;
    std::map<std::string, OnnxAttribute> attributes = {{"blocksize", int64_t{2}}};
    if (*mode != '\0') attributes["mode"] = std::string(mode);
    graph.input(shape).node(type, {"x"}, {"d"}, attributes).node("Flatten", {"d"}, {"y"});
    return graph.read();
  };
  const std::vector<float> eight = {0, 1, 2, 3, 4, 5, 6, 7};
  expect_outputs(rearranged("DepthToSpace", "DCR", {-1, 8, 1, 1}), eight, {0, 2, 4, 6, 1, 3, 5, 7});
  expect_outputs(rearranged("DepthToSpace", "CRD", {-1, 8, 1, 1}), eight, eight);
  expect_outputs(rearranged("SpaceToDepth", "", {-1, 1, 2, 4}), eight, {0, 2, 1, 3, 4, 6, 5, 7});
}

TEST(ForeignNetworks, OnnxProductsByLetters) {
  OnnxGraphMaker graph;
  graph.input({-1, 4}).weights("w", {2, 4});
  graph.node("Einsum", {"x", "w"}, {"y"}, {{"equation", std::string("bi, oi -> bo")}});
  expect_outputs(graph.read(), {0.5F, -0.25F, 2, 1}, {-0.9075F, -0.7775F});
  OnnxGraphMaker sum;
  sum.input({-1, 4}).weights("w", {2, 4});
  sum.node("Einsum", {"x", "w"}, {"y"}, {{"equation", std::string("bi,oi->b")}});
  EXPECT_THAT(sum.refusal(), testing::HasSubstr("'bi,oi->b': a matrix product expected"));
}

TEST(ForeignNetworks, OnnxConvolutionsOfRows) {
  OnnxGraphMaker graph;
  graph.input({-1, 1, 4}).real("k", {1, 1, 2}, {1, -1});
  graph.node("Conv", {"x", "k"}, {"c"}, {{"pads", std::vector<int64_t>{1, 0}}});
  graph.node("MaxPool", {"c"}, {"p"},
             {{"kernel_shape", std::vector<int64_t>{2}}, {"strides", std::vector<int64_t>{2}}});
  graph.node("Flatten", {"p"}, {"y"});
  expect_outputs(graph.read(), {1, 3, 2, 7}, {-1, 1});
}

}  // namespace
}  // namespace mnist
