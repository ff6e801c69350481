// mnist eval: how well a model does on labelled images.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <random>

#include "base/random.h"
#include "base/simd.h"
#include "base/text.h"
#include "classify/evaluate.h"
#include "classify/match_classes.h"
#include "cli/about_file.h"
#include "cli/arguments.h"
#include "cli/ascii_art.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "cli/table.h"

namespace mnist {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> words;  // IMAGES LABELS BACKEND
  DataArguments data;
  ModelArguments opening;
  RunArguments run;
  std::string half;
  std::optional<uint64_t> seed;
  bool prepare = false;
  bool json = false;
  bool quiet = false;
};

struct Timing {
  double load_ms = 0.0;  // reading the model's file
  double eval_ms = 0.0;  // making it ready to run, and running all images
};

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// Sorts the words behind MODEL into images, labels and backend.
void sort_words(Options& options) {
  std::vector<std::string> words = options.words;
  const std::string backend = take_backend(words);
  if (!backend.empty()) options.run.backend = backend;
  std::error_code error;
  const bool is_file = words.size() == 1 && std::filesystem::exists(words[0], error);
  if (words.size() == 3 || (words.size() == 1 && !is_file)) {
    chosen_backend(words.back());  // it is none: says so
  }
  if (!words.empty() && words.size() != 2) {
    throw UsageError(fmt::format("IMAGES and LABELS expected behind MODEL, got {}", join(words)));
  }
  options.data.files = words;
}

Dataset load_images(const Options& options, const Model& model, StatusLine& status) {
  PrepareImage prepare;
  if (options.prepare) {
    const PrepareOptions how = prepare_options(input_size(model, options.model), options.model);
    prepare = [how](const Image& image) { return prepare_digit(image, how); };
  }
  DataSource source = chosen_source(options.data);
  if (!options.half.empty() && has_one_half(source)) {
    throw UsageError(fmt::format("--half {}: {} has no halves", options.half, source.text));
  }
  if (options.prepare && source.kind != DataSource::Kind::kImageFolder) {
    throw UsageError(fmt::format("--prepare: a folder of images expected, not {}", source.text));
  }
  const Split half = options.half == "train" ? Split::kTrain : Split::kTest;
  Dataset dataset = options.prepare ? load_half(options.data, source, half, status, prepare)
                                    : load_half_or_draw(options.data, source, half, status);
  match_classes(dataset, model, options.model);
  return dataset;
}

void print_random_image(const Options& options, const Dataset& dataset,
                        const std::vector<std::string>& names, const Evaluation& result) {
  const uint64_t seed = options.seed ? *options.seed : std::random_device()();
  const size_t index = Random(random_key(seed, RandomUse::kSample)).below(dataset.size());
  const std::span<const uint8_t> pixels = dataset.image(index);
  const Image image{dataset.height, dataset.width, {pixels.begin(), pixels.end()}};
  fmt::print("{}", ascii_art(image, output_terminal().width));
  const std::string file = dataset.files.empty() ? "" : " (" + dataset.files[index] + ")";
  fmt::print("image {}{}: {} predicted, {} is right\n\n", index, printable(file, 200),
             class_name(names, result.predictions[index]),
             class_name(names, dataset.labels[index]));
}

// One row: how the images of `label` were taken.
std::vector<std::string> class_row(const ClassResult& result, const std::vector<std::string>& names,
                                   size_t label) {
  const auto share = [&](size_t of) -> std::string {
    if (of == 0) return "-";
    return fmt::format("{:.2f} %",
                       100.0 * static_cast<double>(result.correct) / static_cast<double>(of));
  };
  const std::string confused =
      result.confused == 0
          ? "-"
          : fmt::format("{} ({} times)", class_name(names, result.confused_with), result.confused);
  return {class_name(names, label), std::to_string(result.images), share(result.predicted),
          share(result.images), confused};
}

// Of many classes only those that occur.
std::string class_table(const Evaluation& result, const Dataset& dataset,
                        const std::vector<std::string>& names) {
  constexpr size_t kMany = 100;
  const std::vector<ClassResult> classes = class_results(result, dataset);
  std::vector<std::vector<std::string>> rows = {
      {"class", "images", "precision", "recall", "most often taken for"}};
  for (size_t label = 0; label < classes.size(); ++label) {
    const ClassResult& of = classes[label];
    if (classes.size() > kMany && of.images == 0 && of.predicted == 0) continue;
    rows.push_back(class_row(of, names, label));
  }
  return table(rows, {true, false, false, false, true});
}

// Accuracy for each source, and their mean: every source counts the same, however many images.
std::string source_table(const Dataset& dataset, const Evaluation& result) {
  struct Count {
    size_t images = 0;
    size_t correct = 0;
  };
  std::map<std::string, Count> counts;
  for (size_t i = 0; i < dataset.size(); ++i) {
    Count& count = counts[dataset.sources[i]];
    ++count.images;
    count.correct += result.predictions[i] == dataset.labels[i] ? 1 : 0;
  }
  std::vector<std::vector<std::string>> rows = {{"source", "images", "correct", "accuracy"}};
  double sum = 0.0;
  for (const auto& [source, count] : counts) {
    const double accuracy = static_cast<double>(count.correct) / static_cast<double>(count.images);
    sum += accuracy;
    rows.push_back({printable(source, 60), std::to_string(count.images),
                    std::to_string(count.correct), fmt::format("{:.2f} %", 100.0 * accuracy)});
  }
  rows.push_back({"mean of the sources", "", "",
                  fmt::format("{:.2f} %", 100.0 * sum / static_cast<double>(counts.size()))});
  return table(rows, {true, false, false, false});
}

