// Finds out by trying which network weights belong to, and which inputs they were trained on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "data/dataset.h"
#include "mnist/model.h"

namespace mnist {

// One way to read a model and its images, and how well it did.
struct CalibrationTrial {
  size_t candidate = 0;  // its index
  std::string network;   // what was assumed: "Conv16(3)-relu-max2-FC10", or the architecture
  std::string scaling;   // as parse_scaling reads it
  std::string fit;       // as parse_fit reads it
  size_t images = 0;
  size_t correct = 0;
  double loss = 0.0;  // mean cross-entropy; chooses between equal counts

  double accuracy() const;
};

// How far it is: within a round, which every trial left goes through with as many images.
struct CalibrationProgress {
  size_t images = 0;
  size_t tried = 0;
  size_t trials = 0;
  double share = 0.0;                      // of all the work, 0..1
  const CalibrationTrial* best = nullptr;  // of this round so far; null: none could be run
};

struct CalibrationLimits {
  // The rounds: how many images decide, and how many trials come into the next round. Those that
  // know less than half of what the best one knows do not.
  struct Round {
    size_t images;
    size_t kept;
  };
  std::vector<Round> rounds = {{128, 32}, {1'000, 6}, {10'000, 1}};
  // Called after every trial.
  std::function<void(const CalibrationProgress&)> tell = nullptr;
};

struct Calibration {
  // The best candidate, its scaling set, its input fitted to the images (adapt_input.h), and under
  // "mnist.calibrated" in its metadata what was found.
  Model model;
  std::vector<CalibrationTrial> trials;  // the last two rounds' losers too; the best first
};

// Tries every candidate with every scaling of named_scalings() and, where the images have another
// size, every fit, on `dataset` in its order. Throws Error naming `who` where none can be run, or
// the best is no better than chance.
Calibration calibrate(const std::vector<Model>& candidates, const Dataset& dataset,
                      ThreadPool& threads, const std::string& who,
                      const CalibrationLimits& limits = {});

// One of `candidates` as a trial read it: with its scaling, fitted to images like those.
Model tried_model(const std::vector<Model>& candidates, const CalibrationTrial& trial,
                  const Dataset& dataset, const std::string& who);

}  // namespace mnist
