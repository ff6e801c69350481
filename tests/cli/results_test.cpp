// What eval, predict, info, graph, convert, formats and data print.
#include <gmock/gmock.h>

#include "run_program.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ResultsTest : public ProgramTest {
 protected:
  ResultsTest() { write_model("model.gguf"); }

  std::string output(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
    const Result result = run(arguments, options);
    EXPECT_EQ(result.exit_code, 0) << result.error;
    EXPECT_EQ(result.error, "");
    return result.out;
  }

  // A drawing as PGM: a dark vertical stroke on light paper.
  void write_drawing(const std::string& name) {
    std::string pixels(100 * 100, '\xf0');
    for (size_t row = 20; row < 80; ++row) {
      for (size_t column = 46; column < 54; ++column) pixels[row * 100 + column] = '\x10';
    }
    write(name, "P5\n100 100\n255\n" + pixels);
  }
};

TEST_F(ResultsTest, EvalJsonHasItsKeysInOrder) {
  write_digits("digits", 50);
  const std::string text =
      output({"eval", "model.gguf", "digits-images", "digits-labels", "CPU", "--json"});
  ASSERT_EQ(lines(text).size(), 1U);
  const auto json = nlohmann::ordered_json::parse(text);
  std::vector<std::string> names;
  for (const auto& [key, value] : json.items()) names.push_back(key);
  EXPECT_THAT(names, ElementsAre("model", "architecture", "backend", "isa", "threads", "images",
                                 "correct", "loss", "loss_error", "accuracy", "accuracy_error",
                                 "load_ms", "eval_ms", "us_per_image"));
  EXPECT_EQ(json["architecture"], "mnist-mlp");
  EXPECT_EQ(json["backend"], "CPU");
  EXPECT_EQ(json["images"], 50);
  EXPECT_DOUBLE_EQ(json["accuracy"].get<double>(), json["correct"].get<double>() / 50.0);
}

TEST_F(ResultsTest, EvalShowsAnImageAndATable) {
  const std::string text = output({"eval", "model.gguf", "--data", "synthetic:200", "--seed", "7"});
  EXPECT_THAT(text, HasSubstr("@@"));
  EXPECT_THAT(text, HasSubstr("predicted, "));
  EXPECT_THAT(text, HasSubstr("test_loss="));
  EXPECT_THAT(text, HasSubstr("test_acc="));
  EXPECT_THAT(text, HasSubstr("class  images  precision"));
  const std::string again =
      output({"eval", "model.gguf", "--data", "synthetic:200", "--seed", "7"});
  EXPECT_EQ(text.substr(0, text.find("model ")), again.substr(0, again.find("model ")));
}

TEST_F(ResultsTest, EvalOfAFolderHasItsSources) {
  for (const char* source : {"ann", "bob"}) {
    std::filesystem::create_directories(path(source).parent_path() / "drawn" / source);
    for (const char* label : {"1", "7"}) {
      write_drawing("drawn/" + std::string(source) + "/" + label + "_0.pgm");
    }
  }
  const std::string text = output({"eval", "model.gguf", "--data", "drawn", "--prepare"});
  EXPECT_THAT(text, HasSubstr("mean of the sources"));
  EXPECT_THAT(text, HasSubstr("bob"));
}

TEST_F(ResultsTest, PredictJsonHasAnObjectALine) {
  write_drawing("one.pgm");
  write_digits("digits", 12);
  const std::string text = output({"predict", "--json", "one.pgm", "digits-images:11"});
  const std::vector<std::string> objects = lines(text);
  ASSERT_EQ(objects.size(), 2U);
  for (const std::string& object : objects) {
    const nlohmann::json json = parsed(object);
    EXPECT_THAT(keys(json), ElementsAre("image", "prediction", "probabilities", "probability"));
    double sum = 0.0;
    for (const auto& value : json["probabilities"]) sum += value.get<double>();
    EXPECT_NEAR(sum, 1.0, 1e-5);
    EXPECT_EQ(json["probabilities"][json["prediction"].get<size_t>()], json["probability"]);
  }
  EXPECT_EQ(parsed(objects[0])["image"], "one.pgm");
}

