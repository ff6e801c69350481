#include "cli/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "base/text.h"

namespace mnist {
namespace {

constexpr size_t kHelpColumn = 32;

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
[[noreturn]] void fail_number(const std::string& names, const std::string& text,
                              const std::string& wanted) {
  throw UsageError(
      fmt::format("{}: {} expected, got '{}'", names.substr(0, names.find(',')), wanted, text));
}

template <typename Number>
Number parse_number(const std::string& names, const std::string& text, const std::string& wanted) {
  Number number{};
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) fail_number(names, text, wanted);
  return number;
}

}  // namespace

std::string usage_message(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(program);
  std::string reason = describe_extras(command);
  if (reason.empty()) reason = one_line(error.what());
  return fmt::format("{} ('{} --help' shows what is possible)", reason, command_name(command));
}

CLI::Option* add_count(CLI::App& command, const std::string& names, std::optional<uint64_t>& value,
                       uint64_t least, uint64_t most, const std::string& help) {
  const std::string wanted = fmt::format("a whole number from {} to {}", least, most);
  auto parse = [&value, names, wanted, least, most](const CLI::results_t& texts) {
    const uint64_t number = parse_number<uint64_t>(names, texts.front(), wanted);
    if (number < least || number > most) fail_number(names, texts.front(), wanted);
    value = number;
    return true;
  };
  return command.add_option(names, parse, help)->type_name("N")->expected(1);
}

CLI::Option* add_number(CLI::App& command, const std::string& names, std::optional<double>& value,
                        double least, double most, const std::string& help) {
  const std::string wanted = fmt::format("a number from {} to {}", least, most);
  auto parse = [&value, names, wanted, least, most](const CLI::results_t& texts) {
    const double number = parse_number<double>(names, texts.front(), wanted);
    if (!(number >= least && number <= most)) fail_number(names, texts.front(), wanted);
    value = number;
    return true;
  };
  return command.add_option(names, parse, help)->type_name("X")->expected(1);
}

void describe_usage(CLI::App& command, const std::string& usage, const std::string& footer) {
  auto formatter = std::make_shared<HelpFormatter>(usage);
  formatter->column_width(kHelpColumn);
  command.formatter(formatter);
  command.footer("Examples:\n" + footer);
}

}  // namespace mnist
