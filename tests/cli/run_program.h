// Runs the program as a user does, and makes the files that the tests hand to it.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

struct Result {
  int exit_code = 0;  // 128 + the signal's number if one ended it
  std::string out;
  std::string error;

  // Lines of `error`.
  size_t error_lines() const;
};

struct RunOptions {
  std::string input;                               // standard input
  std::map<std::string, std::string> environment;  // besides the tests' own
  uint64_t largest_file = 0;  // bytes that a file may have, as ulimit -f; 0: no limit
  // Where standard output and error go; "" closes them.
  std::string out_to = "out";
  std::string error_to = "error";
};

// A test with an empty folder of its own, in which the program runs.
class ProgramTest : public testing::Test {
 protected:
  ProgramTest();
  ~ProgramTest() override;

  Result run(const std::vector<std::string>& arguments, const RunOptions& options = {}) const;
  // Starts it and does not wait. Its output goes to the files "out" and "error".
  pid_t start(const std::vector<std::string>& arguments, const RunOptions& options = {}) const;
  Result wait_for(pid_t process) const;

  // What it refuses: with this exit code, nothing on standard output, and one short line on
  // standard error that contains `what`.
  void expect(int exit_code, const std::vector<std::string>& arguments,
              const std::string& what) const;

  // Paths in the folder are relative to it, as in the program's arguments.
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::string read(const std::string& name) const;
  void write(const std::string& name, const std::string& text) const;

  // An untrained network, saved as `name`.
  void write_model(const std::string& name, const std::string& architecture = "mnist-mlp") const;
  // `count` synthetic digits as NAME-images and NAME-labels.
  void write_digits(const std::string& name, size_t count) const;

 private:
  std::filesystem::path folder_;
};

// `text` as JSON; fails the test, giving null, if it is none.
nlohmann::json parsed(const std::string& text);

// The keys of an object, in their order in the alphabet.
std::vector<std::string> keys(const nlohmann::json& object);

std::vector<std::string> lines(const std::string& text);

}  // namespace mnist
