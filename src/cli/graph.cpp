// mnist graph: a picture of a network.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/network.h"
#include "cli/usage.h"
#include "mnist/describe.h"
#include "model/draw.h"

namespace mnist {
namespace {

struct Options {
  std::string model;
  std::string out;
};

void run(const Options& options) {
  const std::string suffix = std::filesystem::path(options.out).extension().string();
  const bool is_svg = suffix == ".svg";
  if (!is_svg && suffix != ".dot" && options.out != "-") {
    throw UsageError(
        fmt::format("-o {}: a name that ends with .dot or .svg expected", options.out));
  }
  const Model model = load_network(options.model);
  const std::vector<NodeFacts> facts = describe(model);
  const std::string text = is_svg ? draw_svg(model, facts) : draw_dot(model, facts);
  write_file(options.out, [&](Sink& sink) { sink.write(text); });
}

}  // namespace

void add_graph(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("graph", "Draw a network");
  command
      ->add_option("MODEL", options->model,
                   "A model, a JSON description, or an architecture's name")
      ->required();
  command
      ->add_option("-o,--out", options->out, "FILE.svg, FILE.dot, or - for dot on standard output")
      ->type_name("FILE")
      ->required();
  describe_usage(*command, "graph MODEL -o FILE",
                 "  mnist graph mnist-cnn.gguf -o cnn.svg\n"
                 "  mnist graph lenet5 -o - | dot -Tpdf -o lenet5.pdf");
  command->callback([options] { run(*options); });
}

}  // namespace mnist
