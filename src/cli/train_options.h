// What `mnist train` was told on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/open_model.h"

namespace mnist {

struct TrainOptions {
  std::vector<std::string> words;  // NETWORK OUT FILES... BACKEND, sorted by sort_words
  std::string network;             // an architecture's name, or a JSON file; may be ""
  std::string out;                 // may be ""
  DataArguments data;
  ModelArguments opening;
  RunArguments run;
  std::optional<uint64_t> epochs, batch_size, physical_batch_size, seed, checkpoint_stride;
  std::optional<double> learning_rate, weight_decay, momentum, warmup, label_smoothing;
  std::optional<double> validation_share;
  std::string optimizer, schedule, augmentation, recipe, resume, init;
  std::string checkpoint_folder, loss_csv;
  bool resumes_model = false;  // --resume was given the model that is now in `init`
  bool json = false;
  bool quiet = false;
};

// NETWORK [OUT] [IMAGES LABELS [IMAGES LABELS]] [BACKEND]. Where an option brings the network
// (--resume, --init, --recipe), NETWORK may be left out: the first word is then OUT unless it is an
// architecture's name or a file that describes a network. An IDX file is never OUT. UsageError for
// words that are neither.
void sort_words(TrainOptions& options);

// Whether the first word of a command with --resume is taken for NETWORK.
bool is_network_word(const std::string& word);

}  // namespace mnist
