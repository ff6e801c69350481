// mnist convert: a model from one file format to another.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/usage.h"
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

void add_convert(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("convert", "Write a model in another format or type");
  command->add_option("IN", options->in, "A model of any format ('mnist formats')")->required();
  command->add_option("OUT", options->out, "Its suffix chooses the format")->required();
  command->add_option("--format", options->format, "A format's name, whatever OUT is called")
      ->type_name("NAME");
  command->add_option("--type", options->type, "How weights are stored: f32, f16 or bf16")
      ->type_name("TYPE");
  describe_usage(*command, "convert IN OUT [OPTIONS]",
                 "  mnist convert mnist-cnn.gguf small.gguf --type f16\n"
                 "  mnist convert mnist-cnn.gguf mnist-cnn.json");
  command->callback([options] { run(*options); });
}

}  // namespace mnist