TEST_F(ResultsTest, PredictTakesAModelFirst) {
  write_drawing("one.pgm");
  const std::string with = output({"predict", "model.gguf", "one.pgm", "--json"});
  const std::string without = output({"predict", "one.pgm", "--json"});
  EXPECT_NE(with, without);
  EXPECT_EQ(lines(with).size(), 1U);
}

TEST_F(ResultsTest, PredictReadsStandardInputAndDraws) {
  write_drawing("one.pgm");
  RunOptions options;
  options.input = read("one.pgm");
  const std::string text = output({"predict", "--show", "--top", "2", "-"}, options);
  EXPECT_THAT(text, HasSubstr("@@"));
  EXPECT_THAT(lines(text).back(), StartsWith("-: "));
  const std::string last = lines(text).back();
  EXPECT_EQ(std::count(last.begin(), last.end(), '%'), 2);
}

TEST_F(ResultsTest, OneImageAndManyAgree) {
  write_digits("digits", 40);
  std::vector<std::string> words = {"predict", "--json"};
  for (int i = 0; i < 40; ++i) words.push_back("digits-images:" + std::to_string(i));
  const std::vector<std::string> many = lines(output(words));
  ASSERT_EQ(many.size(), 40U);
  for (size_t i : {0U, 17U, 39U}) {
    const nlohmann::json one = parsed(output({"predict", "--json", words[2 + i]}));
    const nlohmann::json same = parsed(many[i]);
    EXPECT_EQ(one["prediction"], same["prediction"]);
    EXPECT_NEAR(one["probability"].get<double>(), same["probability"].get<double>(), 1e-5);
  }
}

TEST_F(ResultsTest, InfoHasLayersAndTotals) {
  EXPECT_THAT(output({"info", "model.gguf"}), HasSubstr("109,386"));
  const nlohmann::json json = parsed(output({"info", "model.gguf", "--json"}));
  EXPECT_THAT(keys(json),
              ElementsAre("architecture", "class_names", "input_shape", "layers", "macs",
                          "metadata", "model", "parameters", "pixel_offset", "pixel_scale"));
  EXPECT_EQ(json["parameters"], 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10);
  EXPECT_THAT(keys(json["layers"][0]),
              ElementsAre("macs", "name", "output_shape", "parameters", "type"));
}

TEST_F(ResultsTest, ANetworkIsDrawnFromAFileADescriptionAndAName) {
  write("net.json", output({"info", "model.gguf", "--graph"}));
  output({"graph", "model.gguf", "-o", "a.svg"});
  output({"graph", "net.json", "-o", "b.svg"});
  output({"graph", "mnist-mlp", "-o", "c.svg"});
  EXPECT_THAT(read("a.svg"), StartsWith("<svg"));
  EXPECT_EQ(read("a.svg"), read("b.svg"));
  EXPECT_EQ(read("a.svg"), read("c.svg"));
  EXPECT_THAT(output({"graph", "net.json", "-o", "-"}), StartsWith("digraph"));
}

TEST_F(ResultsTest, ConvertKeepsOrRoundsTheWeights) {
  const std::string text = output({"convert", "model.gguf", "model.json"});
  EXPECT_THAT(text, HasSubstr("synthetic digits): logits differ by at most 0 "));
  EXPECT_THAT(text, HasSubstr("100.00 % equal classes"));
  EXPECT_THAT(output({"convert", "model.json", "back.gguf", "--no-verify"}),
              Not(HasSubstr("differ")));
  EXPECT_TRUE(read("back.gguf") == read("model.gguf"));
  const std::string half = output({"convert", "model.gguf", "half.gguf", "--type", "f16"});
  EXPECT_THAT(half, HasSubstr("% before, "));
  EXPECT_LT(read("half.gguf").size(), read("model.gguf").size() * 6 / 10);
}

TEST_F(ResultsTest, ConversionsAreReportedAsJson) {
  const auto json = parsed(output(
      {"convert", "model.gguf", "x.gguf", "--type", "bf16", "--json", "--data", "synthetic:200"}));
  EXPECT_EQ(json["images"], 200);
  EXPECT_EQ(json["verified"], true);
  EXPECT_TRUE(json["stored_as_f32"].empty());
  EXPECT_GT(json["greatest_difference"].get<double>(), 0.0);
  EXPECT_LE(json["correct_after"].get<size_t>(), 200U);
}

