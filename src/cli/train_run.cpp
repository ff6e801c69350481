#include "cli/train_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/file.h"
#include "base/text.h"
#include "base/try_write.h"
#include "classify/evaluate.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/standard_streams.h"
#include "cli/train_options.h"
#include "cli/train_output.h"
#include "mnist/error.h"
#include "mnist/model_file.h"
#include "train/trainer.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// How often the progress bar is drawn.
constexpr std::chrono::milliseconds kRedraw{100};
// Where there is no terminal, a line is printed after each epoch, and at least so many in a run.
constexpr uint64_t kLeastLines = 10;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Dataset subset(const Dataset& dataset, const std::vector<uint32_t>& indices) {
  Dataset part;
  part.name = dataset.name;
  part.height = dataset.height;
  part.width = dataset.width;
  part.classes = dataset.classes;
  part.class_names = dataset.class_names;
  for (uint32_t index : indices) {
    const std::span<const uint8_t> pixels = dataset.image(index);
    part.pixels.insert(part.pixels.end(), pixels.begin(), pixels.end());
    part.labels.push_back(dataset.labels[index]);
  }
  return part;
}

class TrainRun {
 public:
  TrainRun(const TrainRequest& request, const Dataset& training);
  // The program's exit code.
  int run();

 private:
  int train();
  void run_step();
  void end_epoch();
  void show_progress();
  void check_outputs() const;
  Checkpoint checkpoint() const;
  void stop();
  int exit_code_of_outputs() const;
  std::string resume_command() const;
  void report(const EpochRecord& record);
  void finish();
  TrainingProgress progress() const;

  const TrainRequest& request_;
  const Dataset& dataset_;
  StatusLine status_;
  ThreadPool threads_;
  ValidationSplit split_;
  Dataset validation_;
  Trainer trainer_;
  std::vector<EpochRecord> history_;
  DatasetIdentity identity_;  // of checkpoints; made when the first is
  fs::path last_checkpoint_;
  std::optional<Dataset> test_;
  RepeatedOutput loss_csv_{status_};
  RepeatedOutput checkpoints_{status_};
  std::string save_failure_;  // of the model
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
  uint64_t first_step_ = 0;  // done before start_
  uint64_t images_ = 0;      // since start_
  double seconds_ = 0.0;     // of training, without the evaluations at the epochs' ends
};

TrainRun::TrainRun(const TrainRequest& request, const Dataset& training)
    : request_(request),
      dataset_(training),
      status_(request.quiet),
      threads_(request.threads),
      split_(split_for_validation(static_cast<uint32_t>(training.size()), request.validation_share,
                                  request.settings.seed)),
      validation_(subset(training, split_.validation)),
      trainer_(request.model, {&training, split_.training}, request.settings, threads_) {
  if (has_test_half(request.source)) {
    test_ = load_half(request.data, request.source, Split::kTest, status_);
    check_fit(Inference(request.model, threads_), *test_);
  }
  // A checksum of all images takes a while (50 ms for MNIST): only where it is needed.
  if (request.checkpoint || !request.checkpoint_folder.empty()) identity_ = identify(training);
  if (!request.checkpoint) {
    check_outputs();
    return;
  }
  const Checkpoint& checkpoint = *request.checkpoint;
  if (!(identity_ == checkpoint.data)) {
    throw Error(fmt::format("the run to go on with learns from {}; these images are {}",
                            to_string(checkpoint.data), to_string(identity_)));
  }
  continue_from(checkpoint, trainer_);
  history_ = checkpoint.history;
  first_step_ = trainer_.step();
  check_outputs();
}

// Proves before the training that its results will find room. What is not asked for may be: Ctrl-C
// leaves a checkpoint.
void TrainRun::check_outputs() const {
  try_write_file(request_.out, model_bytes(request_.model, request_.out));
  const std::vector<std::byte> bytes = checkpoint_bytes(checkpoint(), CheckpointForm::kGguf);
  if (!request_.checkpoint_folder.empty()) {
    try_write_file(request_.checkpoint_folder / checkpoint_name(trainer_.step()), bytes);
  }
  if (!request_.loss_csv.empty()) {
    const std::string text = loss_csv(history_);
    try_write_file(request_.loss_csv, std::as_bytes(std::span(text)));
  }
}

int TrainRun::run() {
  for (const std::string& name : trainer_.frozen_weights()) {
    status_.print(
        fmt::format("mnist: no gradient reaches '{}': it stays as it is", printable(name, 60)));
  }
  const int exit_code = train();
  if (exit_code != 0) return exit_code;
  finish();
  return exit_code_of_outputs();
}

