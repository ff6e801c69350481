// mnist train: what the arguments ask for. The run itself is in train_run.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/text.h"
#include "cli/about_file.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/network.h"
#include "cli/open_model.h"
#include "cli/train_options.h"
#include "cli/train_run.h"
#include "data/augment.h"
#include "engine/check_classifier.h"
#include "model/architectures.h"
#include "model/graph_json.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using Options = TrainOptions;

// Where `given` is set, `setting` becomes that.
template <typename Given, typename Setting>
void override_with(const std::optional<Given>& given, Setting& setting) {
  if (given) setting = static_cast<Setting>(*given);
}

void apply_options(const Options& options, TrainSettings& settings) {
  override_with(options.epochs, settings.epochs);
  override_with(options.batch_size, settings.batch_size);
  override_with(options.physical_batch_size, settings.physical_batch_size);
  override_with(options.seed, settings.seed);
  override_with(options.learning_rate, settings.learning_rate);
  override_with(options.weight_decay, settings.weight_decay);
  override_with(options.momentum, settings.momentum);
  override_with(options.warmup, settings.warmup);
  override_with(options.label_smoothing, settings.label_smoothing);
  if (!options.optimizer.empty()) {
    settings.optimizer = as_usage([&] { return parse_optimizer(options.optimizer); });
  }
  if (!options.schedule.empty()) settings.decay = options.schedule == "linear";
  if (!options.augmentation.empty()) settings.augmentation = options.augmentation;
  if (options.momentum && settings.optimizer != OptimizerKind::kMomentum) {
    throw UsageError(fmt::format("--momentum: of the optimizer 'momentum', not of '{}'",
                                 to_string(settings.optimizer)));
  }
  as_usage([&] {
    check_settings(settings);
    augmentation_by_name(settings.augmentation);
  });
}

TrainSettings base_settings(const Options& options, const std::string& architecture) {
  if (options.recipe.empty()) return default_settings(architecture);
  const Recipe recipe = as_usage([&] { return find_recipe(options.recipe); });
  if (recipe.architecture != architecture) {
    throw UsageError(fmt::format("--recipe {} is for {}, not {}", options.recipe,
                                 recipe.architecture, architecture));
  }
  return recipe.settings;
}

// Throws unless what the user wrote, if anything, is what the run to go on with had.
template <typename Value>
void expect_same(const char* what, const Value& given, const Value& saved, const std::string& who) {
  if (given == saved) return;
  throw UsageError(fmt::format("{}: {} given, but the run in {} has {}", what, given, who, saved));
}

// What makes a network one to which the same weights belong.
std::string structure(Model model) {
  model.architecture.clear();
  model.class_names.clear();
  model.metadata.clear();
  model.pixels = {};
  return graph_to_json(model);
}

// Throws unless `model`, which `who` brings, is the network that the user named besides, if any.
void expect_network(const std::string& network, const Model& model, const std::string& who) {
  if (network.empty() || network == model.architecture) return;
  if (!is_network_file(network)) {
    throw UsageError(fmt::format("network: {} given, but {} has {}", network, who,
                                 printable(model.architecture, 60)));
  }
  if (structure(load_description(network)) != structure(model)) {
    throw UsageError(fmt::format("network: {} has another one than {} describes", who, network));
  }
}

