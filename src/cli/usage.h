// Wrong usage of the command line, as opposed to files that are wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mnist/error.h"

namespace mnist {

inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

// The program ends with kExitUsage.
class UsageError : public Error {
 public:
  using Error::Error;
};

// What `action` returns; an Error that it throws becomes a UsageError. For looking up names that
// the user wrote.
template <typename Action>
auto as_usage(Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

// The one line that says what was wrong with the arguments, given what CLI11 found.
std::string usage_message(const CLI::App& program, const CLI::ParseError& error);

// An option with a whole number from `least` to `most`, or any number in that range. Without the
// option `value` stays as it is.
CLI::Option* add_count(CLI::App& command, const std::string& names, std::optional<uint64_t>& value,
                       uint64_t least, uint64_t most, const std::string& help);
CLI::Option* add_number(CLI::App& command, const std::string& names, std::optional<double>& value,
                        double least, double most, const std::string& help);

// What the help of a command begins and ends with: `usage` is what stands behind "mnist", `footer`
// has examples, a command line each, and notes.
void describe_usage(CLI::App& command, const std::string& usage, const std::string& footer);

}  // namespace mnist
