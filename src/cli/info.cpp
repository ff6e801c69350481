// mnist info: what a model consists of.
#include <fmt/format.h>

#include <memory>

#include "base/text.h"
#include "cli/about_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "mnist/describe.h"
#include "model/draw.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

constexpr size_t kLongestValue = 200;

struct Options {
  std::string model;
  ModelArguments opening;
  bool json = false;
  bool graph = false;
};

void print_text(const Options& options, const Model& model, const std::vector<NodeFacts>& facts) {
  fmt::print("{}: {}\n\n{}\n", options.model, printable(model.architecture, 80),
             layer_table(model, facts));
  fmt::print("input = pixel * {:.6g} + {:.6g}\n", model.pixels.scale, model.pixels.offset);
  if (!model.class_names.empty()) {
    fmt::print("classes: {}\n", printable(join(model.class_names), kLongestValue));
  }
  for (const auto& [key, value] : model.metadata) {
    fmt::print("{}: {}\n", printable(key, 80), printable(value, kLongestValue));
  }
}

void print_object(const Options& options, const Model& model, const std::vector<NodeFacts>& facts) {
  OutputJson layers = OutputJson::array();
  uint64_t macs = 0;
  for (size_t i = 0; i < facts.size(); ++i) {
    macs += facts[i].macs;
    layers.push_back({{"name", model.nodes[i].name},
                      {"type", model.nodes[i].type},
                      {"output_shape", facts[i].output_shape},
                      {"parameters", facts[i].parameters},
                      {"macs", facts[i].macs}});
  }
  print_json({{"model", options.model},
              {"architecture", model.architecture},
              {"input_shape", model.input_shape},
              {"pixel_scale", model.pixels.scale},
              {"pixel_offset", model.pixels.offset},
              {"parameters", model.parameter_count()},
              {"macs", macs},
              {"layers", layers},
              {"class_names", model.class_names},
              {"metadata", model.metadata}});
}

void run(const Options& options) {
  if (options.graph && options.json) throw UsageError("--graph and --json: give one of the two");
  const Model model = open_network(options.model, options.opening);
  if (options.graph) {
    fmt::print("{}", graph_to_json(model));
    return;
  }
  const std::vector<NodeFacts> facts = about_file(options.model, [&] { return describe(model); });
  if (options.json) {
    print_object(options, model, facts);
  } else {
    print_text(options, model, facts);
  }
}

}  // namespace

void add_info(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("info", "Show the layers of a model and their cost");
  command.argument("MODEL", options->model,
                   "A model of any format ('mnist formats'), a JSON description, or an "
                   "architecture's name");
  add_model_options(command, options->opening, ModelUse::kAsItIs);
  command.flag("--json", options->json, "Print one JSON object and nothing else");
  command.flag("--graph", options->graph,
               "Print the network as a JSON description that 'mnist train' takes");
  command.usage("info MODEL [OPTIONS]",
                "  mnist info mnist-cnn.gguf\n"
                "  mnist info mnist-cnn.gguf --json | jq .parameters\n"
                "  mnist info mnist-cnn --graph > net.json");
  command.action([options] { run(*options); });
}

}  // namespace mnist
