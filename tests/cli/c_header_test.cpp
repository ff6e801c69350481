// What `mnist convert model.gguf digit.h` writes, compiled and run beside the engine.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/random.h"
#include "classify/evaluate.h"
#include "data/synthetic.h"
#include "engine/inference.h"
#include "mnist/model_file.h"
#include "model/architectures.h"
#include "run_program.h"
#include "train/trainer.h"

namespace mnist {
namespace {

using testing::HasSubstr;

// Reads images from standard input and writes each one's class and probabilities.
constexpr char kMain[] = R"(#include "digit.h"
#include <stdio.h>
int main(void) {
  uint8_t pixels[DIGIT_PIXELS];
  float probabilities[DIGIT_CLASSES];
  while (fread(pixels, 1, DIGIT_PIXELS, stdin) == DIGIT_PIXELS) {
    const int label = digit_predict(pixels, probabilities);
    fwrite(&label, sizeof(label), 1, stdout);
    fwrite(probabilities, sizeof(float), DIGIT_CLASSES, stdout);
  }
  return 0;
}
)";

constexpr size_t kImages = 50;

class CHeader : public ProgramTest {
 protected:
  int shell(const std::string& command) const {
    const std::string in_folder = "cd '" + path("").string() + "' && " + command;
    return std::system(in_folder.c_str());
  }

  // Compiles digit.h and gives what it says of the images: label and probabilities of each.
  void run_header(const std::vector<uint8_t>& pixels, const std::string& compiler) {
    write("main.c", kMain);
    write("pixels", std::string(pixels.begin(), pixels.end()));
    ASSERT_EQ(shell(compiler + " -O1 -Wall -Wextra -pedantic -Werror main.c -o main -lm"), 0);
    ASSERT_EQ(shell("./main < pixels > answers"), 0);
  }

  // Compares with the engine's probabilities for `expected`.
  void expect_same(const Model& expected, const std::vector<uint8_t>& pixels,
                   const std::string& compiler, float tolerance) {
    run_header(pixels, compiler);
    ThreadPool threads(1);
    Inference inference(expected, threads);
    const size_t classes = inference.output_elements();
    std::vector<float> outputs(kImages * classes);
    inference.run(pixels.data(), kImages, outputs.data());
    const std::string answers = read("answers");
    const size_t bytes = sizeof(int) + classes * sizeof(float);
    ASSERT_EQ(answers.size(), kImages * bytes);
    std::vector<float> probabilities(classes);
    for (size_t i = 0; i < kImages; ++i) {
      std::memcpy(probabilities.data(), &answers[i * bytes + sizeof(int)], classes * sizeof(float));
      float* row = outputs.data() + i * classes;
      softmax(row, classes);
      float difference = 0.0F;
      for (size_t k = 0; k < classes; ++k) {
        difference = std::max(difference, std::abs(row[k] - probabilities[k]));
      }
      ASSERT_LE(difference, tolerance) << "image " << i;
      int label = 0;
      std::memcpy(&label, &answers[i * bytes], sizeof(label));
      EXPECT_EQ(label, std::max_element(probabilities.begin(), probabilities.end()) -
                           probabilities.begin());
    }
  }
};

// Initial weights, and statistics as after some training.
Model initial_model(const std::string& architecture) {
  Model model = make_architecture(architecture);
  initialize_weights(model, 7);
  Random random(5);
  for (auto& [name, tensor] : model.weights) {
    for (float& value : tensor.values) {
      if (name.ends_with(".mean") || name.ends_with("bias")) value = 0.3F * random.normal();
      if (name.ends_with(".var")) value = 0.5F + random.uniform();
    }
  }
  return model;
}

TEST_F(CHeader, NetworksGiveTheSameProbabilities) {
  const std::vector<uint8_t> pixels = synthetic_digits(kImages, 3).pixels;
  for (const char* name : {"mnist-cnn", "lenet5", "mnist-fast", "mnist-best"}) {
    SCOPED_TRACE(name);
    const Model model = initial_model(name);
    save_model(model, path("model.gguf"));
    const Result result = run({"convert", "model.gguf", "digit.h"});
    ASSERT_EQ(result.exit_code, 0) << result.error;
    expect_same(model, pixels, "cc -std=c99", 1e-5F);
  }
}

TEST_F(CHeader, BytesGiveWhatTheConversionCompared) {
  const std::vector<uint8_t> pixels = synthetic_digits(kImages, 3).pixels;
  for (const char* name : {"mnist-fc", "mnist-cnn"}) {
    SCOPED_TRACE(name);
    const Model model = initial_model(name);
    save_model(model, path("model.gguf"));
    const Result result = run({"convert", "model.gguf", "digit.h", "--type", "int8"});
    ASSERT_EQ(result.exit_code, 0) << result.error;
    EXPECT_THAT(result.out, HasSubstr("its weights run on"));
    const SaveOptions bytes = {.tensor_type = TensorType::kInt8};
    const Model rounded = read_back(model, {}, "digit.h", bytes);
    const std::string weight = model.nodes.back().inputs[1];
    EXPECT_NE(rounded.weight(weight).values, model.weight(weight).values);
    expect_same(rounded, pixels, "cc -std=c99", 1e-5F);
  }
}

// Every op that can be written, in its less usual forms.
class OddNetwork {
 public:
  OddNetwork() {
    model_.architecture = "odd */ \"network\"";
    model_.input_shape = {1, 12, 12};
    model_.pixels = {1.0 / 128.0, -1.0};
    model_.class_names = {"zero", "\xe4\xb8\x80 \"1\"", "two?", "\\", "\n"};
  }

