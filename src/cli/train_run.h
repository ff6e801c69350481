// A training run: epochs with progress, checkpoints, Ctrl-C, and what is said at the end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "mnist/model.h"
#include "train/checkpoint.h"
#include "train/settings.h"

namespace mnist {

struct TrainRequest {
  std::string network;  // how the user named it; may be ""
  Model model;          // with its first weights, or those of a checkpoint
  TrainSettings settings;
  double validation_share = 0.0;
  DataArguments data;
  DataSource source;
  std::filesystem::path out;
  std::filesystem::path checkpoint_folder;  // "": none
  uint64_t checkpoint_stride = 1;           // epochs from one checkpoint to the next
  std::filesystem::path loss_csv;           // "": none
  std::optional<Checkpoint> checkpoint;     // to go on from
  size_t threads = 0;
  bool json = false;
  bool quiet = false;
};

// Trains with the images in `training`, writes the model, and evaluates it where the source has a
// half to test with. Returns the program's exit code: not 0 after Ctrl-C, and where a file could
// not be written, which does not end the training. That it cannot be written at all is an Error
// before the training.
int run_training(const TrainRequest& request, const Dataset& training);

}  // namespace mnist