int TrainRun::exit_code_of_outputs() const {
  int exit_code = kExitDone;
  for (const std::string& failure : {save_failure_, checkpoints_.failure(), loss_csv_.failure()}) {
    if (failure.empty()) continue;
    print_error(failure);
    exit_code = kExitError;
  }
  return exit_code;
}

int TrainRun::train() {
  const InterruptGuard interrupt;
  start_ = Clock::now();
  try {
    while (!trainer_.finished() && interrupt.exit_code() == 0) run_step();
  } catch (const Error& error) {
    if (last_checkpoint_.empty()) throw;
    throw Error(
        fmt::format("{}; the last checkpoint is {}", error.what(), last_checkpoint_.string()));
  }
  status_.clear();
  if (trainer_.finished()) return 0;
  stop();
  return interrupt.exit_code();
}

void TrainRun::run_step() {
  const Clock::time_point start = Clock::now();
  images_ += trainer_.run_step().images;
  seconds_ += seconds_since(start);
  if (trainer_.step() % trainer_.steps_per_epoch() == 0) {
    end_epoch();
  } else {
    show_progress();
  }
}

TrainingProgress TrainRun::progress() const {
  const Trainer::StepResult result = trainer_.epoch_result();
  const uint64_t done = trainer_.step();
  TrainingProgress progress;
  progress.epochs = request_.settings.epochs;
  progress.epoch = (done - 1) / trainer_.steps_per_epoch() + 1;
  progress.step = done;
  progress.steps = trainer_.steps();
  progress.loss = result.loss;
  progress.accuracy = static_cast<double>(result.correct) / static_cast<double>(result.images);
  progress.images_per_second = static_cast<double>(images_) / std::max(seconds_, 1e-9);
  progress.seconds_left = seconds_since(start_) * static_cast<double>(progress.steps - done) /
                          static_cast<double>(done - first_step_);
  return progress;
}

void TrainRun::show_progress() {
  if (status_.terminal().is_terminal) {
    if (Clock::now() - drawn_ < kRedraw) return;
    drawn_ = Clock::now();
    status_.show(progress_bar(progress(), status_.terminal().width));
    return;
  }
  // Whether another tenth of the run is done.
  const uint64_t lines = trainer_.step() * kLeastLines / trainer_.steps();
  const bool is_due = lines != (trainer_.step() - 1) * kLeastLines / trainer_.steps();
  if (request_.json || !is_due || request_.settings.epochs >= kLeastLines) return;
  const TrainingProgress now = progress();
  status_.print(
      fmt::format("epoch {}/{}  loss {:.4f}  accuracy {:.2f} %  {:.0f} % of the run", now.epoch,
                  now.epochs, now.loss, 100.0 * now.accuracy,
                  100.0 * static_cast<double>(now.step) / static_cast<double>(now.steps)));
}

void TrainRun::end_epoch() {
  const Trainer::StepResult result = trainer_.epoch_result();
  EpochRecord record;
  record.step = trainer_.step();
  record.epoch = record.step / trainer_.steps_per_epoch();
  record.loss = result.loss;
  record.accuracy = static_cast<double>(result.correct) / static_cast<double>(result.images);
  record.learning_rate = learning_rate_at(request_.settings, record.step - 1, trainer_.steps());
  if (validation_.size() != 0) {
    Inference inference(trainer_.model(), threads_);
    const Evaluation evaluation = evaluate(inference, validation_);
    record.validation_loss = evaluation.loss;
    record.validation_accuracy = evaluation.accuracy;
  }
  history_.push_back(record);
  report(record);
  if (!request_.loss_csv.empty()) {
    loss_csv_.attempt([&] {
      write_file(request_.loss_csv, [&](Sink& sink) { sink.write(loss_csv(history_)); });
    });
  }
  const bool is_due = record.epoch % request_.checkpoint_stride == 0 || trainer_.finished();
  if (!request_.checkpoint_folder.empty() && is_due) {
    const fs::path path = request_.checkpoint_folder / checkpoint_name(record.step);
    if (checkpoints_.attempt([&] { save_checkpoint(checkpoint(), path); })) {
      last_checkpoint_ = path;
    }
  }
}

