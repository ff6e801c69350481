// mnist convert: a model from one file format to another.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "cli/standard_streams.h"
#include "cli/verify.h"
#include "formats/format_list.h"
#include "mnist/model_file.h"
#include "train/checkpoint.h"

namespace mnist {
namespace {

// Beyond this share of the greatest logit, two float32 computations of one network differ by more
// than the order of their sums explains.
constexpr double kTolerance = 1e-4;

struct Options {
  std::string in;
  std::string out;
  std::string format;
  std::string type = "f32";
  std::string layout;
  bool with_preprocessing = false;
  bool keep_run = false;
  bool no_verify = false;
  bool json = false;
  DataArguments data;
  ModelArguments opening;
  RunArguments run;
};

// The older layout of mnist-cnn stores kernels as float16, whatever --type says.
bool is_lossy(const SaveOptions& save) {
  return save.tensor_type != TensorType::kF32 || !save.layout.empty();
}

void expect_equal(const Options& options, const Comparison& comparison) {
  const double allowed = kTolerance * std::max(1.0, comparison.greatest_logit);
  if (comparison.greatest_difference <= allowed) return;
  throw Error(fmt::format("{}: not written: read back, it gives other logits than {}: {:.3g} apart",
                          options.out, options.in, comparison.greatest_difference));
}

// The first of them, each safe to print.
std::string shown(const std::vector<std::string>& weights) {
  constexpr size_t kMostShown = 8;
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(weights.size(), kMostShown); ++i) {
    names.push_back(printable(weights[i], 80));
  }
  if (weights.size() > kMostShown) {
    names.push_back(fmt::format("and {} more", weights.size() - kMostShown));
  }
  return join(names);
}

std::string report(const Options& options, const SaveOptions& save, size_t bytes,
                   const std::vector<KeptFloat32>& kept,
                   const std::optional<Verification>& verification) {
  std::string text = fmt::format("{}: {} bytes\n", options.out, grouped(bytes));
  for (const KeptFloat32& group : kept) {
    text += fmt::format("stored as f32: {}: {}\n", shown(group.weights), group.reason);
  }
  if (!verification) return text;
  const Comparison& compared = verification->comparison;
  const double percent = 100.0 / static_cast<double>(compared.images);
  text += fmt::format(
      "{} on {} images ({}): logits differ by at most {:.3g} (of up to {:.3g}), "
      "{:.2f} % equal classes\n",
      verification->was_read ? "read back and run" : "its weights run", grouped(compared.images),
      verification->images, compared.greatest_difference, compared.greatest_logit,
      percent * static_cast<double>(compared.equal_classes));
  if (is_lossy(save) && verification->has_labels) {
    text += fmt::format("accuracy {:.2f} % before, {:.2f} % after\n",
                        percent * static_cast<double>(compared.correct_first),
                        percent * static_cast<double>(compared.correct_second));
  }
  return text;
}

void print_object(const Options& options, size_t bytes, const std::vector<KeptFloat32>& kept,
                  const std::optional<Verification>& verification) {
  OutputJson object = {{"in", options.in}, {"out", options.out}, {"bytes", bytes}};
  object["stored_as_f32"] = OutputJson::array();
  for (const KeptFloat32& group : kept) {
    for (const std::string& weight : group.weights) object["stored_as_f32"].push_back(weight);
  }
  object["verified"] = verification.has_value();
  if (verification) {
    const Comparison& compared = verification->comparison;
    object["images"] = compared.images;
    object["data"] = verification->images;
    object["greatest_difference"] = compared.greatest_difference;
    object["greatest_logit"] = compared.greatest_logit;
    object["equal_classes"] = compared.equal_classes;
    if (verification->has_labels) {
      object["correct_before"] = compared.correct_first;
      object["correct_after"] = compared.correct_second;
    }
  }
  print_json(object);
}

SaveOptions save_options(const Options& options) {
  SaveOptions save;
  save.tensor_type = as_usage([&] { return parse_tensor_type(options.type); });
  save.layout = options.layout;
  save.with_preprocessing = options.with_preprocessing;
  save.format = options.format;
  if (!save.format.empty()) as_usage([&] { format_by_name(save.format); });
  return save;
}

// The checkpoint IN as OUT, to go on with the run from there.
std::vector<std::byte> run_bytes(const Options& options, const SaveOptions& save) {
  const std::string format = format_for(options.out, save).name;
  const bool is_json = format == "json";
  if ((!is_json && format != "gguf") || is_lossy(save)) {
    throw UsageError("--keep-run: gguf and json hold a run, with float32 weights");
  }
  return checkpoint_bytes(load_checkpoint(options.in),
                          is_json ? CheckpointForm::kJson : CheckpointForm::kGguf);
}

void run(const Options& options) {
  const SaveOptions save = save_options(options);
  if (options.no_verify && !options.data.is_default()) {
    throw UsageError("--data: not with --no-verify, which runs nothing");
  }
  if (options.json && options.out == "-") {
    throw UsageError("--json and OUT '-': both would go to standard output");
  }
  StatusLine status(options.json);
  const Model model = open_model(options.in, options.opening, options.run, status);
  const std::vector<std::byte> bytes =
      options.keep_run ? run_bytes(options, save) : model_bytes(model, options.out, save);
  std::optional<Verification> verification;
  if (!options.no_verify) {
    verification = verify(model, bytes, options.out, save, options.data, options.run, status);
    if (!is_lossy(save)) expect_equal(options, verification->comparison);
  }
  write_file(options.out, [&](Sink& sink) { sink.write(bytes); });
  const std::vector<KeptFloat32> kept = kept_float32(model, options.out, save);
  if (options.json) {
    print_object(options, bytes.size(), kept, verification);
  } else {
    // Standard output may be where the model went.
    const std::string text = report(options, save, bytes.size(), kept, verification);
    if (options.out == "-") {
      write_error(text);
    } else {
      write_output(text);
    }
  }
}

}  // namespace

void add_convert(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("convert", "Write a model in another format or type");
  command.argument("IN", options->in, "A model of any format ('mnist formats')");
  command.argument("OUT", options->out, "Its suffix chooses the format");
  command.text("--format", options->format, "NAME", "A format's name, whatever OUT is called");
  command.text("--type", options->type, "TYPE",
               "How weights are stored: " + join(tensor_type_names()));
  command.text("--layout", options->layout, "NAME", "gguf: 2023 is ggml's older mnist-cnn");
  command.flag("--with-preprocessing", options->with_preprocessing,
               "onnx, keras: the network reads pixels 0..255, their scaling becomes a part of it");
  command.flag("--keep-run", options->keep_run,
               "gguf, json: also what a checkpoint's training run needs to go on");
  command.flag("--no-verify", options->no_verify, "Do not run what was written");
  add_data_options(command, options->data);
  add_model_options(command, options->opening, ModelUse::kAsItIs);
  add_run_options(command, options->run);
  command.flag("--json", options->json, "Print one JSON object and nothing else");
  command.usage(
      "convert IN OUT [OPTIONS]",
      "  mnist convert mnist-cnn.gguf small.gguf --type f16\n"
      "  mnist convert mnist-cnn.gguf mnist-cnn.onnx --with-preprocessing\n"
      "  mnist convert weights.safetensors net.gguf --calibrate mnist\n"
      "\nBefore OUT is written its content is read back and runs beside IN, on the test\n"
      "images of --data (default: MNIST where it lies on this machine, else digits that\n"
      "the program draws). Logits that differ by more than rounding are an error, unless\n"
      "--type asks for less than float32.");
  command.action([options] { run(*options); });
}

}  // namespace mnist
