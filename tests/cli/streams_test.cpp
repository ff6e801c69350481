// Standard output and error that are closed, or a full disk.
#include <gmock/gmock.h>

#include "run_program.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class StreamsTest : public ProgramTest {
 protected:
  static RunOptions with_error_to(const std::string& file) {
    RunOptions options;
    options.error_to = file;
    return options;
  }
  static RunOptions with_out_to(const std::string& file) {
    RunOptions options;
    options.out_to = file;
    return options;
  }
};

TEST_F(StreamsTest, MessagesThatNobodyCanReadEndNothing) {
  for (const char* file : {"", "/dev/full"}) {
    const Result trained =
        run({"train", "mnist-mlp", "a.gguf", "--data", "synthetic:60"}, with_error_to(file));
    EXPECT_EQ(trained.exit_code, 0) << file;
    EXPECT_THAT(trained.out, StartsWith("test_loss="));
    EXPECT_EQ(run({"info", "a.gguf"}).exit_code, 0) << "a message went into the model";
    EXPECT_EQ(run({"predict", "nofile.png"}, with_error_to(file)).exit_code, 1);
    EXPECT_EQ(run({"predict"}, with_error_to(file)).exit_code, 2);
  }
}

TEST_F(StreamsTest, ResultsThatAreLostAreAnError) {
  write_model("a.gguf");
  write_digits("digits", 20);
  const std::vector<std::vector<std::string>> commands = {
      {"eval", "a.gguf", "digits-images", "digits-labels", "--json"},
      {"eval", "a.gguf", "digits-images", "digits-labels"},
      {"info", "a.gguf", "--json"},
      {"info", "a.gguf"},
      {"predict", "a.gguf", "digits-images:0", "--json"},
      {"convert", "a.gguf", "b.gguf", "--json"},
      {"--version"},
      {"--help"},
      {"eval", "--help"},
      {"formats"}};
  for (const std::vector<std::string>& command : commands) {
    for (const char* file : {"", "/dev/full"}) {
      const Result result = run(command, with_out_to(file));
      EXPECT_EQ(result.exit_code, 1) << testing::PrintToString(command) << file;
      EXPECT_THAT(result.error, StartsWith("mnist: ")) << testing::PrintToString(command);
      EXPECT_EQ(result.error_lines(), 1U) << result.error;
    }
  }
}

TEST_F(StreamsTest, ATrainingWhoseReportIsLostIsKept) {
  for (const char* file : {"", "/dev/full"}) {
    std::filesystem::remove(path("a.gguf"));
    const Result result =
        run({"train", "mnist-mlp", "a.gguf", "--data", "synthetic:60", "--epochs", "3", "--json"},
            with_out_to(file));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.error, HasSubstr("standard output: cannot be written: "));
    EXPECT_EQ(run({"info", "a.gguf"}).exit_code, 0);
  }
}

}  // namespace
}  // namespace mnist
