#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "formats/format_list.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As serde writes it: pretty, with what the backward pass kept.
constexpr char kConvolutional[] = R"({
  "layers": [
    {
      "Conv": {
        "in_channels": 1,
        "out_channels": 2,
        "kernel_size": [
          2,
          2
        ],
        "stride": 1,
        "kernels_mat": {
          "v": 1,
          "dim": [2, 4],
          "data": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5]
        },
        "b": {"v": 1, "dim": [2], "data": [0.1, -0.2]},
        "last_input": {"v": 1, "dim": [1, 1, 1], "data": [0.0]},
        "k_grad": null,
        "b_grad": null
      }
    },
    {"ReLU": {"last_input": null}},
    {"Pool": {"pool_size": [2, 2], "last_input_max_mask": null}},
    {"Flatten": {"last_input": null}},
    {"FC": {"input_size": 8, "output_size": 2,
            "weights": {"v": 1, "dim": [8, 2],
                        "data": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]},
            "bias": {"v": 1, "dim": [2], "data": [0.5, 0.25]}, "w_grad": null}},
    {"Softmax": {"last_output": null}}
  ]
}
)";

constexpr char kDense[] =
    R"({"layers":[{"FC":{"input_size":2,"output_size":3,)"
    R"("weights":{"v":1,"dim":[2,3],"data":[1,2,3,4,5,6]},"bias":{"v":1,"dim":[3],"data":[7,8,9]}}}]})";

Model read(const std::string& text) {
  return read_model(std::as_bytes(std::span(text.data(), text.size())), "x.json");
}

std::string written(const Model& model) {
  return std::string(as_text(model_bytes(model, "x.rsnet.json")));
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(RustJson, AConvolutionalNetworkIsRead) {
  const Model model = read(kConvolutional);
  // 5 - 2 + 1 = 4, pooled 2, 2 channels of 2x2 are the 8 that FC reads.
  EXPECT_EQ(model.input_shape, (Shape{1, 5, 5}));
  std::vector<std::string> types;
  for (const Node& node : model.nodes) types.push_back(node.type);
  EXPECT_THAT(types, ElementsAre("Conv", "Relu", "MaxPool", "Flatten", "Gemm", "Softmax"));
  EXPECT_EQ(model.weight("conv1.weight").shape, (Shape{2, 1, 2, 2}));
  EXPECT_THAT(model.weight("conv1.weight").values, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8.5F));
  EXPECT_THAT(model.weight("conv1.bias").values, ElementsAre(0.1F, -0.2F));
  EXPECT_EQ(model.weight("fc1.weight").shape, (Shape{2, 8}));
  EXPECT_THAT(model.weight("fc1.weight").values,
              ElementsAre(1, 3, 5, 7, 9, 11, 13, 15, 2, 4, 6, 8, 10, 12, 14, 16));
  EXPECT_THAT(model.weight("fc1.bias").values, ElementsAre(0.5F, 0.25F));
}

TEST(RustJson, TheSizeOfImagesIsTheUsualOneWhereItFits) {
  EXPECT_EQ(read(kDense).input_shape, (Shape{2}));
  const std::string six =
      changed(changed(changed(kConvolutional, "\"input_size\": 8", "\"input_size\": 6"), "[8, 2]",
                      "[6, 2]"),
              ", 13, 14, 15, 16", "");
  EXPECT_THAT(error_of([&] { read(six); }), HasSubstr("x.json: at /layers: there is no size of"));
  const Model flat =
      read(changed(kDense, R"([{"FC")", R"([{"Flatten":{}},{"ReLU":{}},{"FC")").replace(0, 0, " "));
  EXPECT_EQ(flat.input_shape, (Shape{2}));
}

// {"v": 1, "dim": ..., "data": zeros}
std::string zeros(const std::string& dim, int count) {
  std::string data = "0";
  for (int i = 1; i < count; ++i) data += ",0";
  return fmt::format(R"({{"v":1,"dim":{},"data":[{}]}})", dim, data);
}

