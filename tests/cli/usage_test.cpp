// Wrong invocations: one line on standard error that says what to do, nothing on standard output,
// and the exit code: 2 for wrong usage, 1 for files that are wrong.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "run_program.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class UsageTest : public ProgramTest {
 protected:
  UsageTest() {
    write_model("model.gguf");
    write_digits("digits", 30);
    write("text.txt", "this is not a model\n");
    write("empty", "");
    write("cut.gguf", read("model.gguf").substr(0, 2000));
    write("cut-images", read("digits-images").substr(0, 5000));
    std::filesystem::create_directories(path("no-data"));
    std::filesystem::create_directories(path("folder"));
  }

  void expect_usage(const std::vector<std::string>& arguments, const std::string& what) {
    expect(2, arguments, what);
  }
  void expect_error(const std::vector<std::string>& arguments, const std::string& what) {
    expect(1, arguments, what);
  }
};

TEST_F(UsageTest, WhatCannotBeRunIsSaidOfItsFile) {
  run({"convert", "model.gguf", "model.json"});
  std::string text = read("model.json");
  const size_t at = text.find("\"Relu\"");
  ASSERT_NE(at, std::string::npos);
  write("strange.json", text.replace(at, 6, "\"Relo\""));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"info", "strange.json"},
        {"convert", "strange.json", "x.gguf"},
        {"predict", "strange.json", "digits-images:0"},
        {"eval", "strange.json", "digits-images", "digits-labels"}}) {
    expect_error(words, "mnist: strange.json: node '");
    expect_error(words, "this operator is not known; did you mean Relu?");
  }
}

TEST_F(UsageTest, ConvertTakesNoOptionThatWouldMeanNothing) {
  expect_usage({"convert", "model.gguf", "x.onnx", "--no-verify", "--data", "synthetic:9"},
               "--data: not with --no-verify");
  run({"convert", "model.gguf", "model.onnx"});
  expect_error({"convert", "model.onnx", "x.gguf", "--keep-run"},
               "model.onnx: no checkpoint: it is neither GGUF nor JSON");
}

TEST_F(UsageTest, UnknownNamesGetTheNearestOne) {
  expect_usage({"trian"}, "did you mean 'train'?");
  expect_usage({"evaluate-everything"}, "unknown command");
  expect_usage({"data", "ftech", "mnist"}, "did you mean 'fetch'?");
  expect_usage({"data", "fetch", "fasion-mnist"}, "did you mean 'fashion-mnist'?");
  expect_usage({"train", "mnist-cnn", "--epoch", "3"}, "did you mean '--epochs'?");
  expect_usage({"eval", "model.gguf", "--jsn"}, "did you mean '--json'?");
  expect_usage({"train", "mnist-cnn", "--recipe", "slow"}, "fast");
  expect_usage({"train", "mnist-cnn", "--optimizer", "adamm", "--data", "synthetic:20"}, "adamw");
  expect_usage({"train", "mnist-cnn", "--augment", "weak", "--data", "synthetic:20"}, "light");
  expect_usage({"convert", "model.gguf", "x.gguf", "--type", "f8"}, "bf16");
  expect_usage({"convert", "model.gguf", "x.bin", "--format", "ggff"}, "gguf");
  expect_usage({"eval", "model.gguf", "--pixels", "units"}, "standard");
  expect_usage({"eval", "model.gguf", "--pixels", "1,x"}, "SCALE,OFFSET");
  expect_usage({"eval", "model.gguf", "--fit", "stretch"}, "resize");
  expect_usage({"eval", "model.gguf", "--fit", "pad", "--calibrate", "synthetic:9"}, "--calibrate");
  expect_usage({"eval", "model.gguf", "--arch", "mnist-cnn"}, "says itself");
  expect_usage({"info", "mnist-cnn", "--arch", "mnist-fc"}, "without");
  expect_usage({"convert", "model.gguf", "-", "--format", "gguf", "--json"}, "standard output");
  expect_error({"convert", "model.gguf", "x.json", "--type", "f16"}, "json holds f32 only");
  expect_error({"convert", "model.gguf", "x.json", "--with-preprocessing"}, "json cannot hold");
  expect_error({"convert", "model.gguf", "x.json", "--layout", "2023"}, "json has no layout");
  expect_usage({"predict", "model.gguf", "digits-images:0", "--logits"}, "--json");
  expect_usage({"train", "mnist-cn"}, "did you mean 'mnist-cnn'?");
  expect_error({"eval", "model.gguf", "--data", "synthetik"}, "did you mean 'synthetic'?");
}