void print_text(const Options& options, const Model& model, const Dataset& dataset,
                const Evaluation& result, const Timing& timing, size_t threads) {
  const std::vector<std::string>& names =
      model.class_names.empty() ? dataset.class_names : model.class_names;
  if (!options.quiet) print_random_image(options, dataset, names, result);
  fmt::print("model {} ({}), loaded in {:.2f} ms\n", options.model,
             printable(model.architecture, 60), timing.load_ms);
  fmt::print(
      "{} images in {:.2f} ms, {:.2f} us/image ({}, {}, {} thread{})\n", grouped(result.images),
      timing.eval_ms, timing.eval_ms * 1e3 / static_cast<double>(result.images),
      find_backend(options.run.backend).name(), simd_name(), threads, threads == 1 ? "" : "s");
  fmt::print("test_loss={:.6f}+-{:.6f}, test_acc={:.2f}+-{:.2f}%\n", result.loss, result.loss_error,
             100.0 * result.accuracy, 100.0 * result.accuracy_error);
  if (options.quiet) return;
  fmt::print("\n{}", class_table(result, dataset, names));
  if (!dataset.sources.empty()) fmt::print("\n{}", source_table(dataset, result));
}

void print_object(const Options& options, const Model& model, const Evaluation& result,
                  const Timing& timing, size_t threads) {
  print_json({{"model", options.model},
              {"architecture", model.architecture},
              {"backend", find_backend(options.run.backend).name()},
              {"isa", simd_name()},
              {"threads", threads},
              {"images", result.images},
              {"correct", result.correct},
              {"loss", result.loss},
              {"loss_error", result.loss_error},
              {"accuracy", result.accuracy},
              {"accuracy_error", result.accuracy_error},
              {"load_ms", timing.load_ms},
              {"eval_ms", timing.eval_ms},
              {"us_per_image", timing.eval_ms * 1e3 / static_cast<double>(result.images)}});
}

void run(Options options) {
  sort_words(options);
  if (options.seed && (options.json || options.quiet)) {
    throw UsageError(fmt::format("--seed: chooses the image that is shown, and {} shows none",
                                 options.json ? "--json" : "--quiet"));
  }
  const Backend& backend = chosen_backend(options.run.backend);
  Timing timing;
  auto start = std::chrono::steady_clock::now();
  StatusLine status(options.quiet);
  const Model opened = open_model(options.model, options.opening, options.run, status);
  timing.load_ms = milliseconds_since(start);
  const Dataset dataset = load_images(options, opened, status);
  const Model model =
      fit_model(opened, dataset.height, dataset.width, options.opening, options.model);
  ThreadPool threads(options.run.thread_count());
  start = std::chrono::steady_clock::now();
  Inference inference =
      about_file(options.model, [&] { return Inference(model, threads, true, &backend); });
  const Evaluation result = evaluate(inference, dataset);
  timing.eval_ms = milliseconds_since(start);
  if (options.json) {
    print_object(options, model, result, timing, threads.threads());
  } else {
    print_text(options, model, dataset, result, timing, threads.threads());
  }
}

}  // namespace

void add_eval(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("eval", "Measure loss and accuracy of a model");
  command.argument("MODEL", options->model, "A model of any format ('mnist formats')");
  command.arguments("FILES", options->words,
                    "IMAGES LABELS: two IDX files, plain or .gz; a backend may follow",
                    Command::Need::kOptional);
  add_data_options(command, options->data);
  command.choice("--half", options->half, {"test", "train"},
                 "Which half of the data (default: test)");
  command.flag("--prepare", options->prepare,
               "Bring photographs and drawings of a folder to MNIST's form first");
  add_model_options(command, options->opening);
  add_run_options(command, options->run);
  command.count("--seed", options->seed, 0, UINT64_MAX,
                "Choose the image that is shown (default: another one each time)");
  command.flag("--json", options->json, "Print one JSON object and nothing else");
  command.flag("-q,--quiet", options->quiet, "Print neither image nor tables");
  command.usage("eval MODEL [IMAGES LABELS] [BACKEND] [OPTIONS]",
                "  mnist eval mnist-cnn.gguf\n"
                "  mnist eval mnist-cnn.gguf t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz\n"
                "  mnist eval mnist-cnn.gguf --data photos/ --prepare\n"
                "  mnist eval mnist-cnn.gguf --data fashion-mnist --json\n"
                "\nThe loss's error is the standard error of the images' losses, the accuracy's\n"
                "sqrt(p (1 - p) / n). The time is that of one run and includes making the model\n"
                "ready, but not loading it or the images.");
  command.action([options] { run(*options); });
}

}  // namespace mnist
