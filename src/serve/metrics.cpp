#include "serve/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace mnist {
namespace {

std::string head(std::string_view name, std::string_view type, std::string_view help) {
  return fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

void Histogram::add(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<size_t>(bound - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::string Histogram::text(std::string_view name, std::string_view help) const {
  std::string text = head(name, "histogram", help);
  uint64_t count = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    count += counts_[i];
    text += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, bounds_[i], count);
  }
  count += counts_[bounds_.size()];
  text += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, count,
                      sum_.load());
  return text;
}

std::string metric_text(std::string_view name, std::string_view type, std::string_view help,
                        uint64_t value) {
  return head(name, type, help) + fmt::format("{} {}\n", name, value);
}

void Metrics::count_request(int status, double seconds) {
  const auto index = static_cast<size_t>(status);
  if (index < kStatuses) requests_[index].fetch_add(1, std::memory_order_relaxed);
  seconds_.add(seconds);
}

void Metrics::count_batch(size_t images) { batches_.add(static_cast<double>(images)); }

std::string Metrics::text() const {
  constexpr char kRequests[] = "mnist_requests_total";
  std::string text = head(kRequests, "counter", "Requests answered, by status.");
  for (size_t status = 0; status < kStatuses; ++status) {
    if (requests_[status] == 0) continue;
    text += fmt::format("{}{{code=\"{}\"}} {}\n", kRequests, status, requests_[status].load());
  }
  text += metric_text("mnist_images_total", "counter", "Images classified.", images_);
  text += seconds_.text("mnist_request_seconds", "From a request's first byte to its answer.");
  text += batches_.text("mnist_batch_images", "Images that were run together.");
  return text;
}

}  // namespace mnist