TEST_F(ResultsTest, PixelsAreScaledAsAsked) {
  write_digits("digits", 1);
  const auto logits = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"predict", "model.gguf", "digits-images:0", "--json",
                                      "--logits"};
    words.insert(words.end(), more.begin(), more.end());
    return parsed(output(words))["logits"].get<std::vector<double>>();
  };
  const auto usual = logits({});
  ASSERT_EQ(usual.size(), 10U);
  EXPECT_EQ(logits({"--pixels", "unit"}), usual);
  EXPECT_NE(logits({"--pixels", "raw"}), usual);
  EXPECT_EQ(logits({"--pixels", "raw"}), logits({"--pixels", "1,0"}));
}

TEST_F(ResultsTest, ListsHaveTheirEntries) {
  EXPECT_THAT(output({"formats"}), HasSubstr("gguf"));
  const std::string list = output({"data", "list"});
  for (const char* name : {"mnist", "fashion-mnist", "kmnist", "synthetic"}) {
    EXPECT_THAT(list, HasSubstr(std::string("\n") + name + " "));
  }
  EXPECT_THAT(output({"data", "path"}), HasSubstr("cache"));
}

TEST_F(ResultsTest, DrawnDigitsAreADataSet) {
  output({"data", "draw", "--count", "60", "--seed", "5", "-o", "digits"});
  EXPECT_THAT(output({"data", "show", "./digits"}), HasSubstr("60 images of 28 x 28, 10 classes"));
  EXPECT_THAT(output({"data", "show", "./digits"}), HasSubstr("test: 60 images"));
  std::filesystem::remove(path("digits/t10k-images-idx3-ubyte"));
  EXPECT_EQ(lines(output({"data", "show", "./digits"})).size(), 1U);
  const std::string text = output({"data", "draw", "--count", "2"});
  EXPECT_THAT(text, HasSubstr("@@"));
}

TEST_F(ResultsTest, VerifyFindsWhatIsMissingAndDamaged) {
  Result result = run({"data", "verify", "mnist"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("train-images-idx3-ubyte: missing"));
  std::filesystem::create_directories(path("cache/mnist"));
  write("cache/mnist/t10k-labels-idx1-ubyte", std::string(10'008, 'x'));
  result = run({"data", "verify", "mnist"});
  EXPECT_THAT(result.out, HasSubstr("t10k-labels-idx1-ubyte: damaged: its sha256"));
}

TEST_F(ResultsTest, WithoutANetworkDrawnDigitsTakeThePlaceOfMnist) {
  const Result result = run({"eval", "model.gguf", "--offline", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(parsed(result.out)["images"], 10'000);
  EXPECT_EQ(result.error_lines(), 1U);
  EXPECT_THAT(result.error, HasSubstr("going on with --data synthetic"));
}

TEST_F(ResultsTest, PredictAnswersWhatItCanRead) {
  write_drawing("one.pgm");
  const Result result = run({"predict", "--json", "missing.png", "one.pgm"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("missing.png: cannot be opened"));
  ASSERT_EQ(lines(result.out).size(), 1U);
  EXPECT_EQ(parsed(result.out)["image"], "one.pgm");
}

TEST_F(ResultsTest, PredictSaysThatThereIsNoDigit) {
  write("white.pgm", "P5\n50 50\n255\n" + std::string(50 * 50, '\xff'));
  const Result result = run({"predict", "white.pgm"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.error, HasSubstr("white.pgm: nothing that could be a digit was found"));
}

TEST_F(ResultsTest, DamagedFilesOfASetAreNotTakenForGood) {
  std::filesystem::create_directories(path("cache/mnist"));
  write("cache/mnist/t10k-labels-idx1-ubyte", "no labels");
  const RunOptions offline{.input = "", .environment = {{"MNIST_MIRROR", "http://127.0.0.1:9"}}};
  const Result result = run({"data", "fetch", "mnist"}, offline);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("t10k-labels-idx1-ubyte: is damaged, and is fetched anew"));
  EXPECT_EQ(read("cache/mnist/t10k-labels-idx1-ubyte.damaged"), "no labels");
}

}  // namespace
}  // namespace mnist
