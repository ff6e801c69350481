#include "serve/batcher.h"

#include <iterator>
#include <utility>

namespace mnist {
namespace {

bool are_alike(const Job& a, const Job& b) {
  return a.model == b.model && a.inputs.empty() == b.inputs.empty();
}

template <class Value>
std::vector<const Value*> rows(const std::vector<Job>& jobs, std::vector<Value> Job::*values) {
  std::vector<const Value*> result;
  for (const Job& job : jobs) {
    const size_t elements = (job.*values).size() / job.images;
    for (size_t i = 0; i < job.images; ++i) result.push_back((job.*values).data() + i * elements);
  }
  return result;
}

}  // namespace

Batcher::Batcher(const BatchOptions& options, std::function<void(size_t)> on_batch)
    : options_(options), on_batch_(std::move(on_batch)), thread_([this] { work(); }) {}

Batcher::~Batcher() { stop(); }

void Batcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  queue_.clear();
}

bool Batcher::submit(Job&& job) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_ || queue_.size() >= options_.longest_queue) return false;
    queue_.push_back({std::move(job), Clock::now()});
  }
  wake_.notify_one();
  return true;
}

size_t Batcher::queue_length() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

size_t Batcher::images_like_first() const {
  size_t images = 0;
  for (const Waiting& waiting : queue_) {
    if (are_alike(waiting.job, queue_.front().job)) images += waiting.job.images;
  }
  return images;
}

// The first of the queue and those of the same kind that still fit behind it. Called with the lock.
std::vector<Job> Batcher::take_batch() {
  std::vector<Job> jobs;
  jobs.push_back(std::move(queue_.front().job));
  queue_.pop_front();
  if (!options_.is_on) return jobs;
  size_t images = jobs.front().images;
  std::deque<Waiting> others;
  for (Waiting& waiting : queue_) {
    if (are_alike(waiting.job, jobs.front()) &&
        images + waiting.job.images <= options_.most_images) {
      images += waiting.job.images;
      jobs.push_back(std::move(waiting.job));
    } else {
      others.push_back(std::move(waiting));
    }
  }
  queue_ = std::move(others);
  return jobs;
}

void Batcher::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
    if (is_stopping_) return;
    if (options_.is_on && options_.wait.count() > 0) {
      wake_.wait_until(lock, queue_.front().since + options_.wait, [this] {
        return is_stopping_ || images_like_first() >= options_.most_images;
      });
      if (is_stopping_) return;
    }
    std::vector<Job> jobs = take_batch();
    lock.unlock();
    run(jobs);
    lock.lock();
  }
}

void Batcher::run(std::vector<Job>& jobs) {
  Inference& inference = jobs.front().model->inference();
  const size_t classes = inference.output_elements();
  size_t images = 0;
  for (const Job& job : jobs) images += job.images;
  std::vector<float> logits(images * classes);
  if (jobs.front().inputs.empty()) {
    inference.run(rows(jobs, &Job::pixels), logits.data());
  } else {
    inference.run_inputs(rows(jobs, &Job::inputs), logits.data());
  }
  on_batch_(images);
  auto at = logits.begin();
  for (Job& job : jobs) {
    const auto end = at + static_cast<std::ptrdiff_t>(job.images * classes);
    job.done(std::vector<float>(at, end));
    at = end;
  }
}

}  // namespace mnist
