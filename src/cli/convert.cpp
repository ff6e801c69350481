// mnist convert: a model from one file format to another.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/commands.h"
#include "formats/format_list.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

struct Options {
  std::string in;
  std::string out;
  std::string format;
  std::string type = "f32";
};

void run(const Options& options) {
  SaveOptions save;
  save.tensor_type = as_usage([&] { return parse_tensor_type(options.type); });
  save.format = options.format;
  if (!save.format.empty()) as_usage([&] { format_by_name(save.format); });
  save_model(load_model(options.in), options.out, save);
}

}  // namespace

void add_convert(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("convert", "Write a model in another format or type");
  command.argument("IN", options->in, "A model of any format ('mnist formats')");
  command.argument("OUT", options->out, "Its suffix chooses the format");
  command.text("--format", options->format, "NAME", "A format's name, whatever OUT is called");
  command.text("--type", options->type, "TYPE", "How weights are stored: f32, f16 or bf16");
  command.usage("convert IN OUT [OPTIONS]",
                "  mnist convert mnist-cnn.gguf small.gguf --type f16\n"
                "  mnist convert mnist-cnn.gguf mnist-cnn.json");
  command.action([options] { run(*options); });
}

}  // namespace mnist