void TrainRun::report(const EpochRecord& record) {
  const TrainingProgress now = progress();
  if (request_.json) {
    OutputJson json = {{"epoch", record.epoch},
                       {"epochs", now.epochs},
                       {"step", record.step},
                       {"loss", record.loss},
                       {"accuracy", record.accuracy},
                       {"learning_rate", record.learning_rate},
                       {"images_per_second", now.images_per_second},
                       {"seconds", seconds_}};
    if (record.validation_loss) json["validation_loss"] = *record.validation_loss;
    if (record.validation_accuracy) json["validation_accuracy"] = *record.validation_accuracy;
    status_.clear();
    print_json(json);
    return;
  }
  std::string line = fmt::format("epoch {}/{}  loss {:.4f}  accuracy {:.2f} %", record.epoch,
                                 now.epochs, record.loss, 100.0 * record.accuracy);
  if (record.validation_loss) {
    line += fmt::format("  validation: loss {:.4f}  accuracy {:.2f} %", *record.validation_loss,
                        100.0 * *record.validation_accuracy);
  }
  status_.print(
      line + fmt::format("  {} images/s", grouped(static_cast<uint64_t>(now.images_per_second))));
}

Checkpoint TrainRun::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.model = trainer_.model();
  checkpoint.settings = request_.settings;
  checkpoint.validation_share = request_.validation_share;
  checkpoint.source = request_.data.files;
  if (checkpoint.source.empty()) checkpoint.source = {request_.source.text};
  checkpoint.data = identity_;
  checkpoint.state = trainer_.state();
  checkpoint.history = history_;
  return checkpoint;
}

// After Ctrl-C: leaves a checkpoint and says how to go on.
void TrainRun::stop() {
  fs::path path = request_.out.string() + ".checkpoint";
  if (!request_.checkpoint_folder.empty()) {
    path = request_.checkpoint_folder / checkpoint_name(trainer_.step());
  }
  if (identity_.images == 0) identity_ = identify(dataset_);
  const SavedFile saved = save_somewhere(
      path, checkpoint_bytes(checkpoint(), CheckpointForm::kGguf), request_.out.parent_path());
  if (!saved.failure.empty()) status_.warn(saved.failure);
  last_checkpoint_ = saved.path;
  // Said with --quiet too: nobody could know it otherwise.
  write_error(fmt::format("stopped after {} of {} steps; to go on:\n  {}\n", trainer_.step(),
                          trainer_.steps(), resume_command()));
}

std::string TrainRun::resume_command() const {
  const std::string out = request_.out.string();
  std::string command = "mnist train";
  // An OUT that would be taken for the network must not be the first word.
  if (is_network_word(out)) command += " " + shell_word(request_.network);
  command += fmt::format(" {} --resume {}", shell_word(out), shell_word(last_checkpoint_.string()));
  auto add = [&](const char* option, const std::string& value) {
    command += fmt::format(" {} {}", option, shell_word(value));
  };
  if (!request_.checkpoint_folder.empty()) {
    add("--checkpoint-folder", request_.checkpoint_folder.string());
    if (request_.checkpoint_stride != 1) {
      add("--checkpoint-stride", std::to_string(request_.checkpoint_stride));
    }
  }
  if (!request_.loss_csv.empty()) add("--loss-csv-path", request_.loss_csv.string());
  return command;
}

void TrainRun::finish() {
  const Model model = trainer_.model();
  const SavedFile saved =
      save_somewhere(request_.out, model_bytes(model, request_.out), request_.checkpoint_folder);
  if (!saved.failure.empty()) {
    save_failure_ = fmt::format("{}; the model is in {}", saved.failure, saved.path.string());
  }
  std::optional<Evaluation> test;
  if (test_) {
    Inference inference(model, threads_);
    test = evaluate(inference, *test_);
  }
  if (request_.json) {
    OutputJson json = {{"model", saved.path.string()}, {"seconds", seconds_}};
    if (test) {
      json["test_images"] = test->images;
      json["test_loss"] = test->loss;
      json["test_acc"] = test->accuracy;
    }
    print_json(json);
    return;
  }
  status_.print(fmt::format("{} epochs in {:.2f} s, {} written", request_.settings.epochs, seconds_,
                            saved.path.string()));
  if (!test) return;
  fmt::print("test_loss={:.6f}+-{:.6f}, test_acc={:.2f}+-{:.2f}%\n", test->loss, test->loss_error,
             100.0 * test->accuracy, 100.0 * test->accuracy_error);
}

}  // namespace

int run_training(const TrainRequest& request, const Dataset& training) {
  return TrainRun(request, training).run();
}

}  // namespace mnist
