#include "mnist/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/file.h"
#include "formats/format_list.h"
#include "formats/test_support.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ModelFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("mnist_model_file_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path path(const std::string& name) const { return folder_ / name; }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(ModelFile, EveryArchitectureSurvivesEveryFormat) {
  for (const Format* format : formats()) {
    if (!format->abilities.keeps_document) continue;
    for (const std::string& name : architecture_names()) {
      SCOPED_TRACE(format->name + " " + name);
      Model model = random_model(name);
      model.pixels = {1.0 / 3.0, -0.5};
      model.class_names = {"zero", "\xe4\xb8\x80", "\"two\"", "3", "4", "5", "6", "7", "8", "9"};
      model.metadata = {{"note", "line one\nline two \xc3\xa9"}, {"empty", ""}};
      const fs::path file = path("model" + format->suffixes[0]);
      save_model(model, file);
      const Model read = load_model(file);
      expect_same_graph(read, model);
      expect_same_values(read, model);
    }
  }
}

TEST_F(ModelFile, OtherSizesAndAttributesSurviveEveryFormat) {
  Model model = random_model("mnist-cnn", {1, 17, 40}, 62);
  model.input = "pixels";
  model.nodes[0].inputs[0] = "pixels";
  model.nodes[1].attributes = {{"whole", int64_t{-3}},
                               {"real", 2.0},
                               {"tiny", 5e-324},
                               {"text", std::string("a\"b\\c\n")},
                               {"wholes", std::vector<int64_t>{INT64_MIN, INT64_MAX}},
                               {"reals", std::vector<double>{1.0, 0.1}},
                               {"no_wholes", std::vector<int64_t>{}},
                               {"no_reals", std::vector<double>{}}};
  for (const Format* format : formats()) {
    if (!format->abilities.keeps_document) continue;
    SCOPED_TRACE(format->name);
    const fs::path file = path("model" + format->suffixes[0]);
    save_model(model, file);
    const Model read = load_model(file);
    expect_same_graph(read, model);
    expect_same_values(read, model);
  }
}

TEST_F(ModelFile, ContentDecidesAndThenTheSuffix) {
  const Model model = random_model("mnist-cnn");
  save_model(model, path("really.json"), {.format = "gguf"});
  expect_same_values(load_model(path("really.json")), model);
  save_model(model, path("MODEL.GGUF"));
  expect_same_values(load_model(path("MODEL.GGUF")), model);
  put("noise.gguf", "noise");
  EXPECT_THAT(error_of([&] { load_model(path("noise.gguf")); }), HasSubstr("must begin 'GGUF'"));
}

TEST_F(ModelFile, WhatNobodyKnowsIsRefusedWithTheFormats) {
  put("picture.png", "\x89PNG");
  EXPECT_THAT(error_of([&] { load_model(path("picture.png")); }),
              HasSubstr("picture.png: not a model of a known format: gguf (.gguf), json (.json)"));
  put("empty.gguf", "");
  EXPECT_THAT(error_of([&] { load_model(path("empty.gguf")); }), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of([&] { load_model(path("missing.gguf")); }), HasSubstr("missing.gguf"));
  const Model model = random_model("mnist-cnn");
  EXPECT_THAT(error_of([&] { save_model(model, path("model.xyz")); }),
              HasSubstr("model.xyz: no format has this suffix: gguf (.gguf)"));
  EXPECT_THAT(error_of([&] { save_model(model, path("model.gguf"), {.format = "ggufs"}); }),
              HasSubstr("unknown format 'ggufs', did you mean 'gguf'?"));
  EXPECT_THAT(
      error_of([&] { save_model(model, path("m.json"), {.tensor_type = TensorType::kF16}); }),
      HasSubstr("json holds f32 only"));
  EXPECT_EQ(files(), 2U);
}

TEST_F(ModelFile, TensorTypesHaveNames) {
  EXPECT_EQ(parse_tensor_type("bf16"), TensorType::kBF16);
  EXPECT_THAT(error_of([] { parse_tensor_type("f64"); }),
              HasSubstr("f32, f16, bf16, q8_0, int8 expected"));
}

TEST_F(ModelFile, AnUnsoundModelIsNotWritten) {
  Model model = random_model("mnist-cnn");
  save_model(model, path("model.gguf"));
  const auto before = read_file(path("model.gguf"));
  model.weights["conv1.bias"].values[0] = INFINITY;
  EXPECT_THAT(error_of([&] { save_model(model, path("model.gguf")); }),
              HasSubstr("model.gguf: not written: weight 'conv1.bias'"));
  EXPECT_EQ(read_file(path("model.gguf")), before);
}

TEST_F(ModelFile, AFailureHalfWayLeavesTheOldFile) {
  for (const char* name : {"model.gguf", "model.json"}) {
    save_model(random_model("mnist-cnn"), path(name));
    const auto before = read_file(path(name));
    // The disk is full for this process after 20,000 bytes of a file.
    signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    const rlimit small{20'000, old.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string message = error_of([&] { save_model(random_model("mnist-fc"), path(name)); });
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT_THAT(message, HasSubstr(name));
    EXPECT_EQ(read_file(path(name)), before);
  }
  EXPECT_EQ(files(), 2U);  // and no temporary file
}

TEST_F(ModelFile, UnwritablePlacesAreSaid) {
  const Model model = random_model("mnist-cnn");
  EXPECT_THAT(error_of([&] { save_model(model, path("no/folder/model.gguf")); }),
              HasSubstr("cannot be written"));
  fs::create_directories(path("folder.gguf"));
  EXPECT_THAT(error_of([&] { save_model(model, path("folder.gguf")); }),
              HasSubstr("cannot be written"));
  if (fs::exists("/dev/full")) {
    EXPECT_THAT(error_of([&] { save_model(model, "/dev/full", {.format = "gguf"}); }),
                HasSubstr("/dev/full: cannot be written"));
  }
}

}  // namespace
}  // namespace mnist