void expect_same_run(const Options& options, const Checkpoint& checkpoint, const std::string& who) {
  const TrainSettings& saved = checkpoint.settings;
  TrainSettings given = saved;
  if (!options.recipe.empty()) {
    const Recipe recipe = as_usage([&] { return find_recipe(options.recipe); });
    expect_network(recipe.architecture, checkpoint.model, "the run in " + who);
    given = recipe.settings;
  }
  apply_options(options, given);
  expect_same("--epochs", given.epochs, saved.epochs, who);
  expect_same("--batch-size", given.batch_size, saved.batch_size, who);
  expect_same("--physical-batch-size", given.physical_batch_size, saved.physical_batch_size, who);
  expect_same("--seed", given.seed, saved.seed, who);
  expect_same("--learning-rate", given.learning_rate, saved.learning_rate, who);
  expect_same("--weight-decay", given.weight_decay, saved.weight_decay, who);
  expect_same("--momentum", given.momentum, saved.momentum, who);
  expect_same("--warmup", given.warmup, saved.warmup, who);
  expect_same("--label-smoothing", given.label_smoothing, saved.label_smoothing, who);
  expect_same("--optimizer", to_string(given.optimizer), to_string(saved.optimizer), who);
  expect_same("--schedule", given.decay ? "linear" : "constant",
              saved.decay ? "linear" : "constant", who);
  expect_same("--augment", given.augmentation, saved.augmentation, who);
  expect_same("--validation-split", options.validation_share.value_or(checkpoint.validation_share),
              checkpoint.validation_share, who);
  expect_network(options.network, checkpoint.model, "the run in " + who);
}

void find_run_to_resume(const Options& options, TrainRequest& request, StatusLine& status) {
  FoundCheckpoint found = find_checkpoint(options.resume);
  for (const std::string& reason : found.passed_over) {
    status.warn(fmt::format("passed over: {}", reason));
  }
  const std::string who = found.path.string();
  if (!found.passed_over.empty()) status.warn("going on from " + who);
  expect_same_run(options, found.checkpoint, who);
  request.settings = found.checkpoint.settings;
  request.validation_share = found.checkpoint.validation_share;
  request.model = found.checkpoint.model;
  if (request.data.is_default()) {
    const std::vector<std::string>& source = found.checkpoint.source;
    if (source.size() == 1) request.data.name = source.front();
    if (source.size() > 1) request.data.files = source;
  }
  request.checkpoint = std::move(found.checkpoint);
}

// Of a run that begins: all that can be said without having seen the images.
void choose_network(const Options& options, TrainRequest& request) {
  std::string architecture = options.network;
  if (!options.init.empty()) {
    StatusLine status(options.quiet);
    request.model = open_model(options.init, options.opening, options.run, status);
    if (options.resumes_model) {
      status.print(fmt::format("{} holds a model, not a run: a new run starts from its weights",
                               options.init));
    }
    expect_network(options.network, request.model, options.init);
  } else if (is_network_file(architecture) || fs::path(architecture).extension() == ".json") {
    request.model = load_description(architecture);
    about_file(architecture, [&] { check_classifier(request.model); });
  } else {
    if (architecture.empty()) {
      architecture = as_usage([&] { return find_recipe(options.recipe); }).architecture;
    }
    as_usage([&] { architecture_description(architecture); });
    request.model.architecture = architecture;
  }
  request.settings = base_settings(options, request.model.architecture);
  apply_options(options, request.settings);
  request.validation_share = options.validation_share.value_or(0.0);
}

// A network by name is made for the images' size and classes; all but --init's get first weights.
void make_network(const Options& options, TrainRequest& request, const Dataset& dataset) {
  if (!options.init.empty()) {
    request.model =
        fit_model(request.model, dataset.height, dataset.width, options.opening, options.init);
    return;
  }
  if (request.model.nodes.empty()) {
    if (dataset.class_names.empty()) {
      expect_plausible_labels(dataset.labels,
                              dataset.labels_file.empty() ? dataset.name : dataset.labels_file);
    }
    const Shape image = {1, static_cast<int64_t>(dataset.height),
                         static_cast<int64_t>(dataset.width)};
    request.model =
        make_architecture(request.model.architecture, image, static_cast<int64_t>(dataset.classes));
    request.model.class_names = dataset.class_names;
  }
  initialize_weights(request.model, request.settings.seed);
}

