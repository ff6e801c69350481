#include "classify/match_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Where each name of `dataset` stands in the model's; nothing for a name that is not there.
std::vector<std::optional<size_t>> places(const std::vector<std::string>& dataset,
                                          const std::vector<std::string>& model) {
  std::vector<std::optional<size_t>> places;
  for (const std::string& name : dataset) {
    const auto found = std::find(model.begin(), model.end(), name);
    places.push_back(found == model.end() ? std::nullopt
                                          : std::optional<size_t>(found - model.begin()));
  }
  return places;
}

}  // namespace

void match_classes(Dataset& dataset, const Model& model, const std::string& who) {
  if (dataset.class_names.empty() || model.class_names.empty()) return;
  const auto number = places(dataset.class_names, model.class_names);
  const bool are_strangers =
      std::none_of(number.begin(), number.end(), [](const auto& place) { return place; });
  if (are_strangers && dataset.class_names.size() == model.class_names.size()) return;
  for (size_t i = 0; i < number.size(); ++i) {
    if (number[i]) continue;
    throw Error(fmt::format("{}: does not know the class '{}' of {}: it knows {}", who,
                            printable(dataset.class_names[i], 60), dataset.name,
                            printable(join(model.class_names), 200)));
  }
  for (Label& label : dataset.labels) label = static_cast<Label>(*number[label]);
  dataset.class_names = model.class_names;
  dataset.classes = model.class_names.size();
}

}  // namespace mnist
