// Opening, describing and saving models.
#include <fmt/format.h>

#include "classify/calibrate.h"
#include "classify/evaluate.h"
#include "data/synthetic.h"
#include "mnist/describe.h"
#include "mnist/model_file.h"
#include "web/session.h"

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

Model chosen(const Candidates& candidates, const std::string& who, bool search) {
  const Model& first = candidates.models.front();
  if (!search && candidates.models.size() == 1) return first;
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

nlohmann::json layers_json(Session& session) {
  nlohmann::json layers = nlohmann::json::array();
  for (const Inspection::Layer& layer : session.inspection().layers()) {
    const bool has_kernel = !layer.kernel.empty();
    layers.push_back(
        {{"name", layer.name},
         {"type", layer.type},
         {"shape", layer.shape},
         {"kernel", layer.kernel},
         {"kernel_shape", has_kernel ? session.model().weight(layer.kernel).shape : Shape()}});
  }
  return layers;
}

}  // namespace
}  // namespace mnist::web

using namespace mnist;
using namespace mnist::web;

// A model from a file's bytes; `name` is what messages call it. `search`: it is a stranger's, and
// how its pixels are meant may have to be found out. Returns its handle.
MNIST_EXPORT int mnist_open(const void* file, size_t file_size, const char* name, size_t name_size,
                            int search) {
  return guarded([&] {
    const std::string who = text_at(name, name_size);
    const Candidates candidates = read_candidates(bytes_at(file, file_size), who);
    return add_session(chosen(candidates, who, search != 0), who);
  });
}

// Result: JSON.
MNIST_EXPORT int mnist_describe(int handle) {
  return guarded([&] {
    Session& open = session(handle);
    set_json(nlohmann::json{{"architecture", open.model().architecture},
                            {"parameters", open.model().parameter_count()},
                            {"macs", open.inference().macs()},
                            {"height", open.size().height},
                            {"width", open.size().width},
                            {"classes", open.inference().output_elements()},
                            {"class_names", open.model().class_names},
                            {"layers", layers_json(open)}});
    return 0;
  });
}

// Result: the values of one of the model's weights.
MNIST_EXPORT int mnist_weight(int handle, const char* name, size_t name_size) {
  return guarded([&] {
    set_result(std::span(session(handle).model().weight(text_at(name, name_size)).values));
    return 0;
  });
}

// Result: the model as a file; the name's suffix chooses the format.
MNIST_EXPORT int mnist_save(int handle, const char* name, size_t name_size) {
  return guarded([&] {
    set_result(model_bytes(session(handle).model(), text_at(name, name_size)));
    return 0;
  });
}