TEST_F(UsageTest, WrongValues) {
  expect_usage({"train", "mnist-cnn", "--epochs", "many"}, "--epochs: a whole number");
  expect_usage({"train", "mnist-cnn", "--epochs", "0"}, "from 1");
  expect_usage({"train", "mnist-cnn", "--epochs", "-3"}, "--epochs");
  expect_usage({"train", "mnist-cnn", "--epochs", "3.5"}, "got '3.5'");
  expect_usage({"train", "mnist-cnn", "--learning-rate", "fast"}, "--learning-rate: a number");
  expect_usage({"train", "mnist-cnn", "--learning-rate", "nan"}, "got 'nan'");
  expect_usage({"train", "mnist-cnn", "--validation-split", "1.5"}, "from 0 to 0.99");
  expect_usage({"train", "mnist-cnn", "--schedule", "cosine"}, "linear or constant");
  expect_usage({"train", "mnist-cnn", "--data", "synthetic:20", "--batch-size", "100",
                "--physical-batch-size", "33"},
               "33");
  expect_usage({"train", "mnist-cnn", "--epochs", "3", "--epochs", "4"}, "--epochs");
  expect_usage({"eval", "model.gguf", "--threads", "0"}, "--threads");
  expect_usage({"eval", "model.gguf", "--backend", "CUDA"}, "available: CPU");
  expect_usage({"eval", "model.gguf", "digits-images", "digits-labels", "CUDA"}, "available: CPU");
}

TEST_F(UsageTest, MissingAndSuperfluousArguments) {
  expect_usage({"train"}, "mnist-cnn");
  expect_usage({"eval"}, "MODEL");
  expect_usage({"predict"}, "IMAGES");
  expect_usage({"predict", "model.gguf"}, "an IMAGE expected");
  expect_usage({"graph", "model.gguf"}, "--out");
  expect_usage({"graph", "model.gguf", "-o", "picture.png"}, ".svg");
  expect_usage({"info", "model.gguf", "digits-images"}, "too many");
  expect_usage({"data"}, "mnist data --help");
  expect_usage({"eval", "model.gguf", "digits-images"}, "LABELS");
  expect_usage({"eval", "model.gguf", "digits-images", "digits-labels", "--data", "synthetic:9"},
               "one of the two");
  expect_usage({"train", "--init", "model.gguf", "--resume", "x"}, "--init");
  expect_usage({"train", "mnist-mlp", "--checkpoint-stride", "2", "--data", "synthetic:20"},
               "--checkpoint-folder");
}

