// mnist graph: a picture of a network.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "cli/about_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/open_model.h"
#include "mnist/describe.h"
#include "model/draw.h"

namespace mnist {
namespace {

struct Options {
  std::string model;
  ModelArguments opening;
  std::string out;
};

void run(const Options& options) {
  const std::string suffix = std::filesystem::path(options.out).extension().string();
  const bool is_svg = suffix == ".svg";
  if (!is_svg && suffix != ".dot" && options.out != "-") {
    throw UsageError(
        fmt::format("-o {}: a name that ends with .dot or .svg expected", options.out));
  }
  const Model model = open_network(options.model, options.opening);
  const std::vector<NodeFacts> facts = about_file(options.model, [&] { return describe(model); });
  const std::string text = is_svg ? draw_svg(model, facts) : draw_dot(model, facts);
  write_file(options.out, [&](Sink& sink) { sink.write(text); });
}

}  // namespace

void add_graph(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("graph", "Draw a network");
  command.argument("MODEL", options->model,
                   "A model, a JSON description, or an architecture's name");
  command.text("-o,--out", options->out, "FILE",
               "FILE.svg, FILE.dot, or - for dot on standard output", Command::Need::kRequired);
  add_model_options(command, options->opening, ModelUse::kAsItIs);
  command.usage("graph MODEL -o FILE [OPTIONS]",
                "  mnist graph mnist-cnn.gguf -o cnn.svg\n"
                "  mnist graph lenet5 -o - | dot -Tpdf -o lenet5.pdf");
  command.action([options] { run(*options); });
}

}  // namespace mnist
