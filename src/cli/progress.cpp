#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"

namespace mnist {
namespace {

constexpr size_t kShortestBar = 10;
constexpr size_t kLongestBar = 40;

std::string bar(double share, size_t length) {
  const auto full = static_cast<size_t>(std::floor(share * static_cast<double>(length)));
  std::string text(length, ' ');
  std::fill_n(text.begin(), std::min(full, length), '=');
  if (full < length) text[full] = '>';
  return fmt::format("[{}]", text);
}

}  // namespace

std::string progress_bar(const TrainingProgress& progress, size_t width) {
  const double share = static_cast<double>(progress.step) /
                       static_cast<double>(std::max<uint64_t>(1, progress.steps));
  const std::string head = fmt::format("epoch {}/{} ", progress.epoch, progress.epochs);
  std::string tail = fmt::format(" {:3.0f} %", 100.0 * share);
  const std::vector<std::string> parts = {
      fmt::format("  loss {:.4f}", progress.loss),
      fmt::format("  accuracy {:.2f} %", 100.0 * progress.accuracy),
      fmt::format("  {} left", clock_time(progress.seconds_left)),
      fmt::format("  {} images/s", grouped(static_cast<uint64_t>(progress.images_per_second)))};
  // One column stays free: some terminals wrap when the last one is written.
  const size_t frame = head.size() + 3;
  for (const std::string& part : parts) {
    if (frame + kShortestBar + tail.size() + part.size() >= width) break;
    tail += part;
  }
  if (frame + kShortestBar + tail.size() >= width) return (head + tail).substr(0, width - 1);
  const size_t length = std::min(kLongestBar, width - frame - tail.size());
  return head + bar(share, length) + tail;
}

std::string clock_time(double seconds) {
  const auto whole = static_cast<uint64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
  const uint64_t hours = whole / 3600;
  if (hours == 0) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", hours, whole / 60 % 60, whole % 60);
}

}  // namespace mnist