TEST_F(UsageTest, FilesThatAreMissingOrSomethingElse) {
  expect_error({"eval", "nothing.gguf"}, "nothing.gguf: cannot be opened");
  expect_error({"eval", "folder"}, "folder");
  expect_error({"eval", "text.txt"}, "text.txt: not a model");
  expect_error({"eval", "empty"}, "empty");
  expect_error({"info", "cut.gguf"}, "cut.gguf");
  expect_error({"info", "digits-images"}, "not a model");
  expect_error({"eval", "model.gguf", "nothing", "digits-labels"}, "nothing: ");
  expect_error({"eval", "model.gguf", "digits-labels", "digits-images"}, "digits-labels: ");
  expect_error({"eval", "model.gguf", "cut-images", "digits-labels"}, "cut-images: ");
  expect_error({"eval", "model.gguf", "text.txt", "digits-labels"}, "text.txt: ");
  expect_error({"eval", "model.gguf", "--data", "no-data"}, "no data set found");
  expect_error({"eval", "model.gguf", "--data", "elsewhere"}, "no such directory");
  expect_error({"predict", "nothing.png"}, "nothing.png: ");
  expect_error({"predict", "text.txt"}, "text.txt: ");
  expect_error({"predict", "digits-images:30"}, "digits-images");
  expect_error({"predict", "--raw", "digits-images"}, "digits-images");
  expect_error({"train", "net.json", "--data", "synthetic:20"}, "net.json: cannot be opened");
  expect_error({"train", "mnist-mlp", "--resume", "nothing"}, "nothing: cannot be opened");
  expect_error({"train", "mnist-mlp", "--resume", "folder"}, "no checkpoints");
  expect_error({"train", "mnist-mlp", "--resume", "text.txt"}, "not a model");
}

TEST_F(UsageTest, ThingsThatDoNotFitTogether) {
  write("small-images",
        std::string("\0\0\x08\x03\0\0\0\x1e\0\0\0\x02\0\0\0\x02", 16) + std::string(30 * 4, 'x'));
  expect_error({"eval", "model.gguf", "small-images", "digits-labels"}, "these have 2 x 2");
  write("many-labels", std::string("\0\0\x08\x01\0\0\0\x1e", 8) + std::string(30, '\x0c'));
  expect_error({"eval", "model.gguf", "digits-images", "many-labels"}, "13 classes");
  write("few-labels", std::string("\0\0\x08\x01\0\0\0\x03", 8) + std::string(3, '\0'));
  expect_error({"eval", "model.gguf", "digits-images", "few-labels"}, "30");
  expect_usage({"eval", "model.gguf", "--data", "synthetic:20", "--prepare"}, "folder of images");
}

TEST_F(UsageTest, DataThatWasAskedForIsNotReplaced) {
  expect_error({"eval", "model.gguf", "--data", "mnist", "--offline"}, "downloading was forbidden");
}

TEST_F(UsageTest, PredictWantsOptionsThatMeanSomething) {
  expect_usage({"predict", "text.txt", "--pixels", "unit"}, "none is given");
  expect_usage({"predict", "model.gguf", "text.txt", "--json", "--show"}, "not with --json");
}

TEST_F(UsageTest, OutputsThatCannotBeWritten) {
  expect_error({"train", "mnist-mlp", "none/out.gguf", "--data", "synthetic:20"}, "none");
  expect_error({"train", "mnist-mlp", "folder", "--data", "synthetic:20"}, "folder");
  expect_error({"convert", "model.gguf", "none/out.gguf"}, "none/out.gguf");
  expect_error({"convert", "model.gguf", "out.xyz"}, "no format has this suffix");
  expect_error({"graph", "model.gguf", "-o", "none/g.svg"}, "none/g.svg");
  expect_error(
      {"train", "mnist-mlp", "--data", "synthetic:20", "--checkpoint-folder", "text.txt/run"},
      "text.txt/run");
}

TEST_F(UsageTest, AFullDiskLeavesTheOldFile) {
  const std::string before = read("model.gguf");
  RunOptions options;
  options.largest_file = 8192;
  const Result result = run({"convert", "model.gguf", "model.gguf", "--type", "f16"}, options);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, StartsWith("mnist: model.gguf: cannot be written: "));
  EXPECT_EQ(result.error_lines(), 1U);
  EXPECT_EQ(read("model.gguf"), before);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path("."))) {
    if (entry.path().string().find("model.gguf") != std::string::npos) ++files;
  }
  EXPECT_EQ(files, 1U) << "a temporary file was left";
}

}  // namespace
}  // namespace mnist
