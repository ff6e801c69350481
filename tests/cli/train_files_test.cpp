// The files of mnist train: those that cannot be written, and which word is which.
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "run_program.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Words = std::vector<std::string>;

constexpr char kTiny[] = R"({"format": "mnist.cpp graph", "version": 1, "architecture": "tiny",
  "nodes": [{"type": "Flatten"},
            {"type": "Gemm", "name": "dense", "attributes": {"transB": 1}}],
  "weights": {"dense.weight": [10, 784], "dense.bias": [10]}})";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

class TrainFilesTest : public ProgramTest {
 protected:
  Result run_well(const Words& arguments) {
    Result result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << testing::PrintToString(arguments) << "\n" << result.error;
    return result;
  }

  // Starts a long run; returns when it has trained an epoch.
  pid_t start_long(const Words& arguments, const RunOptions& options = {}) {
    Words words = arguments;
    for (const char* word : {"--data", "synthetic:200", "--json", "--threads", "1"}) {
      words.emplace_back(word);
    }
    const pid_t process = start(words, options);
    for (int i = 0; i < 6000 && read("out").empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return process;
  }

  Result stop(pid_t process) {
    ::kill(process, SIGINT);
    return wait_for(process);
  }

  // The command that a stopped run printed, without "mnist".
  static Words resume_command(const Result& stopped) {
    Words words;
    std::istringstream text(lines(stopped.error).back());
    for (std::string word; text >> word;) words.push_back(word);
    EXPECT_EQ(words.front(), "mnist") << stopped.error;
    words.erase(words.begin());
    return words;
  }
};

TEST_F(TrainFilesTest, WhatCannotBeWrittenIsFoundBeforeTheTraining) {
  // As many epochs that a training would be noticed.
  const auto with = [](const Words& words) {
    Words all = {"train"};
    all.insert(all.end(), words.begin(), words.end());
    for (const char* word : {"--data", "synthetic:100", "--epochs", "1000000"}) {
      all.emplace_back(word);
    }
    return all;
  };
  for (const char* out : {"late.txt", "foo", ".npz"}) {
    expect(1, with({"mnist-mlp", out}), "no format has this suffix");
  }
  expect(1, with({"mnist-mlp", "a.h5"}), "only read");
  expect(1, with({"mnist-cnn", "a.bin"}), "a.bin: not written: ");
  expect(1, with({"mnist-mlp", "/proc/a.gguf"}), "/proc/a.gguf: cannot be written: ");
  expect(1, with({"mnist-mlp", "a.gguf", "--checkpoint-folder", "/proc/run"}), "/proc/run: ");
  expect(1, with({"mnist-mlp", "a.gguf", "--checkpoint-folder", "/proc"}), "/proc/checkpoint-");
  expect(1, with({"mnist-mlp", "a.gguf", "--loss-csv-path", "/proc/a.csv"}), "/proc/a.csv: ");
  expect(1, with({"mnist-mlp", "a.gguf", "--loss-csv-path", "none/a.csv"}), "none/a.csv: ");
  EXPECT_FALSE(fs::exists(path("a.gguf")));
}

TEST_F(TrainFilesTest, ADiskTooFullForTheModelIsFoundBeforeTheTraining) {
  RunOptions options;
  options.largest_file = 8192;
  const Result result = run(
      {"train", "mnist-mlp", "a.gguf", "--data", "synthetic:100", "--epochs", "1000000"}, options);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, StartsWith("mnist: a.gguf: cannot be written: "));
}