TEST(RustJson, PoolingLeavesOutWhatFillsNoWindow) {
  const std::string conv =
      fmt::format(R"({{"Conv":{{"in_channels":1,"out_channels":1,"kernel_size":[3,3],"stride":1,)"
                  R"("kernels_mat":{},"b":{}}}}})",
                  zeros("[1,9]", 9), zeros("[1]", 1));
  const std::string pool = R"({"Pool":{"pool_size":[2,2]}})";
  const std::string dense =
      fmt::format(R"({{"FC":{{"input_size":25,"output_size":1,"weights":{},"bias":{}}}}})",
                  zeros("[25,1]", 25), zeros("[1]", 1));
  // 26 and 28 meet: 28 - 2 = 26, pooled 13, - 2 = 11, pooled 5 of which one row is left out.
  const Model model = read(
      fmt::format(R"({{"layers":[{0},{1},{0},{1},{{"Flatten":{{}}}},{2}]}})", conv, pool, dense));
  EXPECT_EQ(model.input_shape, (Shape{1, 28, 28}));
}

TEST(RustJson, LayersWithoutMembersMayBeNamesAlone) {
  const std::string text =
      changed(kDense, R"("layers":[{"FC")", R"("layers":["Flatten","ReLU",{"FC")");
  EXPECT_EQ(read(text).nodes.size(), 3U);
  EXPECT_THAT(error_of([&] { read(changed(text, "\"ReLU\"", "\"Conv\"")); }),
              HasSubstr("x.json: at /layers/1: 'Conv' without its members"));
}

TEST(RustJson, WhatItSaysComesBack) {
  for (const char* text : {kConvolutional, kDense}) {
    const Model model = read(text);
    const Model again = read(written(model));
    EXPECT_EQ(again.input_shape, model.input_shape);
    expect_same_values(again, model);
    EXPECT_EQ(again.nodes.back().type, "Softmax");
    EXPECT_EQ(written(again), written(model));
  }
  for (const char* name : {"mnist-fc", "mnist-mlp"}) {
    const Model model = random_model(name);
    const Model again = read(written(model));
    EXPECT_EQ(again.input_shape, model.input_shape);
    expect_same_values(again, model);
  }
}

TEST(RustJson, ItIsToldFromOtherJson) {
  const auto format_of = [](const std::string& text) -> std::string {
    for (const Format* format : formats()) {
      if (format->recognises(std::as_bytes(std::span(text.data(), text.size())))) {
        return format->name;
      }
    }
    return "";
  };
  EXPECT_EQ(format_of(kConvolutional), "rsnet");
  EXPECT_EQ(format_of(kDense), "rsnet");
  EXPECT_EQ(format_of(std::string(as_text(model_bytes(random_model("mnist-fc"), "x.json")))),
            "json");
  EXPECT_NE(format_of(R"({"layers": []})"), "rsnet");
  EXPECT_NE(format_of(R"({"format": "layers-model", "modelTopology": {}})"), "rsnet");
}

TEST(RustJson, AnotherScalingOfPixelsGoesIntoTheFirstLayer) {
  Model model = read(kDense);
  model.pixels = {2.0 / 255.0, 1.0};
  const Model again = read(written(model));
  EXPECT_THAT(again.weight("fc1.weight").values, ElementsAre(2, 8, 4, 10, 6, 12));
  EXPECT_THAT(again.weight("fc1.bias").values, ElementsAre(12, 15, 18));
  model.nodes.insert(model.nodes.begin(), {"Relu", "r", {"input"}, {"r"}, {}});
  model.nodes[1].inputs[0] = "r";
  EXPECT_THAT(error_of([&] { written(model); }), HasSubstr("node 'r' (Relu): pixels that are not"));
}

