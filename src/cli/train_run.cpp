#include "cli/train_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/file.h"
#include "base/text.h"
#include "classify/evaluate.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/progress.h"
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
  void save_run(const fs::path& path);
  void stop();
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
  // A checksum of all images takes a while (50 ms for MNIST): only where it is needed.
  if (request.checkpoint || !request.checkpoint_folder.empty()) identity_ = identify(training);
  if (!request.checkpoint) return;
  const Checkpoint& checkpoint = *request.checkpoint;
  if (!(identity_ == checkpoint.data)) {
    throw Error(fmt::format("the run to go on with learns from {}; these images are {}",
                            to_string(checkpoint.data), to_string(identity_)));
  }
  continue_from(checkpoint, trainer_);
  history_ = checkpoint.history;
  first_step_ = trainer_.step();
}

int TrainRun::run() {
  if (!request_.quiet) {
    for (const std::string& name : trainer_.frozen_weights()) {
      fmt::print(stderr, "mnist: no gradient reaches '{}': it stays as it is\n",
                 printable(name, 60));
    }
  }
  const int exit_code = train();
  if (exit_code == 0) finish();
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
    write_file(request_.loss_csv, [&](Sink& sink) { sink.write(loss_csv(history_)); });
  }
  const bool is_due = record.epoch % request_.checkpoint_stride == 0 || trainer_.finished();
  if (!request_.checkpoint_folder.empty() && is_due) {
    save_run(request_.checkpoint_folder / checkpoint_name(record.step));
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

void TrainRun::save_run(const fs::path& path) {
  Checkpoint checkpoint;
  checkpoint.model = trainer_.model();
  checkpoint.settings = request_.settings;
  checkpoint.validation_share = request_.validation_share;
  checkpoint.source = request_.data.files;
  if (checkpoint.source.empty()) checkpoint.source = {request_.source.text};
  if (identity_.images == 0) identity_ = identify(dataset_);
  checkpoint.data = identity_;
  checkpoint.state = trainer_.state();
  checkpoint.history = history_;
  save_checkpoint(checkpoint, path);
  last_checkpoint_ = path;
}

// After Ctrl-C: leaves a checkpoint and says how to go on.
void TrainRun::stop() {
  fs::path path = request_.out.string() + ".checkpoint";
  if (!request_.checkpoint_folder.empty()) {
    path = request_.checkpoint_folder / checkpoint_name(trainer_.step());
  }
  save_run(path);
  // Said with --quiet too: nobody could know it otherwise.
  fmt::print(stderr, "stopped after {} of {} steps; to go on:\n  {}\n", trainer_.step(),
             trainer_.steps(), resume_command());
}

std::string TrainRun::resume_command() const {
  std::string command = fmt::format("mnist train {} --resume {}", shell_word(request_.out.string()),
                                    shell_word(last_checkpoint_.string()));
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
  save_model(model, request_.out);
  std::optional<Evaluation> test;
  if (has_test_half(request_.source)) {
    const Dataset images = load_half(request_.data, request_.source, Split::kTest, status_);
    Inference inference(model, threads_);
    test = evaluate(inference, images);
  }
  if (request_.json) {
    OutputJson json = {{"model", request_.out.string()}, {"seconds", seconds_}};
    if (test) {
      json["test_images"] = test->images;
      json["test_loss"] = test->loss;
      json["test_acc"] = test->accuracy;
    }
    print_json(json);
    return;
  }
  status_.print(fmt::format("{} epochs in {:.2f} s, {} written", request_.settings.epochs, seconds_,
                            request_.out.string()));
  if (!test) return;
  fmt::print("test_loss={:.6f}+-{:.6f}, test_acc={:.2f}+-{:.2f}%\n", test->loss, test->loss_error,
             100.0 * test->accuracy, 100.0 * test->accuracy_error);
}

}  // namespace

int run_training(const TrainRequest& request, const Dataset& training) {
  return TrainRun(request, training).run();
}

}  // namespace mnist
