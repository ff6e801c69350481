// mnist serve and mnist draw as programs: what they print, and how they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "run_program.h"

namespace mnist {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServeTest : public ProgramTest {
 protected:
  // Waits until the program says where it serves.
  std::string line_of(const std::vector<std::string>& arguments, pid_t& process,
                      const RunOptions& options = {}) {
    process = start(arguments, options);
    for (int i = 0; i < 600 && read("out").find('\n') == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return read("out");
  }
};

TEST_F(ServeTest, SaysItsAddressAndEndsWithoutErrorWhenToldTo) {
  write_model("first.gguf");
  for (const int signal : {SIGTERM, SIGINT}) {
    pid_t process = 0;
    const std::string line =
        line_of({"serve", "first.gguf", "second=first.gguf", "--port", "0"}, process);
    EXPECT_THAT(line, StartsWith("serving first, second at http://127.0.0.1:"));
    ::kill(process, signal);
    const Result result = wait_for(process);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.error, "mnist: stopped\n");
  }
}

TEST_F(ServeTest, DrawPrintsTheAddressWithoutAScreen) {
  pid_t process = 0;
  RunOptions options;
  options.environment = {{"DISPLAY", ""}, {"WAYLAND_DISPLAY", ""}};
  EXPECT_THAT(line_of({"draw"}, process, options),
              StartsWith("open this in a browser: http://127.0.0.1:"));
  ::kill(process, SIGTERM);
  EXPECT_EQ(wait_for(process).exit_code, 0);
}

TEST_F(ServeTest, RefusesWhatDoesNotGoTogether) {
  write_model("a.gguf");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"serve", "--host", "0.0.0.0"}, "--allow-remote"},
      {{"serve", "--no-batching", "--batch-size", "3"}, "--no-batching"},
      {{"serve", "--port", "70000"}, "70000"},
      {{"serve", "a.gguf", "a.gguf"}, "two models are called 'a'"},
      {{"serve", "a/b=a.gguf"}, "expected in the name"},
  };
  for (const auto& [arguments, text] : cases) {
    const Result result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << text;
    EXPECT_THAT(result.error, HasSubstr(text));
  }
}

TEST_F(ServeTest, SaysThatAPortIsTaken) {
  pid_t process = 0;
  const std::string line = line_of({"serve", "--port", "0"}, process);
  const std::string port = line.substr(line.rfind(':') + 1, line.rfind('/') - line.rfind(':') - 1);
  const Result result = run({"serve", "--port", port});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("cannot be served"));
  ::kill(process, SIGTERM);
  wait_for(process);
}

}  // namespace
}  // namespace mnist
