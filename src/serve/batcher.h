// Runs the images of requests that arrive together as one batch.
//
// A model takes little more time for sixteen images than for one: the engine has an image in each
// vector lane. One thread takes what has come, runs it, and takes what has come meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "serve/served_model.h"

namespace mnist {

// The images of one request: pixels 0..255 or network inputs, one of the two.
struct Job {
  ServedModel* model = nullptr;
  size_t images = 0;
  std::vector<uint8_t> pixels;
  std::vector<float> inputs;
  // Takes the logits, images x classes. Called on the batcher's thread.
  std::function<void(std::vector<float> logits)> done;
};

struct BatchOptions {
  bool is_on = true;                  // off: one request after the other
  size_t most_images = 256;           // of a batch of several requests
  std::chrono::microseconds wait{0};  // of the first request for others to join it
  size_t longest_queue = 1024;        // requests
};

class Batcher {
 public:
  // `on_batch` is told how many images were run together.
  Batcher(const BatchOptions& options, std::function<void(size_t images)> on_batch);
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // False, leaving `job` alone, where the queue is full.
  bool submit(Job&& job);
  // Finishes what runs and forgets what waits.
  void stop();

  size_t queue_length() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Job job;
    Clock::time_point since;
  };

  void work();
  size_t images_like_first() const;
  std::vector<Job> take_batch();
  void run(std::vector<Job>& jobs);

  BatchOptions options_;
  std::function<void(size_t)> on_batch_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace mnist
