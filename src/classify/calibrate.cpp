#include "classify/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "classify/adapt_input.h"
#include "classify/evaluate.h"
#include "classify/pixel_scalings.h"
#include "formats/recognise.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr char kCalibratedKey[] = "mnist.calibrated";

constexpr double kFewImages = 3.0;
constexpr double kRounding = 1e-9;

// A trial and what is needed to repeat it.
struct Attempt {
  PixelScaling scaling;
  Fit fit = Fit::kNone;
  CalibrationTrial trial;
  size_t rank = 0;  // among its candidate's scalings, in the last round
};

std::string network_name(const Model& model) {
  const auto found = model.metadata.find(kRecognisedKey);
  return found == model.metadata.end() ? model.architecture : found->second;
}

Model fitted(Model model, const PixelScaling& scaling, Fit fit, const Dataset& dataset,
             const std::string& who) {
  model.pixels = scaling;
  return adapt_input(model, dataset.height, dataset.width, fit, who);
}

std::vector<Attempt> all_attempts(const std::vector<Model>& candidates, const Dataset& dataset,
                                  const std::string& who) {
  std::vector<Attempt> attempts;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const InputSize size = input_size(candidates[i], who);
    for (Fit fit : all_fits()) {
      if (!can_fit(fit, size, dataset.height, dataset.width)) continue;
      for (const NamedScaling& named : named_scalings()) {
        attempts.push_back({named.scaling,
                            fit,
                            {i, network_name(candidates[i]), named.name, to_string(fit), 0, 0, 0.0},
                            0});
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
  const Dataset& dataset;
  const std::string& who;
  ThreadPool& threads;
  const CalibrationLimits& limits;
  double work = 0.0;  // images through networks, all rounds together
  double done = 0.0;  // by the rounds before
  std::optional<std::string> first_error;
};

// One candidate, ready to run with any scaling: making it ready takes longer than a few images.
class Ready {
 public:
  explicit Ready(const Trying& trying) : trying_(trying) {}

  Inference& for_attempt(const Attempt& attempt) {
    // Images that are made larger get the background's value, which is the scaling's.
    if (!inference_ || candidate_ != attempt.trial.candidate || fit_ != attempt.fit ||
        fit_ == Fit::kPad) {
      candidate_ = attempt.trial.candidate;
      fit_ = attempt.fit;
      inference_.reset();
      inference_.emplace(fitted(trying_.candidates[candidate_], attempt.scaling, fit_,
                                trying_.dataset, trying_.who),
                         trying_.threads);
    }
    inference_->set_pixels(attempt.scaling);
    return *inference_;
  }

 private:
  const Trying& trying_;
  size_t candidate_ = 0;
  Fit fit_ = Fit::kNone;
  std::optional<Inference> inference_;
};

// Whether it could be run.
bool run_attempt(Trying& trying, Ready& ready, const Dataset& images, Attempt& attempt) {
  try {
    const Evaluation result = evaluate(ready.for_attempt(attempt), images);
    attempt.trial.images = result.images;
    attempt.trial.correct = result.correct;
    attempt.trial.loss = result.loss;
    return true;
  } catch (const Error& error) {
    if (!trying.first_error) trying.first_error = error.what();
    return false;
  }
}

// The work of a round that `attempts` come into.
double work_of(const CalibrationLimits::Round& round, size_t attempts, const Dataset& dataset) {
  return static_cast<double>(std::min(round.images, dataset.size()) * attempts);
}

// The attempts' indices, those of one candidate behind each other.
std::vector<size_t> by_candidate(const std::vector<Attempt>& attempts) {
  std::vector<size_t> order(attempts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto key = [&](size_t i) {
      return std::pair(attempts[i].trial.candidate, attempts[i].fit);
    };
    return key(a) < key(b);
  });
  return order;
}

// Runs every attempt on the round's images; those that cannot be run are taken out.
void run_round(Trying& trying, const CalibrationLimits::Round& round, double work,
               std::vector<Attempt>& attempts) {
  const Dataset images = first_images(trying.dataset, round.images);
  Ready ready(trying);
  std::vector<bool> has_run(attempts.size());
  const Attempt* best = nullptr;
  size_t tried = 0;
  for (size_t i : by_candidate(attempts)) {
    has_run[i] = run_attempt(trying, ready, images, attempts[i]);
    if (has_run[i] && (best == nullptr || is_better(attempts[i], *best))) best = &attempts[i];
    ++tried;
    if (!trying.limits.tell) continue;
    const double share = static_cast<double>(tried) / static_cast<double>(attempts.size());
    trying.limits.tell({images.size(), tried, attempts.size(),
                        (trying.done + work * share) / trying.work,
                        best == nullptr ? nullptr : &best->trial});
  }
  trying.done += work;
  size_t i = 0;
  std::erase_if(attempts, [&](const Attempt&) { return !has_run[i++]; });
  std::stable_sort(attempts.begin(), attempts.end(), is_better);
}

// How many of the sorted attempts are not hopeless.
size_t promising(const std::vector<Attempt>& attempts) {
  size_t most = 0;
  for (const Attempt& attempt : attempts) most = std::max(most, attempt.trial.correct);
  return static_cast<size_t>(
      std::count_if(attempts.begin(), attempts.end(),
                    [&](const Attempt& attempt) { return 2 * attempt.trial.correct >= most; }));
}

// Of the attempts that are as accurate as the best but for chance, brings the most plausible
// network to the front, with the scaling of its lowest loss: networks learned to lower the loss, so
// the scaling that they were trained with has the lowest. Behind the better half of `kept` come the
// other plausible ones, first every network's best scaling: few images do not tell which loss is
// lowest.
void prefer_plausible(std::vector<Attempt>& attempts, size_t kept) {
  const CalibrationTrial& best = attempts.front().trial;
  const double accuracy = best.accuracy();
  const double images = static_cast<double>(best.images);
  // One standard error, or a few images: three more mean nothing where hardly any is wrong.
  const double few = std::min(kFewImages, images / 8.0) / images;
  const double chance = std::max(std::sqrt(accuracy * (1.0 - accuracy) / images), few);
  const auto end = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& attempt) {
    return attempt.trial.accuracy() < accuracy - chance - kRounding;
  });
  const auto chosen = std::min_element(attempts.begin(), end, [](const auto& a, const auto& b) {
    return a.trial.candidate != b.trial.candidate ? a.trial.candidate < b.trial.candidate
                                                  : a.trial.loss < b.trial.loss;
  });
  std::rotate(attempts.begin(), chosen, chosen + 1);
  std::map<size_t, size_t> scalings;  // of each candidate so far
  for (auto attempt = attempts.begin(); attempt != end; ++attempt) {
    attempt->rank = scalings[attempt->trial.candidate]++;
  }
  const auto near = static_cast<size_t>(end - attempts.begin());
  const auto rest = attempts.begin() + static_cast<std::ptrdiff_t>(std::min(1 + kept / 2, near));
  std::stable_sort(rest, end, [](const Attempt& a, const Attempt& b) {
    return std::pair(a.rank, a.trial.candidate) < std::pair(b.rank, b.trial.candidate);
  });
}

