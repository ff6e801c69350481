// Model files of other programs, for the page: turned into what its engine reads. A WebAssembly of
// its own, which a visitor loads with the first such file.
#include "classify/calibrate.h"
#include "classify/evaluate.h"
#include "data/synthetic.h"
#include "engine/inference.h"
#include "mnist/model_file.h"
#include "web/exports.h"
#include "web/gguf.h"

namespace mnist::web {
namespace {

// A file need not say which pixels its network was trained on, and one of weights not even which
// network that is. A model that knows fewer than half of the digits that the program draws is read
// in other ways too, and in the best of them from then on.
constexpr size_t kTrialDigits = 300;
constexpr double kGoodEnough = 0.5;

double accuracy(const Model& model, const Dataset& digits, ThreadPool& threads) {
  try {
    Inference inference(model, threads);
    return evaluate(inference, digits).accuracy;
  } catch (const Error&) {
    return 0.0;
  }
}

Model chosen(const Candidates& candidates, const std::string& who) {
  const Model& first = candidates.models.front();
  const bool is_one = candidates.models.size() == 1;
  ThreadPool threads(1);
  const Dataset digits = synthetic_digits(kTrialDigits, 3);
  if (is_one && accuracy(first, digits, threads) >= kGoodEnough) return first;
  CalibrationLimits limits;
  limits.rounds = {{100, 16}, {kTrialDigits, 1}};
  try {
    Calibration found = calibrate(candidates.models, digits, threads, who, limits);
    if (!is_one || found.trials.front().accuracy() >= kGoodEnough) return std::move(found.model);
  } catch (const Error&) {
    if (!is_one) throw;
  }
  // A network of something else than digits.
  return first;
}

}  // namespace
}  // namespace mnist::web

using namespace mnist;
using namespace mnist::web;

// A model from a file's bytes; `name` is what messages call it. Result: a GGUF file of the network,
// with the pixel scaling that it turned out to want.
MNIST_EXPORT int mnist_convert(const void* file, size_t file_size, const char* name,
                               size_t name_size) {
  return guarded([&] {
    const std::string who = text_at(name, name_size);
    set_result(gguf_of(chosen(read_candidates(bytes_at(file, file_size), who), who)));
    return 0;
  });
}
