// What a training run has to tell of its epochs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/json.h"

namespace mnist {

struct EpochRecord {
  uint64_t epoch = 0;  // from 1
  uint64_t step = 0;   // optimiser steps done at its end
  double loss = 0.0;   // mean over the epoch's images, as they were trained on
  double accuracy = 0.0;
  double learning_rate = 0.0;  // of the epoch's last step
  // Of the images that were held out, if any.
  std::optional<double> validation_loss;
  std::optional<double> validation_accuracy;

  bool operator==(const EpochRecord&) const = default;
};

// A heading and a line an epoch, in the shortest digits that give the same numbers back. There are
// no times in it: the same run gives the same text.
std::string loss_csv(std::span<const EpochRecord> history);

// Both ways for checkpoints. The numbers come back exactly.
Json to_json(const EpochRecord& record);
EpochRecord epoch_record_from_json(const JsonView& value);  // throws Error naming the place

}  // namespace mnist