TEST(RustJson, NetworksThatItCannotSayAreRefusedByNode) {
  const auto refusal = [](const std::string& name) {
    return error_of([&] { written(random_model(name)); });
  };
  EXPECT_THAT(refusal("mnist-cnn"), HasSubstr("node 'conv1' (Conv): has padding"));
  EXPECT_THAT(refusal("mnist-keras-cnn"), HasSubstr("node 'pool2' (MaxPool): square windows"));
  Model model = read(kDense);
  model.nodes.push_back({"Sigmoid", "s", {model.output}, {"s"}, {}});
  model.output = "s";
  EXPECT_THAT(error_of([&] { written(model); }),
              HasSubstr("node 's' (Sigmoid): the Rust network has no such layer"));
}

TEST(RustJson, MistakesAreNamedWithTheirPlace) {
  const auto refusal = [](const std::string& from, const std::string& to) {
    return error_of([&] { read(changed(kConvolutional, from, to)); });
  };
  EXPECT_THAT(refusal("[2, 4]", "[2, 5]"),
              HasSubstr("x.json: at /layers/0/Conv/kernels_mat/dim: [2, 4] expected"));
  EXPECT_THAT(refusal("7.0, 8.5", "7.0"), HasSubstr("kernels_mat/data: 8 numbers expected, got 7"));
  EXPECT_THAT(refusal("8.5", "1e39"), HasSubstr("value 7: a number in float32's range expected"));
  EXPECT_THAT(refusal("8.5", "null"), HasSubstr("value 7: a number in float32's range expected"));
  EXPECT_THAT(refusal("\"v\": 1", "\"v\": 2"), HasSubstr("version 1 of ndarray's arrays expected"));
  EXPECT_THAT(refusal("\"stride\": 1", "\"stride\": 0"), HasSubstr("Conv/stride: 1 to 1024"));
  EXPECT_THAT(refusal("\"in_channels\": 1", "\"in_channels\": 9223372036854775807"),
              HasSubstr("/layers/0/Conv/in_channels: 1 to 1048576 expected"));
  EXPECT_THAT(refusal("\"in_channels\": 1", "\"in_channels\": 1048576"),
              HasSubstr("[2, 4194304] expected"));
  EXPECT_THAT(refusal("[2, 2], \"last", "[2, 3], \"last"), HasSubstr("a square expected"));
  EXPECT_THAT(refusal("{\"ReLU\": {\"last_input\": null}}", "{\"GELU\": {}}"),
              HasSubstr("at /layers/1: unknown layer 'GELU': Conv, ReLU, Pool"));
  EXPECT_THAT(refusal("{\"ReLU\": {\"last_input\": null}}", "{\"ReLU\": {}, \"FC\": {}}"),
              HasSubstr("at /layers/1: one layer"));
  EXPECT_THAT(refusal("\"input_size\": 8", "\"input_size\": 7"), HasSubstr("[7, 2] expected"));
  EXPECT_THAT(refusal("\"bias\"", "\"bios\""), HasSubstr("the key 'bias' is missing"));
  EXPECT_THAT(refusal("\"Softmax\": {\"last_output\": null}}", "\"FC\": 3}"),
              HasSubstr("at /layers/5/FC: an object expected"));
  EXPECT_THAT(error_of([] { read("{\"layers\":[{\"ReLU\":{}}]}"); }),
              HasSubstr("no layer has weights"));
  std::string many = "{\"layers\":[{\"ReLU\":{}}";
  for (int i = 0; i < 1'000; ++i) many += ",{\"ReLU\":{}}";
  EXPECT_THAT(error_of([&] { read(many + "]}"); }), HasSubstr("at most 1000 layers"));
}

TEST(RustJson, TruncatedAnywhereIsRefused) {
  const std::string text = kConvolutional;
  for (size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_THROW(read(text.substr(0, length)), Error) << length;
  }
}

TEST(RustJson, AnyBitFlippedIsReadOrRefused) {
  std::string text = kConvolutional;
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    const char mask = static_cast<char>(1 << (bit % 8));
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ mask);
    try {
      read(text);
    } catch (const Error&) {
    }
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ mask);
  }
}

}  // namespace
}  // namespace mnist
