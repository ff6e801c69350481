// mnist draw: the page in the browser.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "classify/adapt_input.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/page.h"
#include "cli/serving.h"
#include "cli/standard_streams.h"
#include "mnist/builtin.h"

namespace mnist {
namespace {

constexpr char kOpener[] = "xdg-open";

struct Options {
  std::optional<uint64_t> port;
  bool is_browser_off = false;
};

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = path == nullptr ? "" : path;
  while (!folders.empty()) {
    const std::string folder = folders.substr(0, folders.find(':'));
    folders.erase(0, folder.size() + 1);
    const std::string file = fmt::format("{}/{}", folder, name);
    if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

// Whether there is a screen that a browser could be on.
bool has_display() {
  const char* x11 = std::getenv("DISPLAY");
  const char* wayland = std::getenv("WAYLAND_DISPLAY");
  return (x11 != nullptr && *x11 != '\0') || (wayland != nullptr && *wayland != '\0');
}

// Whether a browser was told to open `url`. It is not waited for.
bool open_browser(std::string url) {
  const std::optional<std::string> opener = find_program(kOpener);
  if (!opener || !has_display()) return false;
  std::string name = kOpener;
  char* const arguments[] = {name.data(), url.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  // The opener, a script, waits for what it starts.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGCHLD);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const bool is_started =
      ::posix_spawn(&process, opener->c_str(), &actions, &attributes, arguments, environ) == 0;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return is_started;
}

// The page's own, so that each can run in it and here.
std::vector<NamedModel> page_models() {
  std::vector<NamedModel> models = {
      {"mnist-best", grey_input(builtin_model(), "the built-in model")}};
  for (const std::string name : {"mnist-cnn", "mnist-fc"}) {
    if (const auto model = page_model(name + ".gguf")) {
      models.push_back({name, grey_input(*model, name)});
    }
  }
  return models;
}

void run(const Options& options) {
  ServingOptions serving;
  serving.http.port = static_cast<uint16_t>(options.port.value_or(0));
  // The browser's process is not waited for, so it must not stay as a zombie.
  std::signal(SIGCHLD, SIG_IGN);
  serving.has_page_models = true;
  serve_models(page_models(), serving, [&](const std::string& url) {
    const bool is_opened = !options.is_browser_off && open_browser(url);
    write_output(fmt::format("{} {} (Ctrl-C ends it)\n",
                             is_opened ? "drawing at" : "open this in a browser:", url));
  });
}

}  // namespace

void add_draw(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("draw", "Draw digits in the browser");
  command.count("-p,--port", options->port, 0, 65535,
                "Port of this machine to serve the page at (default: any that is free)");
  command.flag("--no-browser", options->is_browser_off, "Only print the address");
  command.usage("draw [OPTIONS]",
                "  mnist draw\n"
                "  mnist draw --no-browser --port 8080\n"
                "\nThe page is part of this program and reachable from this machine only.");
  command.action([options] { run(*options); });
}

}  // namespace mnist
