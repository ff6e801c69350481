// Training on digits that are drawn as fast as they are learned, and on one's own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "data/dataset.h"
#include "mnist/model.h"
#include "train/trainer.h"

namespace mnist::web {

struct TrainingTask {
  Model model;  // its weights are where training starts
  size_t threads = 1;
  uint64_t seed = 1;
  double learning_rate = 2e-3;
  // The page's own drawings, which come among the drawn digits again and again.
  std::vector<uint8_t> own_pixels;
  std::vector<Label> own_labels;
};

class Training {
 public:
  explicit Training(TrainingTask task);

  struct Progress {
    uint64_t images = 0;    // learned from so far
    double loss = 0.0;      // of the last step
    double accuracy = 0.0;  // 0..1, of the last step's images
  };
  Progress step();

  // On digits that it never learns from.
  struct Check {
    double loss = 0.0;
    double accuracy = 0.0;
  };
  Check check();

  Model model() const { return trainer_->model(); }

 private:
  void draw(size_t first, size_t count);
  void next_epoch();

  ThreadPool threads_;
  uint64_t seed_;
  Dataset digits_;                    // of the running epoch: drawn ones, then the page's own
  std::vector<uint8_t> next_pixels_;  // of the next epoch, drawn as this one is used up
  std::vector<Label> next_labels_;
  uint64_t drawn_ = 0;  // index of the first digit of the next epoch
  uint64_t images_ = 0;
  Dataset held_out_;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace mnist::web