void prepare_checkpoint_folder(const Options& options, TrainRequest& request) {
  request.checkpoint_folder = options.checkpoint_folder;
  request.checkpoint_stride = options.checkpoint_stride.value_or(1);
  if (options.checkpoint_folder.empty()) {
    if (options.checkpoint_stride)
      throw UsageError("--checkpoint-stride: needs --checkpoint-folder");
    return;
  }
  std::error_code error;
  fs::create_directories(request.checkpoint_folder, error);
  if (error) {
    throw Error(
        fmt::format("{}: cannot be created: {}", options.checkpoint_folder, error.message()));
  }
  if (options.resume.empty() && !list_checkpoints(request.checkpoint_folder).empty()) {
    throw Error(
        fmt::format("{}: holds checkpoints of an earlier run: go on with it by --resume {}, "
                    "or name another folder",
                    options.checkpoint_folder, shell_word(options.checkpoint_folder)));
  }
}

// Finds out early, not after the training, that the result cannot be written.
void check_output(const fs::path& out) {
  std::error_code error;
  if (fs::is_directory(out, error)) throw Error(out.string() + ": is a directory");
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, error)) {
    throw Error(fmt::format("{}: cannot be written: there is no directory {}", out.string(),
                            folder.string()));
  }
}

// A model's file behind --resume holds no run to go on with, but weights to start from.
void start_from_model(Options& options) {
  std::error_code error;
  if (options.resume.empty() || !fs::is_regular_file(options.resume, error) ||
      is_checkpoint(options.resume)) {
    return;
  }
  options.init = std::exchange(options.resume, "");
  options.resumes_model = true;
}

// Options about opening a model, where none is opened.
void expect_model_for_options(const Options& options) {
  if (!options.init.empty()) return;
  const ModelArguments& given = options.opening;
  const std::pair<const char*, const std::string&> all[] = {{"--arch", given.arch},
                                                            {"--calibrate", given.calibrate},
                                                            {"--pixels", given.pixels},
                                                            {"--fit", given.fit}};
  for (const auto& [name, value] : all) {
    if (value.empty()) continue;
    throw UsageError(fmt::format("{}: is about the model behind --init{}", name,
                                 options.resume.empty() ? "" : ", and a run goes on as it was"));
  }
}

// OUT where none is given. What a file calls its network need not be a file's name.
std::string default_output(const std::string& architecture) {
  const bool is_plain = !architecture.empty() && architecture.find('/') == std::string::npos &&
                        architecture == printable(architecture, 100);
  return (is_plain ? architecture : "model") + ".gguf";
}

// A share of the images that is none of them would be no validation.
void expect_validation_images(const TrainRequest& request, const Dataset& dataset) {
  if (request.validation_share == 0.0) return;
  const auto count = static_cast<uint32_t>(dataset.size());
  const ValidationSplit split =
      split_for_validation(count, request.validation_share, request.settings.seed);
  if (!split.validation.empty() && !split.training.empty()) return;
  throw UsageError(fmt::format("--validation-split: {} of {} images are {}",
                               request.validation_share, count, split.validation.size()));
}

int run(Options options) {
  sort_words(options);
  chosen_backend(options.run.backend);
  TrainRequest request;
  request.data = options.data;
  request.threads = options.run.thread_count();
  request.json = options.json;
  request.quiet = options.quiet;
  request.loss_csv = options.loss_csv;
  StatusLine status(options.quiet);
  start_from_model(options);
  expect_model_for_options(options);
  const bool is_new = options.resume.empty();
  if (is_new) {
    choose_network(options, request);
  } else {
    find_run_to_resume(options, request, status);
  }
  request.network = options.network;
  request.out = options.out.empty() ? default_output(request.model.architecture) : options.out;
  check_output(request.out);
  prepare_checkpoint_folder(options, request);
  request.source = chosen_source(request.data);
  const Dataset dataset = load_half_or_draw(request.data, request.source, Split::kTrain, status);
  expect_validation_images(request, dataset);
  if (is_new) make_network(options, request, dataset);
  return run_training(request, dataset);
}

