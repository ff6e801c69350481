#include "run_program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "data/idx.h"
#include "data/synthetic.h"
#include "mnist/model_file.h"
#include "model/architectures.h"
#include "train/trainer.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

// In the child, between fork and exec. No file: closes.
void redirect(const fs::path& file, int flags, int descriptor) {
  if (file.empty()) {
    ::close(descriptor);
    return;
  }
  const int handle = ::open(file.c_str(), flags, 0600);
  if (handle < 0 || ::dup2(handle, descriptor) < 0) ::_exit(126);
  // Where a lower one was closed before, this one has its number.
  if (handle != descriptor) ::close(handle);
}

}  // namespace

size_t Result::error_lines() const {
  return static_cast<size_t>(std::count(error.begin(), error.end(), '\n'));
}

ProgramTest::ProgramTest() {
  std::string name = (fs::temp_directory_path() / "mnist-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = name;
}

ProgramTest::~ProgramTest() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void ProgramTest::expect(int exit_code, const std::vector<std::string>& arguments,
                         const std::string& what) const {
  const Result result = run(arguments);
  const std::string command = testing::PrintToString(arguments);
  EXPECT_EQ(result.exit_code, exit_code) << command << "\n" << result.error;
  EXPECT_EQ(result.out, "") << command;
  EXPECT_EQ(result.error_lines(), 1U) << command << "\n" << result.error;
  EXPECT_THAT(result.error, testing::StartsWith("mnist: ")) << command;
  EXPECT_THAT(result.error, testing::HasSubstr(what)) << command;
  EXPECT_LE(result.error.size(), 500U) << command;
}

pid_t ProgramTest::start(const std::vector<std::string>& arguments,
                         const RunOptions& options) const {
  write(".input", options.input);
  write("out", "");
  write("error", "");
  std::vector<std::string> words = {MNIST_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t process = ::fork();
  if (process != 0) return process;
  if (::chdir(folder_.c_str()) != 0) ::_exit(126);
  redirect(".input", O_RDONLY, STDIN_FILENO);
  redirect(options.out_to, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(options.error_to, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  // No data sets of this machine, and no network.
  ::unsetenv("MNIST_DATA_DIR");
  ::setenv("HOME", folder_.c_str(), 1);
  ::setenv("MNIST_CACHE_DIR", (folder_ / "cache").c_str(), 1);
  ::setenv("MNIST_MIRROR", "http://127.0.0.1:9", 1);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.largest_file != 0) {
    const rlimit limit = {options.largest_file, options.largest_file};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ::execv(pointers.front(), pointers.data());
  ::_exit(127);
}

Result ProgramTest::wait_for(pid_t process) const {
  int status = 0;
  ::waitpid(process, &status, 0);
  Result result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read("out");
  result.error = read("error");
  return result;
}

Result ProgramTest::run(const std::vector<std::string>& arguments,
                        const RunOptions& options) const {
  return wait_for(start(arguments, options));
}

std::string ProgramTest::read(const std::string& name) const {
  std::ifstream file(path(name), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void ProgramTest::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
}

void ProgramTest::write_model(const std::string& name, const std::string& architecture) const {
  Model model = make_architecture(architecture);
  initialize_weights(model, 1);
  save_model(model, path(name));
}

void ProgramTest::write_digits(const std::string& name, size_t count) const {
  const Dataset digits = synthetic_digits(count, 1);
  write_idx_images(path(name + "-images"), digits.height, digits.width, digits.pixels);
  write_idx_labels(path(name + "-labels"), digits.labels);
}

nlohmann::json parsed(const std::string& text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << text;
  return json;
}

std::vector<std::string> keys(const nlohmann::json& object) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object.items()) names.push_back(key);
  return names;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

}  // namespace mnist