TEST_F(TrainFilesTest, ALossFileThatFailsDoesNotEndTheTraining) {
  const Result result = run({"train", "mnist-mlp", "a.gguf", "--data", "synthetic:60", "--epochs",
                             "3", "--loss-csv-path", "/dev/full", "-q"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("/dev/full: cannot be written: No space left on device; "
                                      "the training goes on\n"));
  EXPECT_EQ(result.error_lines(), 2U) << result.error;
  EXPECT_EQ(run({"info", "a.gguf"}).exit_code, 0);
}

// The folder of the model and that of the checkpoints vanish during the training.
TEST_F(TrainFilesTest, AModelThatFindsNoPlaceGoesElsewhere) {
  fs::create_directories(path("place"));
  fs::create_directories(path("temporary"));
  RunOptions options;
  options.environment["TMPDIR"] = path("temporary").string();
  const pid_t process = start_long({"train", "mnist-mlp", "place/a.gguf", "--checkpoint-folder",
                                    "run", "--checkpoint-stride", "250", "--epochs", "300"},
                                   options);
  fs::remove_all(path("place"));
  fs::remove_all(path("run"));
  write("run", "a file");
  const Result result = wait_for(process);
  EXPECT_EQ(result.exit_code, 1) << result.error;
  EXPECT_THAT(result.error, HasSubstr("; the training goes on"));
  EXPECT_THAT(result.error, HasSubstr("mnist: place/a.gguf: cannot be written: "));
  EXPECT_THAT(result.error, HasSubstr("; the model is in " + path("temporary/mnist-").string()));
  const std::string model = parsed(lines(result.out).back())["model"];
  EXPECT_THAT(model, StartsWith(path("temporary").string()));
  EXPECT_EQ(run({"info", model}).exit_code, 0);
}

TEST_F(TrainFilesTest, AStoppedRunThatFindsNoPlaceGoesElsewhere) {
  fs::create_directories(path("place"));
  RunOptions options;
  options.environment["TMPDIR"] = path(".").string();
  const pid_t process =
      start_long({"train", "mnist-mlp", "place/a.gguf", "--epochs", "1000000"}, options);
  fs::remove_all(path("place"));
  const Result stopped = stop(process);
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_THAT(stopped.error, HasSubstr("place/a.gguf.checkpoint: cannot be written: "));
  const Words command = resume_command(stopped);
  ASSERT_EQ(command.size(), 4U) << stopped.error;
  EXPECT_EQ(run({"info", command.back()}).exit_code, 0) << command.back();
}

TEST_F(TrainFilesTest, TheCommandThatGoesOnWritesToTheSameFile) {
  write("net.json", kTiny);
  const std::vector<Words> runs = {
      {"mnist-mlp", "o.json"}, {"mnist-mlp", "net.json"}, {"net.json", "net.gguf"}};
  for (const Words& words : runs) {
    write("net.json", kTiny);
    Words command = {"train", words[0], words[1], "--epochs", "1000"};
    Result result = stop(start_long(command));
    ASSERT_EQ(result.exit_code, 130) << result.error;
    run_well(resume_command(result));
    EXPECT_EQ(parsed(run_well({"info", words[1], "--json"}).out)["architecture"],
              words[0] == "net.json" ? "tiny" : "mnist-mlp");
    EXPECT_FALSE(fs::exists(path("mnist-mlp.gguf")));
    EXPECT_FALSE(fs::exists(path("tiny.gguf")));
  }
}

TEST_F(TrainFilesTest, WordsMeanWhatTheyAre) {
  write_digits("digits", 60);
  write_model("a.gguf");
  write("net.json", kTiny);
  run_well({"train", "mnist-mlp", "digits-images", "digits-labels", "-q"});
  EXPECT_TRUE(fs::exists(path("mnist-mlp.gguf"))) << "the default name";
  write("nameless.json", replaced(kTiny, "\"tiny\"", "\"\""));
  run_well({"train", "nameless.json", "--data", "synthetic:60", "--epochs", "1"});
  EXPECT_TRUE(fs::exists(path("model.gguf"))) << "a name that is no file's";
  run_well({"train", "i.json", "--init", "a.gguf", "--data", "synthetic:60", "--epochs", "1"});
  EXPECT_EQ(parsed(run_well({"info", "i.json", "--json"}).out)["architecture"], "mnist-mlp");
  expect(2, {"train", "net.json", "b.gguf", "--init", "a.gguf", "--data", "synthetic:60"},
         "network: a.gguf has another one than net.json describes");
  expect(2, {"train", "mnist-mlp", "digits-images"}, "IMAGES and LABELS expected");
  expect(2, {"train", "mnist-mlp", "digits-images", "digits-labels", "GPU"}, "available: CPU");
  expect(2, {"train", "mnist-mlp", "b.gguf", "GPU"}, "available: CPU");
  expect(2, {"eval", "a.gguf", "GPU"}, "available: CPU");
}

TEST_F(TrainFilesTest, TheSameImagesElsewhereAreTheSame) {
  for (const char* folder : {"one", "two"}) {
    run_well({"data", "draw", "--count", "60", "--seed", "5", "-o", folder});
  }
  const pid_t process =
      start({"train", "mnist-mlp", "a.gguf", "--data", "one", "--epochs", "1000000", "--json"});
  for (int i = 0; i < 6000 && read("out").empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(stop(process).exit_code, 130);
  for (const char* folder : {"./one", "two"}) {
    const pid_t resumed =
        start({"train", "a.gguf", "--resume", "a.gguf.checkpoint", "--data", folder, "--json"});
    for (int i = 0; i < 6000 && read("out").empty() && read("error").empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const Result result = stop(resumed);
    EXPECT_EQ(result.exit_code, 130) << folder << ": " << result.error;
  }
}

TEST_F(TrainFilesTest, ALabelThatHardlyAnImageHasMakesNoNetwork) {
  write_digits("digits", 300);
  std::string labels = read("digits-labels");
  labels[8 + 17] = static_cast<char>(200);
  write("digits-labels", labels);
  expect(1, {"train", "mnist-mlp", "a.gguf", "digits-images", "digits-labels"},
         "digits-labels: label 200 of image 17: 1 of 300 images has it");
  EXPECT_FALSE(fs::exists(path("a.gguf")));
}

TEST_F(TrainFilesTest, OptionsThatWouldBeIgnoredAreRefused) {
  write_model("a.gguf");
  write_digits("digits", 60);
  write("net.json", kTiny);
  const Words data = {"--data", "synthetic:60", "--epochs", "1", "-q"};
  const auto train = [&](Words words) {
    words.insert(words.begin(), "train");
    words.insert(words.end(), data.begin(), data.end());
    return words;
  };
  run_well(train({"mnist-mlp", "b.gguf", "--checkpoint-folder", "run"}));
  expect(2, train({"mnist-mlp", "--pixels", "standard"}), "--pixels: is about the model");
  expect(2, train({"mnist-mlp", "--fit", "pad"}), "--fit: ");
  expect(2, train({"mnist-mlp", "--arch", "1"}), "--arch: ");
  expect(2, train({"mnist-mlp", "--calibrate", "synthetic:9"}), "--calibrate: ");
  expect(2, train({"--resume", "run", "--pixels", "standard"}), "a run goes on as it was");
  expect(2, train({"--resume", "run", "--recipe", "fast"}), "mnist-fast given");
  expect(2, train({"net.json", "c.gguf", "--resume", "run"}), "net.json describes");
  expect(2, train({"none.json", "c.gguf", "--resume", "run"}),
         "none.json: there is no such network's description");
  expect(2, train({"mnist-mlp", "--momentum", "0.5", "--optimizer", "adam"}), "--momentum: ");
  expect(2, train({"mnist-mlp", "--validation-split", "0.0001"}), "--validation-split: ");
  expect(2, {"eval", "a.gguf", "digits-images", "digits-labels", "--half", "train"}, "--half");
  expect(2, {"eval", "a.gguf", "--data", "synthetic:9", "--json", "--seed", "1"}, "--seed: ");
  expect(2, {"info", "a.gguf", "--fit", "pad"}, "unknown option '--fit'");
  expect(2, {"info", "a.gguf", "--graph", "--json"}, "one of the two");
  EXPECT_NE(run_well({"info", "mnist-fc", "--pixels", "standard"}).out,
            run_well({"info", "mnist-fc"}).out);
}

TEST_F(TrainFilesTest, NetworksThatMakeNoSenseAreRefusedByNameAndPlace) {
  const auto expect_refused = [&](const std::string& text, const std::string& what) {
    write("net.json", text);
    expect(1, {"train", "net.json", "a.gguf", "--data", "synthetic:60"}, what);
  };
  expect_refused(replaced(kTiny, R"("nodes")", R"("class_names": ["a", "b"], "nodes")"),
                 "net.json: class_names: 2 names for the 10 values of the output 'dense'");
  expect_refused(replaced(kTiny, R"("nodes")", R"("pixels": {"scale": 1e300}, "nodes")"),
                 "net.json: pixels: with scale 1e+300");
  expect_refused(replaced(kTiny, "[10, 784]", "[10, 783]"), "net.json: node 'dense' (Gemm)");
  expect_refused(R"({"format": "mnist.cpp graph", "version": 1, "output": "conv1",
    "nodes": [{"type": "Conv", "name": "conv1"}, {"type": "Flatten"},
              {"type": "Gemm", "name": "dense", "attributes": {"transB": 1}}],
    "weights": {"conv1.weight": [4, 1, 1, 1], "dense.weight": [10, 3136]}})",
                 "net.json: output 'conv1': one value for each class expected, got the shape "
                 "(4,28,28)");
}

TEST_F(TrainFilesTest, ATestHalfThatDoesNotFitIsFoundBeforeTheTraining) {
  write_digits("digits", 60);
  write_digits("test", 60);
  write("many-labels", std::string("\0\0\x08\x01\0\0\0\x3c", 8) + std::string(60, '\x0c'));
  expect(1,
         {"train", "mnist-mlp", "a.gguf", "digits-images", "digits-labels", "test-images",
          "many-labels", "--epochs", "1000000"},
         "13 classes");
}

TEST_F(TrainFilesTest, ADanglingLinkIsFollowed) {
  fs::create_symlink("target.gguf", path("link.gguf"));
  run_well({"train", "mnist-mlp", "link.gguf", "--data", "synthetic:60", "--epochs", "1"});
  EXPECT_TRUE(fs::is_symlink(path("link.gguf")));
  EXPECT_TRUE(fs::is_regular_file(path("target.gguf")));
}

}  // namespace
}  // namespace mnist