void add_settings(Command& command, Options& options) {
  constexpr uint64_t kMost = 1'000'000;
  command.count("-e,--epochs,--nb-epochs", options.epochs, 1, kMost,
                "Times that all images are learned from");
  command.count("-b,--batch-size", options.batch_size, 1, 1 << 24,
                "Images that one step of the optimizer learns from");
  command.count("--physical-batch-size", options.physical_batch_size, 1, 1 << 24,
                "Images in memory at once: divides the batch size, gradients are added up");
  command.number("--learning-rate,--lr", options.learning_rate, 0.0, 1e6,
                 "The highest learning rate of the schedule");
  command.text("--optimizer", options.optimizer, "NAME", "sgd, momentum, adam or adamw");
  command.number("--momentum", options.momentum, 0.0, 1.0, "Of the optimizer 'momentum'");
  command.number("--weight-decay", options.weight_decay, 0.0, 1e6,
                 "Decoupled for adamw, else added to the gradient");
  command.choice("--schedule", options.schedule, {"linear", "constant"},
                 "After the warm-up the learning rate falls to 0 or stays");
  command.number("--warmup", options.warmup, 0.0, 1.0,
                 "Share of the steps in which the learning rate rises");
  command.number("--label-smoothing", options.label_smoothing, 0.0, 1.0,
                 "Share of the target that all classes have in common");
  command.text("--augment", options.augmentation, "PRESET",
               "Vary the images at random: none, light or strong");
  command.count("--seed", options.seed, 0, UINT64_MAX,
                "Of everything that is random; the same seed gives the same model");
  command.number("--validation-split", options.validation_share, 0.0, 0.99,
                 "Share of the images to hold back and measure with after each epoch");
}

void add_files(Command& command, Options& options) {
  command.text(
      "--resume", options.resume, "FILE|FOLDER",
      "Go on from a checkpoint, or the newest in a folder; or start from a model of any format");
  command.text("--init", options.init, "MODEL", "Start from the weights of a model of any format");
  add_model_options(command, options.opening);
  command.text("--checkpoint-folder", options.checkpoint_folder, "FOLDER",
               "Where to keep checkpoints");
  command.count("--checkpoint-stride", options.checkpoint_stride, 1, 1'000'000,
                "Epochs from one checkpoint to the next (default: 1)");
  command.text("--loss-csv-path", options.loss_csv, "FILE",
               "Write a line for each epoch to a file");
}

}  // namespace

void add_train(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("train", "Train a network and write it to a file");
  command.arguments("NETWORK", options->words,
                    join(architecture_names()) +
                        ", or a JSON file; then OUT (default: NETWORK.gguf), IDX files, a backend",
                    Command::Need::kOptional);
  add_data_options(command, options->data);
  command.text("--recipe", options->recipe, "NAME",
               "Network and settings for a purpose: " + join(recipe_names()));
  add_settings(command, *options);
  add_files(command, *options);
  add_run_options(command, options->run);
  command.flag("--json", options->json, "Print one JSON object for each epoch and the result");
  command.flag("-q,--quiet", options->quiet, "Print the result only");
  command.usage(
      "train NETWORK [OUT.gguf] [IMAGES LABELS [TEST_IMAGES TEST_LABELS]] [BACKEND] [OPTIONS]",
      "  mnist train mnist-cnn\n"
      "  mnist train mnist-fc fc.gguf train-images-idx3-ubyte train-labels-idx1-ubyte\n"
      "  mnist train mnist-cnn --data synthetic --epochs 3 --loss-csv-path loss.csv\n"
      "  mnist train mnist-best best.gguf --checkpoint-folder run/ --validation-split 0.1\n"
      "  mnist train best.gguf --resume run/\n"
      "\nSettings that are not given are chosen for the network. The model is the same, bit for\n"
      "bit, for any number of threads, and for a run that was stopped (Ctrl-C) and resumed.");
  command.action([options] { return run(*options); });
}

}  // namespace mnist
