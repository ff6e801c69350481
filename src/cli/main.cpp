// The program: finds the command, and turns what goes wrong into one line and an exit code.
#include <fmt/format.h>

#include <csignal>
#include <new>
#include <string>

#include "base/simd.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/standard_streams.h"
#include "engine/backend.h"

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

void add_commands(Command program) {
  add_train(program);
  add_eval(program);
  add_predict(program);
  add_draw(program);
  add_serve(program);
  add_info(program);
  add_graph(program);
  add_convert(program);
  add_formats(program);
  add_data(program);
  add_bench(program);
}

int run(int argc, char** argv) {
  reserve_standard_streams();
  // A file that reaches `ulimit -f` is then an error of write() that gets its line, not a crash.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    Program program("mnist", "Trains, evaluates and runs classifiers of images of MNIST's kind.",
                    version);
    add_commands(program.root());
    const int exit_code = program.run(argc, argv);
    check_output();
    return exit_code;
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