  Model make() {
    node("Conv", "a", {"input", weight("aw", {4, 1, 3, 2}), weight("ab", {4})},
         {{"pads", Ints{1, 0, 2, 1}}, {"strides", Ints{1, 2}}, {"dilations", Ints{2, 1}}});
    node("LeakyRelu", "leak", {"a"}, {{"alpha", 0.2}});
    node("Conv", "grouped", {"leak", weight("gw", {6, 2, 3, 3})},
         {{"group", int64_t{2}}, {"auto_pad", std::string("SAME_LOWER")}});
    // The last rows and columns of windows, and padding that counts or does not.
    const Ints window = {3, 3};
    const Ints two = {2, 2};
    node("AveragePool", "mean", {"grouped"},
         {{"kernel_shape", window},
          {"strides", two},
          {"pads", Ints{1, 1, 1, 1}},
          {"ceil_mode", int64_t{1}}});
    node("AveragePool", "mean2", {"grouped"},
         {{"kernel_shape", window},
          {"strides", two},
          {"pads", Ints{1, 1, 1, 1}},
          {"ceil_mode", int64_t{1}},
          {"count_include_pad", int64_t{1}}});
    node("MaxPool", "most", {"grouped"},
         {{"kernel_shape", window},
          {"strides", two},
          {"pads", Ints{1, 1, 1, 1}},
          {"ceil_mode", int64_t{1}}});
    node("Concat", "together", {"mean", "most", "mean2"}, {{"axis", int64_t{2}}});
    node("Add", "float", {"together", weight("rows", {1, 18, 1})});
    node("Mul", "weight", {weight("channels", {6, 1, 1}), "float"});
    node("Tanh", "tanh", {"weight"});
    node("Sigmoid", "sigmoid", {"weight"});
    node("Mul", "product", {"tanh", "sigmoid"});
    node("Add", "sum", {"product", "weight"});
    node("GlobalAveragePool", "middle", {"sum"});
    node("Sub", "apart", {"middle", "sum"});
    node("Max", "most of both", {"apart", "sigmoid"});
    node("Div", "divided", {"most of both", weight("divisor", {4})});
    node("Clip", "low", {"divided"}, {{"min", -1.5}});
    node("Clip", "clipped", {"low"}, {{"max", 2.5}});
    node("ThresholdedRelu", "threshold", {"clipped"}, {{"alpha", -1.0}});
    node("Gelu", "gelu", {"threshold"});
    node("Gelu", "gelu tanh", {"clipped"}, {{"approximate", std::string("tanh")}});
    node("Add", "gelus", {"gelu", "gelu tanh"});
    for (const char* type : {"Celu", "HardSwish", "Mish", "Swish", "Elu", "HardSigmoid", "Selu",
                             "Softsign", "Softplus", "Neg", "Abs"}) {
      node(type, std::string(type) + ".1", {model_.nodes.back().name});
    }
    node("Softmax", "over channels", {model_.nodes.back().name}, {{"axis", int64_t{1}}});
    node("LogSoftmax", "log", {"over channels"}, {{"axis", int64_t{-2}}});
    node("Identity", "same", {"log"});
    node("GlobalAveragePool", "global", {"same"});
    node("Dropout", "drop", {"global"}, {{"ratio", 0.5}});
    node("Reshape", "flat", {"drop"}, {{"shape", Ints{-1}}});
    node("Gemm", "dense", {"flat", weight("dw", {6, 5})}, {{"alpha", 3.0}});
    node("LogSoftmax", "p", {"dense"});
    model_.output = "p";
    return model_;
  }

 private:
  using Ints = std::vector<int64_t>;

  void node(const std::string& type, const std::string& name, std::vector<std::string> inputs,
            std::map<std::string, Attribute> attributes = {}) {
    model_.nodes.push_back({type, name, std::move(inputs), {name}, std::move(attributes)});
  }
  std::string weight(const std::string& name, const Shape& shape) {
    Tensor& tensor = model_.weights[name];
    tensor.shape = shape;
    for (size_t i = 0; i < element_count(shape); ++i) {
      tensor.values.push_back(random_.normal());
    }
    return name;
  }

  Model model_;
  Random random_{9};
};

TEST_F(CHeader, EveryOpInCAndInCpp) {
  const Model model = OddNetwork().make();
  save_model(model, path("model.gguf"));
  const Result result = run({"convert", "model.gguf", "digit.h", "--no-verify"});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  std::vector<uint8_t> pixels;
  Random random(4);
  for (size_t i = 0; i < kImages * 144; ++i)
    pixels.push_back(static_cast<uint8_t>(random.below(256)));
  expect_same(model, pixels, "cc -std=c99", 1e-5F);
  expect_same(model, pixels, "c++ -x c++ -std=c++11", 1e-5F);
  expect_same(model, pixels, "cc -std=c11 -DDIGIT_STATIC", 1e-5F);
}

TEST_F(CHeader, WhatCannotBeWrittenOrReadIsSaid) {
  Model model = OddNetwork().make();
  save_model(model, path("model.gguf"));
  const Result read = run({"convert", "model.gguf", "digit.h", "--no-verify"});
  ASSERT_EQ(read.exit_code, 0) << read.error;
  const Result info = run({"info", "digit.h"});
  EXPECT_EQ(info.exit_code, 1);
  EXPECT_THAT(info.error, HasSubstr("digit.h: c is only written, not read"));
  EXPECT_EQ(info.error_lines(), 1U);
}

}  // namespace
}  // namespace mnist
