// Model files of other programs, for the page: turned into what its engine reads. A WebAssembly of
// its own, which a visitor loads with the first such file.
#include <emscripten.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "base/text.h"
#include "classify/calibrate.h"
#include "classify/evaluate.h"
#include "engine/inference.h"
#include "formats/recognise.h"
#include "mnist/model_file.h"
#include "web/exports.h"
#include "web/gguf.h"

// What is being done, as JSON, to whoever loaded this.
EM_JS(void, tell_page, (const char* text, size_t size), {
  if (Module["tell"]) Module["tell"](text, size);
});

namespace mnist::web {
namespace {

// A model that says which network it is, and knows fewer of the digits than this, may have meant
// other pixels; a way to read it that finds fewer makes no sense.
constexpr double kGoodEnough = 0.5;
// What is tried: everything on a few digits, for most of it makes no sense of any.
const std::vector<CalibrationLimits::Round> kRounds = {{8, 96}, {24, 32}, {96, 10}, {300, 1}};
constexpr size_t kMostReadings = 6;
// All readings together hold at most so many values, but for the first.
constexpr size_t kMostValues = size_t{1} << 24;

// What a file may mean; `trial` where digits were to choose.
struct Reading {
  Model model;
  CalibrationTrial trial;
};

std::vector<Reading>& readings() {
  static std::vector<Reading> all;
  return all;
}

std::map<std::string, std::vector<std::byte>>& files_beside() {
  static std::map<std::string, std::vector<std::byte>> all;
  return all;
}

void tell(const nlohmann::json& what) {
  const std::string text = what.dump();
  tell_page(text.data(), text.size());
}

nlohmann::json trial_json(const CalibrationTrial& trial) {
  return {{"network", printable(trial.network, 200)},
          {"scaling", trial.scaling},
          {"fit", trial.fit},
          {"correct", trial.correct},
          {"images", trial.images}};
}

void tell_progress(const CalibrationProgress& progress) {
  nlohmann::json what = {{"images", progress.images},
                         {"tried", progress.tried},
                         {"trials", progress.trials},
                         {"share", progress.share}};
  if (progress.best != nullptr) what["best"] = trial_json(*progress.best);
  tell(what);
}

Dataset digits_at(const void* pixels, size_t pixels_size, const void* labels, size_t labels_size) {
  const std::span<const uint8_t> images = pixels_at(pixels, pixels_size);
  const std::span<const uint8_t> classes = pixels_at(labels, labels_size);
  if (images.size() != 784 * classes.size()) throw Error("digits of 28 x 28 pixels expected");
  Dataset digits{"test digits", 28, 28, 10, {}, {}, {}, {}, {}, {}};
  digits.pixels.assign(images.begin(), images.end());
  digits.labels.assign(classes.begin(), classes.end());
  return digits;
}

bool knows_digits(const Model& model, const Dataset& digits, ThreadPool& threads) {
  try {
    Inference inference(model, threads);
    return evaluate(inference, digits).accuracy >= kGoodEnough;
  } catch (const Error&) {
    return false;
  }
}

size_t values_of(const Model& model) {
  size_t count = 0;
  for (const auto& [name, tensor] : model.weights) count += tensor.values.size();
  return count;
}

// The best first: of each network its best way, of one network alone each way.
std::vector<Reading> best_readings(const Candidates& candidates, const Calibration& found,
                                   const Dataset& digits, const std::string& who) {
  std::vector<Reading> best;
  std::set<size_t> networks;
  size_t values = 0;
  for (const CalibrationTrial& trial : found.trials) {
    if (!networks.insert(trial.candidate).second && candidates.models.size() > 1) continue;
    Model model = best.empty() ? found.model : tried_model(candidates.models, trial, digits, who);
    values += values_of(model);
    if (!best.empty() && values > kMostValues) break;
    best.push_back({std::move(model), trial});
    if (best.size() == kMostReadings) break;
  }
  return best;
}

// Where no way makes sense of digits, it is a network of something else: the most plausible ones.
std::vector<Reading> first_readings(Candidates candidates) {
  std::vector<Reading> first;
  size_t values = 0;
  for (Model& model : candidates.models) {
    values += values_of(model);
    if (!first.empty() && values > kMostValues) break;
    const auto recognised = model.metadata.find(kRecognisedKey);
    CalibrationTrial trial;
    trial.network = recognised == model.metadata.end() ? model.architecture : recognised->second;
    first.push_back({std::move(model), trial});
    if (first.size() == kMostReadings) break;
  }
  return first;
}

std::vector<Reading> readings_of(Candidates candidates, const Dataset& digits,
                                 const std::string& who) {
  ThreadPool threads(1);
  const bool is_one = candidates.models.size() == 1;
  if (is_one && knows_digits(candidates.models.front(), digits, threads)) {
    return first_readings(std::move(candidates));
  }
  try {
    const CalibrationLimits limits{kRounds, tell_progress};
    const Calibration found = calibrate(candidates.models, digits, threads, who, limits);
    if (found.trials.front().accuracy() >= kGoodEnough) {
      return best_readings(candidates, found, digits, who);
    }
  } catch (const Error&) {
    // Said by the readings' having been tried on no image.
  }
  return first_readings(std::move(candidates));
}

}  // namespace
}  // namespace mnist::web

using namespace mnist;
using namespace mnist::web;

// A file beside the model that is read next, which may name it.
MNIST_EXPORT int mnist_put_beside(const void* file, size_t file_size, const char* name,
                                  size_t name_size) {
  return guarded([&] {
    const std::span<const std::byte> bytes = bytes_at(file, file_size);
    files_beside()[text_at(name, name_size)].assign(bytes.begin(), bytes.end());
    return 0;
  });
}

// A model from a file's bytes; `name` is what messages call it. Digits, 784 pixels each, and their
// labels choose among what it may mean. Result: JSON.
MNIST_EXPORT int mnist_read(const void* file, size_t file_size, const char* name, size_t name_size,
                            const void* pixels, size_t pixels_size, const void* labels,
                            size_t labels_size) {
  return guarded([&] {
    const std::string who = text_at(name, name_size);
    const auto beside = [&](const std::string& wanted, uint64_t limit) {
      const auto found = files_beside().find(wanted);
      if (found == files_beside().end()) {
        throw Error(
            fmt::format("{}: has weights in a file of their own: '{}' is to be dropped or "
                        "chosen together with it",
                        who, printable(wanted, 100)));
      }
      if (found->second.size() > limit) throw Error(fmt::format("{}: too large", wanted));
      return found->second;
    };
    Candidates candidates = read_candidates(bytes_at(file, file_size), who, {}, beside);
    nlohmann::json found = {{"networks", candidates.models.size()},
                            {"has_network", candidates.has_network}};
    tell(found);
    readings() = readings_of(std::move(candidates),
                             digits_at(pixels, pixels_size, labels, labels_size), who);
    found["readings"] = nlohmann::json::array();
    for (const Reading& reading : readings())
      found["readings"].push_back(trial_json(reading.trial));
    set_json(found);
    return 0;
  });
}

// Result: what the file may mean, as a GGUF file.
MNIST_EXPORT int mnist_reading(size_t index) {
  return guarded([&] {
    if (index >= readings().size()) throw Error("no such reading");
    set_result(gguf_of(readings()[index].model));
    return 0;
  });
}
