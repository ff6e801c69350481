// mnist train: the same bits for any number of threads and after any stop, checkpoints, reports.
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "run_program.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Words = std::vector<std::string>;

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class TrainTest : public ProgramTest {
 protected:
  Result run_well(const Words& arguments) {
    Result result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << testing::PrintToString(arguments) << "\n" << result.error;
    return result;
  }

  // Waits until the running program has written so much to standard output.
  void wait_for_output(size_t bytes) {
    for (int i = 0; i < 2000 && read("out").size() < bytes; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void flip_bit(const std::string& name, size_t byte) {
    std::string text = read(name);
    text[byte] = static_cast<char>(text[byte] ^ 4);
    write(name, text);
  }
};

TEST_F(TrainTest, TheResultDoesNotDependOnThreads) {
  const Words words = {"--data", "synthetic:300", "--epochs", "2", "--batch-size", "64", "-q"};
  for (const char* threads : {"1", "2", "3"}) {
    run_well(Words{"train", "mnist-cnn", std::string(threads) + ".gguf", "--threads", threads} +
             words);
  }
  EXPECT_TRUE(read("1.gguf") == read("2.gguf"));
  EXPECT_TRUE(read("1.gguf") == read("3.gguf"));
  EXPECT_GT(read("1.gguf").size(), 36'000U);
  run_well(Words{"train", "mnist-cnn", "other.gguf", "--seed", "2"} + words);
  EXPECT_FALSE(read("1.gguf") == read("other.gguf"));
}

// Stopped by Ctrl-C somewhere in an epoch, with augmentation, Dropout's random numbers, Adam's
// moments and a validation split.
TEST_F(TrainTest, AStoppedRunGoesOnAsIfItHadNot) {
  const Words settings = {
      "--data",    "synthetic:400", "--epochs",           "300", "--batch-size", "4",
      "--augment", "light",         "--validation-split", "0.1", "--threads",    "1"};
  write("net.json", R"({"format": "mnist.cpp graph", "version": 1, "architecture": "tiny",
    "nodes": [{"type": "Flatten"}, {"type": "Dropout", "attributes": {"ratio": 0.2}},
              {"type": "Gemm", "name": "dense", "attributes": {"transB": 1}}],
    "weights": {"dense.weight": [10, 784], "dense.bias": [10]}})");
  run_well(Words{"train", "net.json", "straight.gguf", "-q", "--loss-csv-path", "straight.csv"} +
           settings);
  const pid_t process =
      start(Words{"train", "net.json", "stopped.gguf", "--json", "--loss-csv-path", "stopped.csv"} +
            settings);
  wait_for_output(1);
  ::kill(process, SIGINT);
  const Result stopped = wait_for(process);
  ASSERT_EQ(stopped.exit_code, 130) << stopped.error;
  EXPECT_THAT(stopped.error, HasSubstr("mnist train stopped.gguf --resume "
                                       "stopped.gguf.checkpoint --loss-csv-path stopped.csv"));
  EXPECT_EQ(read("stopped.gguf"), "") << "the model is written at the end only";
  EXPECT_EQ(run_well({"eval", "stopped.gguf.checkpoint", "--data", "synthetic:20", "--json"}).error,
            "");
  run_well({"train", "stopped.gguf", "--resume", "stopped.gguf.checkpoint", "--loss-csv-path",
            "stopped.csv", "--threads", "2", "-q"});
  EXPECT_TRUE(read("stopped.gguf") == read("straight.gguf"));
  EXPECT_TRUE(read("stopped.csv") == read("straight.csv"));
  EXPECT_EQ(lines(read("straight.csv")).size(), 301U);
}

TEST_F(TrainTest, ASecondSignalEndsAtOnce) {
  const pid_t process = start({"train", "mnist-mlp", "--data", "synthetic:2000", "--epochs",
                               "100000", "--json", "--threads", "1"});
  wait_for_output(1);
  ::kill(process, SIGTERM);
  ::kill(process, SIGTERM);
  EXPECT_EQ(wait_for(process).exit_code, 143);
}

class CheckpointFolderTest : public TrainTest {
 protected:
  // Four epochs with a checkpoint after each: steps 4, 8, 12, 16.
  CheckpointFolderTest() {
    run_well(Words{"train", "mnist-mlp", "straight.gguf", "--checkpoint-folder", "run"} +
             settings_);
  }
  const Words settings_ = {"--data", "synthetic:200", "--epochs", "4", "--batch-size", "64", "-q"};
};

TEST_F(CheckpointFolderTest, HoldsOneForEachEpoch) {
  for (const char* step : {"04", "08", "12", "16"}) {
    EXPECT_TRUE(
        std::filesystem::exists(path("run/checkpoint-000000" + std::string(step) + ".gguf")));
  }
  run_well(Words{"train", "mnist-mlp", "b.gguf", "--checkpoint-folder", "every-third",
                 "--checkpoint-stride", "3"} +
           settings_);
  EXPECT_FALSE(std::filesystem::exists(path("every-third/checkpoint-00000008.gguf")));
  EXPECT_TRUE(std::filesystem::exists(path("every-third/checkpoint-00000012.gguf")));
  EXPECT_TRUE(std::filesystem::exists(path("every-third/checkpoint-00000016.gguf")));
}

TEST_F(CheckpointFolderTest, TheNewestIsTakenAndTheOneBeforeIfItIsDamaged) {
  std::filesystem::remove(path("run/checkpoint-00000016.gguf"));
  flip_bit("run/checkpoint-00000012.gguf", read("run/checkpoint-00000012.gguf").size() - 1000);
  const Result result = run({"train", "resumed.gguf", "--resume", "run"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_THAT(result.error, HasSubstr("passed over: run/checkpoint-00000012.gguf: damaged"));
  EXPECT_THAT(result.error, HasSubstr("going on from run/checkpoint-00000008.gguf"));
  EXPECT_TRUE(read("resumed.gguf") == read("straight.gguf"));
  EXPECT_THAT(run_well({"train", "again.gguf", "--resume", "run", "-q"}).error,
              HasSubstr("mnist: passed over: run/checkpoint-00000012.gguf: damaged"));
}

TEST_F(CheckpointFolderTest, ARunTravelsAsJson) {
  const std::string checkpoint = "run/checkpoint-00000008.gguf";
  run_well({"convert", checkpoint, "run.json", "--keep-run"});
  run_well({"convert", "run.json", "back.gguf", "--keep-run"});
  EXPECT_TRUE(read("back.gguf") == read(checkpoint));
  run_well({"train", "resumed.gguf", "--resume", "run.json", "-q"});
  EXPECT_TRUE(read("resumed.gguf") == read("straight.gguf"));
  const Result model = run({"convert", "straight.gguf", "x.json", "--keep-run"});
  EXPECT_EQ(model.exit_code, 1);
  EXPECT_THAT(model.error, HasSubstr("straight.gguf: a model, but not a checkpoint"));
  const Result other = run({"convert", checkpoint, "x.safetensors", "--keep-run"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.error, HasSubstr("gguf and json hold a run"));
}

TEST_F(CheckpointFolderTest, AnotherRunDoesNotMixIn) {
  const Result result =
      run(Words{"train", "mnist-mlp", "b.gguf", "--checkpoint-folder", "run"} + settings_);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("--resume run"));
}

TEST_F(CheckpointFolderTest, OptionsMayBeRepeatedButNotContradicted) {
  const Words resume = {"train", "mnist-mlp", "b.gguf", "--resume", "run"};
  run_well(resume + settings_);
  for (const Words& other : {Words{"--epochs", "5"}, Words{"--seed", "9"}, Words{"--lr", "0.5"},
                             Words{"--optimizer", "sgd"}, Words{"--validation-split", "0.2"}}) {
    const Result result = run(resume + other);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.error_lines(), 1U);
    EXPECT_THAT(result.error, HasSubstr(other.back() + " given, but the run in run/checkpoint"));
  }
  const Result network = run({"train", "mnist-fc", "b.gguf", "--resume", "run"});
  EXPECT_THAT(network.error, HasSubstr("mnist-fc given"));
  EXPECT_THAT(network.error, HasSubstr("mnist-mlp"));
  const Result data = run(resume + Words{"--data", "synthetic:201"});
  EXPECT_EQ(data.exit_code, 1);
  EXPECT_THAT(data.error, HasSubstr("synthetic:200"));
  EXPECT_THAT(data.error, HasSubstr("synthetic:201"));
}

TEST_F(TrainTest, AnUnstableRunNamesTheLastCheckpoint) {
  const Result result = run({"train",         "mnist-mlp",   "out.gguf", "--data",
                             "synthetic:200", "--optimizer", "sgd",      "--lr",
                             "100000",        "--epochs",    "50",       "--batch-size",
                             "200",           "--warmup",    "0",        "--checkpoint-folder",
                             "run",           "--schedule",  "constant", "--quiet"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error_lines(), 1U) << result.error;
  EXPECT_THAT(result.error, HasSubstr("loss became"));
  EXPECT_THAT(result.error, HasSubstr("; the last checkpoint is run/checkpoint-000000"));
  EXPECT_FALSE(std::filesystem::exists(path("out.gguf")));
}

TEST_F(TrainTest, JsonHasAnObjectForEachEpochAndTheResult) {
  write_digits("digits", 100);
  write_digits("test", 40);
  const Result result =
      run_well({"train", "mnist-mlp", "m.gguf", "digits-images", "digits-labels", "test-images",
                "test-labels", "CPU", "--json", "--epochs", "2", "--validation-split", "0.2"});
  const Words out = lines(result.out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_THAT(keys(parsed(out[1])),
              ElementsAre("accuracy", "epoch", "epochs", "images_per_second", "learning_rate",
                          "loss", "seconds", "step", "validation_accuracy", "validation_loss"));
  EXPECT_EQ(parsed(out[1])["epoch"], 2);
  const nlohmann::json last = parsed(out[2]);
  EXPECT_THAT(keys(last), ElementsAre("model", "seconds", "test_acc", "test_images", "test_loss"));
  EXPECT_EQ(last["test_images"], 40);
  EXPECT_EQ(result.error, "");
}

TEST_F(TrainTest, PlainOutputHasLinesAndTheResult) {
  const Result result =
      run_well({"train", "mnist-mlp", "--data", "synthetic:200", "--epochs", "2"});
  EXPECT_THAT(result.out, StartsWith("test_loss="));
  EXPECT_EQ(lines(result.out).size(), 1U);
  EXPECT_THAT(result.error, HasSubstr("epoch 2/2  loss "));
  EXPECT_EQ(result.error.find('\x1b'), std::string::npos);
  EXPECT_EQ(result.error.find('\r'), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path("mnist-mlp.gguf"))) << "the default name";
}

TEST_F(TrainTest, InitStartsFromAModel) {
  const Words words = {"--data", "synthetic:300", "--epochs", "3", "-q"};
  run_well(Words{"train", "mnist-mlp", "first.gguf"} + words);
  const Result again =
      run_well(Words{"train", "second.gguf", "--init", "first.gguf", "--lr", "0.000001"} + words);
  const nlohmann::json first =
      parsed(run_well({"eval", "first.gguf", "--data", "synthetic:300", "--json"}).out);
  const nlohmann::json second =
      parsed(run_well({"eval", "second.gguf", "--data", "synthetic:300", "--json"}).out);
  EXPECT_NEAR(first["loss"].get<double>(), second["loss"].get<double>(), 0.05);
  EXPECT_FALSE(read("first.gguf") == read("second.gguf"));
}

}  // namespace
}  // namespace mnist