// Twice as many as chance gives, and more than a handful.
bool is_convincing(const CalibrationTrial& trial, size_t classes) {
  return trial.accuracy() > 2.0 / static_cast<double>(classes) || classes <= 2;
}

}  // namespace

Model tried_model(const std::vector<Model>& candidates, const CalibrationTrial& trial,
                  const Dataset& dataset, const std::string& who) {
  return fitted(candidates[trial.candidate], parse_scaling(trial.scaling), parse_fit(trial.fit),
                dataset, who);
}

double CalibrationTrial::accuracy() const {
  return images == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(images);
}

Calibration calibrate(const std::vector<Model>& candidates, const Dataset& dataset,
                      ThreadPool& threads, const std::string& who,
                      const CalibrationLimits& limits) {
  std::vector<Attempt> attempts = all_attempts(candidates, dataset, who);
  std::vector<Attempt> losers;
  Trying trying{candidates, dataset, who, threads, limits, 0.0, 0.0, std::nullopt};
  std::vector<double> works;
  size_t left = attempts.size();
  for (const CalibrationLimits::Round& round : limits.rounds) {
    works.push_back(work_of(round, left, dataset));
    trying.work += works.back();
    left = std::min(left, round.kept);
  }
  for (size_t i = 0; i < limits.rounds.size(); ++i) {
    run_round(trying, limits.rounds[i], works[i], attempts);
    if (!attempts.empty()) prefer_plausible(attempts, limits.rounds[i].kept);
    const size_t kept = std::min(limits.rounds[i].kept, promising(attempts));
    if (attempts.size() <= kept) continue;
    const auto end = attempts.begin() + static_cast<std::ptrdiff_t>(kept);
    if (i != 0) losers.insert(losers.begin(), end, attempts.end());
    attempts.erase(end, attempts.end());
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
  Calibration result{tried_model(candidates, best, dataset, who), {}};
  result.model.metadata[kCalibratedKey] =
      fmt::format("{}, pixels {}, fit {}: {} of {} images of {}", best.network, best.scaling,
                  best.fit, best.correct, best.images, dataset.name);
  attempts.insert(attempts.end(), losers.begin(), losers.end());
  for (Attempt& attempt : attempts) result.trials.push_back(std::move(attempt.trial));
  return result;
}

}  // namespace mnist
