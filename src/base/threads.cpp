#include "base/threads.h"

#include <chrono>

#ifdef __linux__
#include <sched.h>
#endif

namespace mnist {
namespace {

// How long a waiting thread looks before it sleeps or yields: as long as another may take for its
// last task of a training step's phase. A wake-up through the kernel costs as much as a tenth of
// such a step.
constexpr std::chrono::microseconds kSpinTime{200};
constexpr int kSpinsBetweenTimes = 16;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Whether `done` became true within kSpinTime.
template <class Done>
bool spin_until(Done done) {
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int spin = 0; spin < kSpinsBetweenTimes; ++spin) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() - start < kSpinTime);
  return false;
}

// The parts of ThreadPool::state_.
constexpr uint64_t kWorkers = 0xffff;
constexpr uint64_t kOpen = 0x10000;
constexpr uint64_t kRound = 0x20000;
uint64_t round_of(uint64_t state) { return state / kRound; }

size_t available_processors() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return static_cast<size_t>(count);
  }
#endif
  unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : count;
}

}  // namespace

ThreadPool::ThreadPool(size_t threads) {
  if (threads == 0) threads = available_processors();
  workers_.reserve(threads - 1);
  for (size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    state_ += kRound;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(size_t count, const std::function<void(size_t, size_t)>& task) {
  if (workers_.empty() || count <= 1) {
    for (size_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    task_ = &task;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    state_.store((round_of(state_) + 1) * kRound + kOpen, std::memory_order_release);
  }
  wake_.notify_all();
  take_tasks(0);
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  auto is_done = [&] { return (state_.load(std::memory_order_acquire) & kWorkers) == 0; };
  if (spin_until(is_done)) return;
  while (!is_done()) std::this_thread::yield();
}

void ThreadPool::take_tasks(size_t thread) {
  while (true) {
    size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count_) return;
    (*task_)(index, thread);
  }
}

void ThreadPool::work(size_t thread) {
  uint64_t seen = 0;
  auto is_new = [&] { return round_of(state_.load(std::memory_order_acquire)) != seen; };
  while (true) {
    if (!spin_until(is_new)) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, is_new);
    }
    if (stop_) return;
    uint64_t state = state_.load(std::memory_order_acquire);
    seen = round_of(state);
    // Joins the call if it still takes workers; a later call's number ends the attempt.
    bool joined = false;
    while (!joined && (state & kOpen) != 0 && round_of(state) == seen) {
      joined = state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel);
    }
    if (!joined) continue;
    take_tasks(thread);
    state_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace mnist
