#include "cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <sstream>
#include <vector>

#include "base/text.h"
#include "cli/standard_streams.h"

namespace mnist {
namespace {

constexpr size_t kHelpColumn = 32;

constexpr char kEnvironment[] = R"(Environment:
  MNIST_DATA_DIR                The folder of MNIST's IDX files for '--data mnist'
  MNIST_CACHE_DIR               Where downloads go (default: $XDG_CACHE_HOME/mnist.cpp,
                                else ~/.cache/mnist.cpp)
  MNIST_MIRROR                  Download from this address: $MNIST_MIRROR/NAME/FILE
  TORCH_HOME, KERAS_HOME        Where copies of MNIST are looked for, too
  TMPDIR                        Where a trained model goes that its own folder does not take
  NO_COLOR, TERM, COLUMNS       No colours; 'dumb' is no terminal; its width
)";

// CLI11's own words for the arguments would be "[OPTIONS] MODEL [FILES...]".
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) {}
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: mnist " + usage_ + "\n";
  }

 private:
  std::string usage_;
};

// The command that the arguments chose, else the program.
const CLI::App& chosen_command(const CLI::App& program) {
  const CLI::App* command = &program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

// "mnist", "mnist train", "mnist data list"
std::string command_name(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  return command_name(*command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(below->get_name());
  }
  return names;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = nearest_word(word, known);
  return nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest);
}

// What is wrong with arguments that nothing was made of; "" if there are none.
std::string describe_extras(const CLI::App& command) {
  const std::vector<std::string> extras = command.remaining(true);
  for (const std::string& extra : extras) {
    if (!extra.starts_with('-') || extra.size() < 2) continue;
    const std::string name = extra.substr(0, extra.find('='));
    return fmt::format("unknown option '{}'{}", name, suggestion(name, option_names(command)));
  }
  if (extras.empty()) return "";
  const std::vector<std::string> commands = command_names(command);
  if (!commands.empty()) {
    const std::string near = suggestion(extras.front(), commands);
    return fmt::format("unknown command '{}'{}", extras.front(),
                       near.empty() ? ": " + join(commands) + " are known" : near);
  }
  return fmt::format("'{}' is one argument too many", extras.front());
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (text.ends_with(' ') || text.ends_with('.')) text.pop_back();
  return text;
}

// `names` are an option's as CLI11 takes them: "--epochs,--nb-epochs".
[[noreturn]] void fail_value(const std::string& names, const std::string& text,
                             const std::string& wanted) {
  const size_t first = names.find("--");
  const std::string name = names.substr(first, names.find(',', first) - first);
  throw UsageError(fmt::format("{}: {} expected, got '{}'", name, wanted, text));
}

template <typename Number>
Number parse_number(const std::string& names, const std::string& text, const std::string& wanted) {
  Number number{};
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) fail_value(names, text, wanted);
  return number;
}

// The one line about what was wrong, given what CLI11 found.
std::string usage_message(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(program);
  std::string reason = describe_extras(command);
  if (reason.empty()) reason = one_line(error.what());
  return fmt::format("{} ('{} --help' shows what is possible)", reason, command_name(command));
}

}  // namespace

Command Command::add_command(const std::string& name, const std::string& help) {
  return {*app_->add_subcommand(name, help), *chosen_};
}

void Command::argument(const std::string& name, std::string& text, const std::string& help) {
  app_->add_option(name, text, help)->required()->type_name("");
}

void Command::arguments(const std::string& name, std::vector<std::string>& texts,
                        const std::string& help, Need need) {
  app_->add_option(name, texts, help)->required(need == Need::kRequired)->type_name("");
}

void Command::flag(const std::string& names, bool& is_given, const std::string& help) {
  app_->add_flag(names, is_given, help);
}

void Command::text(const std::string& names, std::string& text, const std::string& value,
                   const std::string& help, Need need) {
  app_->add_option(names, text, help)->type_name(value)->required(need == Need::kRequired);
}

void Command::choice(const std::string& names, std::string& text,
                     const std::vector<std::string>& choices, const std::string& help) {
  CLI::callback_t choose = [&text, names, choices](const CLI::results_t& given) {
    text = given.front();
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return true;
    fail_value(names, text, join(choices, " or "));
  };
  app_->add_option(names, choose, help)->type_name(join(choices, "|"))->expected(1);
}

void Command::count(const std::string& names, std::optional<uint64_t>& count, uint64_t least,
                    uint64_t most, const std::string& help) {
  const std::string wanted = fmt::format("a whole number from {} to {}", least, most);
  CLI::callback_t parse = [&count, names, wanted, least, most](const CLI::results_t& given) {
    count = parse_number<uint64_t>(names, given.front(), wanted);
    if (*count < least || *count > most) fail_value(names, given.front(), wanted);
    return true;
  };
  app_->add_option(names, parse, help)->type_name("N")->expected(1);
}

void Command::number(const std::string& names, std::optional<double>& number, double least,
                     double most, const std::string& help) {
  const std::string wanted = fmt::format("a number from {} to {}", least, most);
  CLI::callback_t parse = [&number, names, wanted, least, most](const CLI::results_t& given) {
    number = parse_number<double>(names, given.front(), wanted);
    if (!(*number >= least && *number <= most)) fail_value(names, given.front(), wanted);
    return true;
  };
  app_->add_option(names, parse, help)->type_name("X")->expected(1);
}

void Command::usage(const std::string& usage, const std::string& footer) {
  auto formatter = std::make_shared<HelpFormatter>(usage);
  formatter->column_width(kHelpColumn);
  app_->formatter(formatter);
  app_->footer("Examples:\n" + footer);
}

void Command::set_action(std::function<int()> run) {
  app_->callback([run = std::move(run), chosen = chosen_] { *chosen = run; });
}

void Command::require_command() { app_->require_subcommand(1); }

Program::Program(const std::string& name, const std::string& help,
                 std::function<std::string()> version)
    : app_(std::make_unique<CLI::App>(help, name)) {
  app_->set_help_flag("-h,--help", "Show this help");
  app_->set_version_flag("--version", std::move(version),
                         "Show version, instruction set and backends");
  app_->get_formatter()->column_width(kHelpColumn);
  app_->require_subcommand(0, 1);
  app_->footer(
      fmt::format("{}\n'{} COMMAND --help' says more about a command.", kEnvironment, name));
}

Program::~Program() = default;

Command Program::root() { return {*app_, chosen_}; }

int Program::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    if (chosen_) return chosen_();
    write_output(app_->help());
    return kExitDone;
  } catch (const UsageError& error) {
    print_error(error.what());
  } catch (const CLI::Success& wanted) {
    std::ostringstream text;  // --help, --version
    const int exit_code = app_->exit(wanted, text, text);
    write_output(text.str());
    return exit_code;
  } catch (const CLI::ParseError& error) {
    print_error(usage_message(*app_, error));
  }
  return kExitUsage;
}

void print_error(std::string_view message) {
  write_error(fmt::format("mnist: {}\n", Error(message).what()));
}

}  // namespace mnist
