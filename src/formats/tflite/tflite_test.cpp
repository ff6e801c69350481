#include <gtest/gtest.h>

#include <chrono>

#include "formats/test_support.h"
#include "formats/tflite/tflite_test_support.h"

namespace mnist {
namespace {

constexpr int32_t kAveragePool = 1, kConv = 3, kDequantize = 6, kDense = 9, kMul = 18,
                  kReshape = 22, kSoftmax = 25, kCall = 31, kLstm = 44;
constexpr auto kF32 = TfliteType::kFloat32;

// A convolution of two filters, a fused ReLU and a dense layer, with a batch of one.
std::string small_net() {
  TfliteWriter writer;
  const int32_t input = writer.tensor("serving_input:0", {1, 2, 2, 1}, kF32);
  const int32_t kernel = writer.tensor<float>("net/conv/Conv2D", {2, 1, 1, 1}, kF32, {2, 3});
  const int32_t bias = writer.tensor<float>("arith.constant", {2}, kF32, {0.5F, -0.5F});
  const int32_t planes = writer.tensor("net/conv/Relu;net/conv/BiasAdd", {1, 2, 2, 2}, kF32);
  const int32_t shape = writer.tensor<int32_t>("shape", {2}, TfliteType::kInt32, {-1, 8});
  const int32_t vector = writer.tensor("flat", {1, 8}, kF32);
  const int32_t weights = writer.tensor<float>("arith.constant1", {2, 8}, kF32,
                                               {1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 0, 0, 0, 0, 0});
  const int32_t scores = writer.tensor("scores", {1, 2}, kF32);
  const int32_t output = writer.tensor("output", {1, 2}, kF32);
  FlatTable conv;
  conv.number(0, int8_t{1}).number(1, 1).number(2, 1).number(3, int8_t{1});
  writer.op(kConv, {input, kernel, bias}, {planes}, 1, conv);
  writer.op(kReshape, {planes, shape}, {vector});
  writer.op(kDense, {vector, weights, -1}, {scores}, 8, FlatTable().number(0, int8_t{0}));
  writer.op(kSoftmax, {scores}, {output}, 9, FlatTable().number(0, 1.0F));
  return writer.file(input, output);
}

TEST(Tflite, TurnsKernelsAndFeaturesToTheDocumentsOrder) {
  const Model model = read_tflite_text(small_net());
  EXPECT_EQ(model.input_shape, (Shape{1, 2, 2}));
  ASSERT_EQ(model.nodes.size(), 5U);
  EXPECT_EQ(model.nodes[0].type, "Conv");
  EXPECT_EQ(model.nodes[0].name, "net/conv/Relu");
  EXPECT_EQ(model.nodes[1].type, "Relu");
  EXPECT_EQ(model.nodes[2].type, "Flatten");
  EXPECT_EQ(model.nodes[3].type, "Gemm");
  EXPECT_EQ(model.nodes[4].type, "Softmax");
  EXPECT_EQ(model.weight("net/conv/Conv2D").values, (std::vector<float>{2, 3}));
  EXPECT_EQ(model.weight("net/conv/Relu/bias").values, (std::vector<float>{0.5F, -0.5F}));
  // The first row, whose columns were in the order (H,W,C).
  const std::vector<float>& rows = model.weight("scores/kernel").values;
  EXPECT_EQ(std::vector<float>(rows.begin(), rows.begin() + 8),
            (std::vector<float>{1, 3, 5, 7, 2, 4, 6, 8}));
}

// A dense layer of one input whose weights are given, and a second operator in front of it.
std::string dense_net(TfliteType type, const std::vector<int8_t>& weights,
                      const FlatTable& quantization) {
  TfliteWriter writer;
  const int32_t input = writer.tensor("x", {1, 1}, kF32);
  const int32_t kernel = writer.tensor("kernel", {2, 1}, type, weights, quantization);
  const int32_t output = writer.tensor("y", {1, 2}, kF32);
  writer.op(kDense, {input, kernel}, {output});
  return writer.file(input, output);
}

TEST(Tflite, DequantizesWeights) {
  const auto values = [](TfliteType type, const std::vector<int8_t>& stored,
                         const FlatTable& quantization) {
    return read_tflite_text(dense_net(type, stored, quantization)).weight("kernel").values;
  };
  EXPECT_EQ(values(TfliteType::kInt8, {-2, 4}, TfliteWriter::quantization({0.5F}, {2})),
            (std::vector<float>{-2, 1}));
  EXPECT_EQ(values(TfliteType::kInt8, {-2, 4}, TfliteWriter::quantization({0.5F, 2.0F}, {0, 0})),
            (std::vector<float>{-1, 8}));
  EXPECT_EQ(values(TfliteType::kUint8, {-1, 4}, TfliteWriter::quantization({1.0F}, {128})),
            (std::vector<float>{127, -124}));
  EXPECT_EQ(values(TfliteType::kInt4, {0x3e}, TfliteWriter::quantization({1.0F}, {0})),
            (std::vector<float>{-2, 3}));
  EXPECT_EQ(values(TfliteType::kFloat16, {0, 0x3c, 0, 0x40}, {}), (std::vector<float>{1, 2}));
  EXPECT_NE(error_of([&] {
              values(TfliteType::kInt8, {1, 2}, TfliteWriter::quantization({1, 1, 1}, {}));
            }).find("tensor 'kernel': 3 scales for the shape (2,1)"),
            std::string::npos);
}

TEST(Tflite, ReadsFloat16WeightsThroughDequantize) {
  TfliteWriter writer;
  const int32_t input = writer.tensor("x", {1, 1}, kF32);
  const int32_t half = writer.tensor<uint16_t>("half", {1, 1}, TfliteType::kFloat16, {0x4000});
  const int32_t kernel = writer.tensor("kernel", {1, 1}, kF32);
  const int32_t output = writer.tensor("y", {1, 1}, kF32);
  writer.op(kDequantize, {half}, {kernel});
  writer.op(kDense, {input, kernel}, {output});
  const Model model = read_tflite_text(writer.file(input, output));
  EXPECT_EQ(model.weight("kernel").values, (std::vector<float>{2}));
}

TEST(Tflite, RoundsQuantizedActivationsAndTellsPixels) {
  TfliteWriter writer;
  const FlatTable pixels = TfliteWriter::quantization({0.5F}, {-126});
  const int32_t input = writer.tensor<float>("x", {1, 2}, TfliteType::kInt8, {}, pixels);
  const int32_t kernel = writer.tensor<int8_t>("kernel", {1, 2}, TfliteType::kInt8, {1, 1},
                                               TfliteWriter::quantization({1.0F}, {0}));
  const int32_t output = writer.tensor<float>("y", {1, 1}, TfliteType::kInt8, {},
                                              TfliteWriter::quantization({0.25F}, {3}));
  writer.op(kDense, {input, kernel}, {output});
  const Model model = read_tflite_text(writer.file(input, output));
  EXPECT_EQ(model.pixels.scale, 0.5);
  EXPECT_EQ(model.pixels.offset, -1.0);
  ASSERT_EQ(model.nodes.size(), 5U);
  EXPECT_EQ(model.nodes[0].type, "QuantizeLinear");
  EXPECT_EQ(model.nodes[0].text("to", ""), "int8");
  EXPECT_EQ(model.nodes[4].type, "DequantizeLinear");
  EXPECT_EQ(model.weight(model.nodes[4].inputs[2]).values, (std::vector<float>{3}));
}

TEST(Tflite, RefusesByName) {
  const auto refusal = [](auto build) {
    TfliteWriter writer;
    const int32_t input = writer.tensor("x", {1, 4}, kF32);
    const int32_t output = writer.tensor("y\n", {1, 4}, kF32);
    build(writer, input, output);
    return error_of([&] { read_tflite_text(writer.file(input, output)); });
  };
  using W = TfliteWriter&;
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) { w.custom("FlexErf", {x}, {y}); }),
            "net.tflite: 'y\\x0a' (custom operator 'FlexErf'): this operator is not known");
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) { w.op(kLstm, {x}, {y}); }),
            "net.tflite: 'y\\x0a' (UNIDIRECTIONAL_SEQUENCE_LSTM): this operator is not known");
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) { w.op(kCall, {x}, {y}); }),
            "net.tflite: 'y\\x0a' (CALL): this operator is not known");
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) { w.op(4711, {x}, {y}); }),
            "net.tflite: 'y\\x0a' (operator 4711): this operator is not known");
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) {
              w.op(kMul, {x, y}, {y});
            }),
            "net.tflite: 'y\\x0a' (MUL): input 1, 'y\\x0a', is used but never made");
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) {
              w.op(kMul, {x, x}, {y});
              w.op(kMul, {x, x}, {y});
            }),
            "net.tflite: 'y\\x0a' (MUL): what it makes is made already");
  EXPECT_EQ(refusal([](W w, int32_t x, int32_t y) {
              w.op(kMul, {x, 7}, {y});
            }),
            refusal([](W w, int32_t x, int32_t y) {
              w.op(kMul, {x, 7}, {y});
            }));
  EXPECT_NE(refusal([](W w, int32_t x, int32_t y) {
              w.op(kMul, {x, 7}, {y});
            }).find("operator: tensor 7, there are 2"),
            std::string::npos);
  EXPECT_NE(refusal([](W w, int32_t x, int32_t y) {
              w.op(kAveragePool, {x}, {y});
            }).find("a feature map expected"),
            std::string::npos);
}

