// The progress of a training run as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/text.h"

namespace mnist {

struct TrainingProgress {
  uint64_t epoch = 1;  // the running one, from 1
  uint64_t epochs = 1;
  uint64_t step = 0;  // done, of the whole run
  uint64_t steps = 1;
  double loss = 0.0;      // of the epoch so far
  double accuracy = 0.0;  // 0..1, likewise
  double images_per_second = 0.0;
  double seconds_left = 0.0;
};

// "epoch 3/10 [=====>    ]  45 %  loss 0.0712  accuracy 97.91 %  52,031 images/s  0:12 left" in
// fewer than `width` columns: the bar is as long as there is room, and what finds none is left out,
// the last first.
std::string progress_bar(const TrainingProgress& progress, size_t width);

// "0:07", "12:34", "1:02:03"
std::string clock_time(double seconds);

}  // namespace mnist
