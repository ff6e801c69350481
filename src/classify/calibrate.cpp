#include "classify/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "classify/adapt_input.h"
#include "classify/evaluate.h"
#include "classify/pixel_scalings.h"
#include "formats/recognise.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr char kCalibratedKey[] = "mnist.calibrated";

// A trial and what is needed to repeat it.
struct Attempt {
  size_t candidate = 0;
  PixelScaling scaling;
  Fit fit = Fit::kNone;
  CalibrationTrial trial;
};

std::string network_name(const Model& model) {
  const auto found = model.metadata.find(kRecognisedKey);
  return found == model.metadata.end() ? model.architecture : found->second;
}

Model model_of(const Attempt& attempt, const std::vector<Model>& candidates, const Dataset& dataset,
               const std::string& who) {
  Model model = candidates[attempt.candidate];
  model.pixels = attempt.scaling;
  return adapt_input(model, dataset.height, dataset.width, attempt.fit, who);
}

std::vector<Attempt> all_attempts(const std::vector<Model>& candidates, const Dataset& dataset,
                                  const std::string& who) {
  std::vector<Attempt> attempts;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const InputSize size = input_size(candidates[i], who);
    for (Fit fit : all_fits()) {
      if (!can_fit(fit, size, dataset.height, dataset.width)) continue;
      for (const NamedScaling& named : named_scalings()) {
        attempts.push_back({i,
                            named.scaling,
                            fit,
                            {network_name(candidates[i]), named.name, to_string(fit), 0, 0, 0.0}});
      }
    }
  }
  return attempts;
}

Dataset first_images(const Dataset& dataset, size_t count) {
  Dataset part;
  part.name = dataset.name;
  part.height = dataset.height;
  part.width = dataset.width;
  part.classes = dataset.classes;
  count = std::min(count, dataset.size());
  const auto pixels = static_cast<std::ptrdiff_t>(count * dataset.height * dataset.width);
  part.pixels.assign(dataset.pixels.begin(), dataset.pixels.begin() + pixels);
  part.labels.assign(dataset.labels.begin(),
                     dataset.labels.begin() + static_cast<std::ptrdiff_t>(count));
  return part;
}

bool is_better(const Attempt& a, const Attempt& b) {
  const double accuracy_a = a.trial.accuracy();
  const double accuracy_b = b.trial.accuracy();
  if (accuracy_a != accuracy_b) return accuracy_a > accuracy_b;
  return a.trial.loss < b.trial.loss;  // false for a loss that is not a number
}

// What the attempts have in common.
struct Trying {
  const std::vector<Model>& candidates;
  const std::string& who;
  ThreadPool& threads;
  std::optional<std::string> first_error;
};

// Runs every attempt on `images`; those that cannot be run are taken out.
void run_round(Trying& trying, const Dataset& images, std::vector<Attempt>& attempts) {
  std::erase_if(attempts, [&](Attempt& attempt) {
    try {
      Inference inference(model_of(attempt, trying.candidates, images, trying.who), trying.threads);
      const Evaluation result = evaluate(inference, images);
      attempt.trial.images = result.images;
      attempt.trial.correct = result.correct;
      attempt.trial.loss = result.loss;
      return false;
    } catch (const Error& error) {
      if (!trying.first_error) trying.first_error = error.what();
      return true;
    }
  });
  std::stable_sort(attempts.begin(), attempts.end(), is_better);
}

// Brings to the front, of the attempts that are as accurate as the best but for chance, the most
// plausible network with the scaling of its lowest loss: networks learned to lower the loss, so the
// scaling that they were trained with has the lowest.
void prefer_plausible(std::vector<Attempt>& attempts) {
  const CalibrationTrial& best = attempts.front().trial;
  const double accuracy = best.accuracy();
  const double images = static_cast<double>(best.images);
  // One standard error, or one image.
  const double chance = std::max(std::sqrt(accuracy * (1.0 - accuracy) / images), 1.0 / images);
  const auto end = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
    return attempt.trial.accuracy() < accuracy - chance;
  });
  const auto chosen = std::min_element(attempts.begin(), end, [](const auto& a, const auto& b) {
    return a.candidate != b.candidate ? a.candidate < b.candidate : a.trial.loss < b.trial.loss;
  });
  std::rotate(attempts.begin(), chosen, chosen + 1);
}

// Twice as many as chance gives, and more than a handful.
bool is_convincing(const CalibrationTrial& trial, size_t classes) {
  return trial.accuracy() > 2.0 / static_cast<double>(classes) || classes <= 2;
}

}  // namespace

double CalibrationTrial::accuracy() const {
  return images == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(images);
}

Calibration calibrate(const std::vector<Model>& candidates, const Dataset& dataset,
                      ThreadPool& threads, const std::string& who,
                      const CalibrationLimits& limits) {
  std::vector<Attempt> attempts = all_attempts(candidates, dataset, who);
  std::vector<Attempt> losers;
  Trying trying{candidates, who, threads, std::nullopt};
  for (const CalibrationLimits::Round& round : limits.rounds) {
    run_round(trying, first_images(dataset, round.images), attempts);
    if (!attempts.empty()) prefer_plausible(attempts);
    if (attempts.size() <= round.kept) continue;
    const auto kept = attempts.begin() + static_cast<std::ptrdiff_t>(round.kept);
    if (&round != &limits.rounds.front()) {
      losers.insert(losers.begin(), kept, attempts.end());
    }
    attempts.erase(kept, attempts.end());
  }
  if (attempts.empty()) {
    throw Error(trying.first_error.value_or(
        fmt::format("{}: images of {} x {} pixels cannot be brought to the model's input", who,
                    dataset.width, dataset.height)));
  }
  const CalibrationTrial& best = attempts.front().trial;
  if (!is_convincing(best, dataset.classes)) {
    throw Error(fmt::format(
        "{}: no network, scaling and size make sense of {}: the best ({}, {}) has {:.1f} % right",
        who, dataset.name, best.network, best.scaling, 100.0 * best.accuracy()));
  }
  Calibration result{model_of(attempts.front(), candidates, dataset, who), {}};
  result.model.metadata[kCalibratedKey] =
      fmt::format("{}, pixels {}, fit {}: {} of {} images of {}", best.network, best.scaling,
                  best.fit, best.correct, best.images, dataset.name);
  attempts.insert(attempts.end(), losers.begin(), losers.end());
  for (Attempt& attempt : attempts) result.trials.push_back(std::move(attempt.trial));
  return result;
}

}  // namespace mnist