TEST(Tflite, RefusesEveryTruncation) {
  const std::string whole = small_net();
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string error = error_of([&] { read_tflite_text(whole.substr(0, size)); });
    EXPECT_TRUE(error.starts_with("net.tflite: ")) << size << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST(Tflite, SurvivesEveryFlippedBit) {
  std::string file = small_net();
  size_t refused = 0;
  const auto start = std::chrono::steady_clock::now();
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    char& byte = file[bit / 8];
    const char before = byte;
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    try {
      read_tflite_text(file);
    } catch (const Error& error) {
      ++refused;
      EXPECT_TRUE(std::string(error.what()).starts_with("net.tflite: ")) << error.what();
    }
    byte = before;
  }
  EXPECT_GT(refused, file.size());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Tflite, BoundsTheWorkOfFilesThatSayTheSameAgainAndAgain) {
  // 20,000 tensors and operators whose constants are one buffer.
  TfliteWriter writer;
  const int32_t input = writer.tensor("x", {1, 16384}, kF32);
  const std::vector<float> values(16384, 2.0F);
  const int32_t first = writer.tensor<float>("c", {1, 16384}, kF32, values);
  int32_t last = input;
  for (int i = 0; i < 1000; ++i) {
    const int32_t next = writer.tensor("v", {1, 16384}, kF32);
    writer.op(kMul, {last, first}, {next});
    last = next;
  }
  std::string error;
  try {
    error = read_tflite_text(writer.file(input, last)).architecture;
  } catch (const Error& refusal) {
    error = refusal.what();
  }
  EXPECT_EQ(error, "net.tflite: its constants and weights, computed, are far larger than the file");
}

TEST(Tflite, RefusesVectorsThatLie) {
  std::string file = small_net();
  // Every four bytes as the largest length or offset.
  for (size_t at = 8; at + 4 <= file.size(); ++at) {
    const std::string before = file.substr(at, 4);
    for (const char* lie : {"\xff\xff\xff\xff", "\xff\xff\xff\x7f", "\0\0\0\x80", "\0\0\0\0"}) {
      file.replace(at, 4, std::string(lie, 4));
      try {
        read_tflite_text(file);
      } catch (const Error& error) {
        EXPECT_TRUE(std::string(error.what()).starts_with("net.tflite: ")) << error.what();
      }
    }
    file.replace(at, 4, before);
  }
}

}  // namespace
}  // namespace mnist
