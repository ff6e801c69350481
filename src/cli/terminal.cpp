#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "cli/standard_streams.h"

namespace mnist {
namespace {

constexpr size_t kNarrowest = 20;
constexpr size_t kWidest = 1000;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

size_t width_of(int file) {
  const std::string_view columns = environment("COLUMNS");
  size_t width = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  struct winsize size {};
  if (width == 0 && ::ioctl(file, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  return width == 0 ? 80 : std::clamp(width, kNarrowest, kWidest);
}

Terminal examine(int file) {
  Terminal terminal;
  terminal.is_terminal = ::isatty(file) == 1 && environment("TERM") != "dumb";
  terminal.has_colour = terminal.is_terminal && environment("NO_COLOR").empty();
  terminal.width = width_of(file);
  return terminal;
}

}  // namespace

Terminal output_terminal() { return examine(STDOUT_FILENO); }
Terminal error_terminal() { return examine(STDERR_FILENO); }

std::string coloured(const Terminal& terminal, Colour colour, std::string_view text) {
  if (!terminal.has_colour) return std::string(text);
  const int code = colour == Colour::kGreen ? 32 : colour == Colour::kRed ? 31 : 1;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

StatusLine::StatusLine(bool quiet) : terminal_(error_terminal()), quiet_(quiet) {}

StatusLine::~StatusLine() { clear(); }

void StatusLine::show(const std::string& text) {
  if (quiet_ || !terminal_.is_terminal) return;
  write_error(fmt::format("\r{}\x1b[K", text));
  is_shown_ = true;
}

void StatusLine::print(const std::string& text) {
  if (quiet_) return;
  clear();
  write_error(text + "\n");
}

void StatusLine::warn(const std::string& text) {
  clear();
  write_error(fmt::format("mnist: {}\n", text));
}

void StatusLine::clear() {
  if (is_shown_) write_error("\r\x1b[K");
  is_shown_ = false;
}

}  // namespace mnist
