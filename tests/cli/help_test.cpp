// What the program says of itself.
#include <gmock/gmock.h>

#include "run_program.h"

namespace mnist {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HelpTest : public ProgramTest {};

TEST_F(HelpTest, VersionNamesInstructionSetAndBackends) {
  const Result result = run({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, StartsWith("mnist "));
  EXPECT_THAT(result.out, HasSubstr("instruction set: "));
  EXPECT_THAT(result.out, HasSubstr("backends: CPU"));
  EXPECT_EQ(result.error, "");
}

TEST_F(HelpTest, WithoutArgumentsTheCommandsAreListed) {
  const Result result = run({});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* command :
       {"train", "eval", "predict", "info", "graph", "convert", "formats", "data", "bench"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string("\n  ") + command + " "));
  }
}

TEST_F(HelpTest, NamesTheEnvironment) {
  const Result result = run({"--help"});
  for (const char* name : {"MNIST_DATA_DIR", "MNIST_CACHE_DIR", "MNIST_MIRROR", "NO_COLOR"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string("\n  ") + name));
  }
}

TEST_F(HelpTest, EveryCommandHasHelpWithExamples) {
  const std::vector<std::vector<std::string>> commands = {
      {"train"},         {"eval"},           {"predict"},      {"info"},         {"graph"},
      {"convert"},       {"formats"},        {"data"},         {"bench"},        {"data", "list"},
      {"data", "fetch"}, {"data", "verify"}, {"data", "path"}, {"data", "show"}, {"data", "draw"}};
  for (std::vector<std::string> command : commands) {
    std::string name = command.front();
    if (command.size() > 1) name += " " + command.back();
    command.push_back("--help");
    const Result result = run(command);
    EXPECT_EQ(result.exit_code, 0) << name;
    EXPECT_EQ(result.error, "") << name;
    EXPECT_THAT(result.out, HasSubstr("Usage: mnist " + name)) << name;
    EXPECT_THAT(result.out, HasSubstr("Examples:\n  ")) << name;
  }
}

// Each option's own names are part of what scripts rely on.
TEST_F(HelpTest, TrainHasTheOptionsThatScriptsUse) {
  const std::string help = run({"train", "--help"}).out;
  for (const char* option : {"--learning-rate",
                             "--batch-size",
                             "--physical-batch-size",
                             "--epochs",
                             "--nb-epochs",
                             "--train-data-dir",
                             "--data",
                             "--checkpoint-folder",
                             "--checkpoint-stride",
                             "--loss-csv-path",
                             "--optimizer",
                             "--weight-decay",
                             "--seed",
                             "--validation-split",
                             "--resume",
                             "--recipe",
                             "--augment",
                             "--schedule",
                             "--label-smoothing",
                             "--init",
                             "--threads",
                             "--json",
                             "--quiet"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
}

}  // namespace
}  // namespace mnist
