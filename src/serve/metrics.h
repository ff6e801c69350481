// What /metrics tells, in Prometheus's text format.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mnist {

// Counts of values up to each bound. Safe to use from several threads.
class Histogram {
 public:
  static constexpr size_t kMostBounds = 20;

  // `bounds` ascend and must outlive this.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}

  void add(double value);
  // "NAME_bucket{le=...} ..." and so on, with the type and `help` before them.
  std::string text(std::string_view name, std::string_view help) const;

 private:
  std::span<const double> bounds_;
  std::array<std::atomic<uint64_t>, kMostBounds + 1> counts_{};
  std::atomic<double> sum_{0.0};
};

// Of one kind with one number.
std::string metric_text(std::string_view name, std::string_view type, std::string_view help,
                        uint64_t value);

class Metrics {
 public:
  void count_request(int status, double seconds);
  void count_batch(size_t images);
  void count_images(size_t images) { images_ += images; }

  std::string text() const;

 private:
  static constexpr size_t kStatuses = 600;
  std::array<std::atomic<uint64_t>, kStatuses> requests_{};
  std::atomic<uint64_t> images_{0};
  static constexpr double kSeconds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                        0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
  static constexpr double kImages[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  Histogram seconds_{kSeconds};
  Histogram batches_{kImages};
};

}  // namespace mnist
