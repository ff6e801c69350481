// Threads that share out numbered tasks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mnist {

// A fixed team of threads: the caller and `threads - 1` others, which sleep between calls.
class ThreadPool {
 public:
  // `threads` of 0 means one for each processor that this process may run on.
  explicit ThreadPool(size_t threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t threads() const { return workers_.size() + 1; }

  // Calls task(index, thread) for every index below `count`, each once, and returns when all are
  // done. Which thread (0..threads()-1) takes which index is not fixed: results must not depend on
  // it. `task` must not throw. Not to be called from within a task.
  void run(size_t count, const std::function<void(size_t index, size_t thread)>& task);

 private:
  void work(size_t thread);
  void take_tasks(size_t thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  const std::function<void(size_t, size_t)>* task_ = nullptr;
  size_t count_ = 0;
  std::atomic<size_t> next_{0};
  // The running call: its number, whether it still takes workers, and how many it has. One that has
  // not woken up when all tasks are taken is not waited for.
  std::atomic<uint64_t> state_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace mnist
