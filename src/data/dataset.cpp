#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"

namespace mnist {

size_t count_classes(std::span<const Label> labels) {
  const auto highest = std::max_element(labels.begin(), labels.end());
  return highest == labels.end() ? 2 : std::max<size_t>(2, size_t{*highest} + 1);
}

void expect_plausible_labels(std::span<const Label> labels, std::string_view who) {
  // Fewer of them than this share of what a class has, if the label below it has none; or at all.
  constexpr double kRareBehindGap = 1.0 / 20;
  constexpr double kRare = 1.0 / 1000;
  if (labels.empty()) return;
  std::vector<size_t> counts(count_classes(labels));
  for (const Label label : labels) ++counts[label];
  const auto used =
      counts.size() - static_cast<size_t>(std::count(counts.begin(), counts.end(), 0));
  const double mean = static_cast<double>(labels.size()) / static_cast<double>(used);
  const size_t highest = counts.size() - 1;
  const bool has_gap = counts[highest - 1] == 0;
  if (static_cast<double>(counts[highest]) >= mean * (has_gap ? kRareBehindGap : kRare)) return;
  const auto first = std::find(labels.begin(), labels.end(), highest) - labels.begin();
  throw Error(
      fmt::format("{}: label {} of image {}: {} of {} images {} it, other labels have {:.0f} each: "
                  "out of range?",
                  who, highest, first, counts[highest], labels.size(),
                  counts[highest] == 1 ? "has" : "have", mean));
}

}  // namespace mnist
