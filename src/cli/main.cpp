// The program: finds the command, and turns what goes wrong into one line and an exit code.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "base/simd.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/usage.h"
#include "engine/backend.h"
#include "mnist/error.h"

namespace mnist {
namespace {

std::string version() {
  std::string backends;
  for (const Backend* backend : available_backends()) {
    backends += (backends.empty() ? "" : ", ") + backend->name();
  }
  return fmt::format("mnist {}\ninstruction set: {}\nbackends: {}", MNIST_VERSION, simd_name(),
                     backends);
}

void add_commands(CLI::App& program) {
  add_train(program);
  add_eval(program);
  add_predict(program);
  add_info(program);
  add_graph(program);
  add_convert(program);
  add_formats(program);
  add_data(program);
}

void print_error(std::string_view message) {
  fmt::print(stderr, "mnist: {}\n", Error(message).what());
}

int parse(CLI::App& program, int argc, char** argv) {
  try {
    program.parse(argc, argv);
    if (argc < 2) fmt::print("{}", program.help());
    return 0;
  } catch (const UsageError& error) {
    print_error(error.what());
    return kExitUsage;
  } catch (const CLI::RuntimeError& request) {
    return request.get_exit_code();  // of a command that ends early: what to say was said
  } catch (const CLI::Success& wanted) {
    return program.exit(wanted);  // --help, --version
  } catch (const CLI::ParseError& error) {
    print_error(usage_message(program, error));
    return kExitUsage;
  }
}

int run(int argc, char** argv) {
  CLI::App program("Trains, evaluates and runs classifiers of images of MNIST's kind.", "mnist");
  program.set_help_flag("-h,--help", "Show this help");
  program.set_version_flag("--version", version, "Show version, instruction set and backends");
  program.get_formatter()->column_width(32);
  program.require_subcommand(0, 1);
  add_commands(program);
  program.footer("'mnist COMMAND --help' says more about a command.");
  try {
    int status = parse(program, argc, argv);
    if (std::fflush(stdout) != 0) {
      throw Error(fmt::format("standard output: cannot be written: {}", std::strerror(errno)));
    }
    return status;
  } catch (const std::bad_alloc&) {
    print_error("not enough memory");
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  return kExitError;
}

}  // namespace
}  // namespace mnist

int main(int argc, char** argv) { return mnist::run(argc, argv); }
