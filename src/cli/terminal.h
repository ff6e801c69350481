// What the terminal is like, and a line on it that is written again and again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mnist {

struct Terminal {
  bool is_terminal = false;  // false for files, pipes and TERM=dumb
  bool has_colour = false;   // not with NO_COLOR (no-color.org)
  size_t width = 80;         // columns
};

// Of standard output or standard error. The width is COLUMNS where that is set.
Terminal output_terminal();
Terminal error_terminal();

// A green, red or bold `text` where `terminal` has colours, else `text` itself.
enum class Colour { kGreen, kRed, kBold };
std::string coloured(const Terminal& terminal, Colour colour, std::string_view text);

// Messages and progress, on standard error: standard output is for results.
class StatusLine {
 public:
  // With `quiet` nothing but warnings is written.
  explicit StatusLine(bool quiet);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  const Terminal& terminal() const { return terminal_; }

  // On a terminal `text` replaces what the last call showed; elsewhere nothing happens.
  void show(const std::string& text);
  // A line that stays.
  void print(const std::string& text);
  // A line that stays and begins with "mnist: ", also with `quiet`.
  void warn(const std::string& text);
  void clear();

 private:
  Terminal terminal_;
  bool quiet_;
  bool is_shown_ = false;
};

}  // namespace mnist
