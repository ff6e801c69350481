// The command line: commands, their arguments and options, help, and what is said when they are
// wrong. CLI11 does the parsing; only command.cpp knows it, because including it costs seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mnist/error.h"

namespace CLI {
class App;
}

namespace mnist {

inline constexpr int kExitDone = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

// Wrong usage of the command line, as opposed to files that are wrong: the program ends with
// kExitUsage.
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

// A command to be described. What the user gives is written to the variables, which must outlive
// the parsing; what is not given leaves its variable alone.
//
// `names` of options are "-q,--quiet"; `value` is what the help calls the option's value.
class Command {
 public:
  Command(CLI::App& app, std::function<int()>& chosen) : app_(&app), chosen_(&chosen) {}

  Command add_command(const std::string& name, const std::string& help);

  void argument(const std::string& name, std::string& text, const std::string& help);
  enum class Need { kOptional, kRequired };
  void arguments(const std::string& name, std::vector<std::string>& texts, const std::string& help,
                 Need need);

  void flag(const std::string& names, bool& is_given, const std::string& help);
  void text(const std::string& names, std::string& text, const std::string& value,
            const std::string& help, Need need = Need::kOptional);
  void choice(const std::string& names, std::string& text, const std::vector<std::string>& choices,
              const std::string& help);
  // A whole number from `least` to `most`; any number in that range.
  void count(const std::string& names, std::optional<uint64_t>& count, uint64_t least,
             uint64_t most, const std::string& help);
  void number(const std::string& names, std::optional<double>& number, double least, double most,
              const std::string& help);

  // What the help begins and ends with: `usage` is what stands behind "mnist"; `footer` has
  // examples, a command line each, and notes.
  void usage(const std::string& usage, const std::string& footer);

  // What the command does; it may return the program's exit code.
  template <typename Run>
  void action(Run run) {
    if constexpr (std::is_void_v<decltype(run())>) {
      set_action([run = std::move(run)] {
        run();
        return kExitDone;
      });
    } else {
      set_action(std::move(run));
    }
  }
  // For a command that does nothing itself: one of those below it must be given.
  void require_command();

 private:
  void set_action(std::function<int()> run);

  CLI::App* app_;
  std::function<int()>* chosen_;  // the action of the command that the user gave
};

// A whole program. Exit codes: kExitDone, also for help and version; kExitUsage and one line on
// standard error for wrong arguments; else what the command's action returns. Its exceptions other
// than UsageError pass through.
class Program {
 public:
  Program(const std::string& name, const std::string& help, std::function<std::string()> version);
  ~Program();

  Command root();
  int run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  std::function<int()> chosen_;
};

// "mnist: message" on standard error, on one line whatever is in it.
void print_error(std::string_view message);

}  // namespace mnist
