#include "cli/open_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "classify/adapt_input.h"
#include "classify/calibrate.h"
#include "classify/match_classes.h"
#include "classify/pixel_scalings.h"
#include "cli/about_file.h"
#include "cli/network.h"
#include "cli/terminal.h"
#include "formats/recognise.h"
#include "mnist/describe.h"
#include "mnist/model_file.h"
#include "model/architectures.h"

namespace mnist {
namespace {

std::string network_text(const Model& model) {
  const auto found = model.metadata.find(kRecognisedKey);
  return found == model.metadata.end() ? model.architecture : found->second;
}

// --arch as a line or a number of the list of candidates.
Model chosen_candidate(std::vector<Model> models, const std::string& arch,
                       const std::string& path) {
  size_t number = 0;
  const auto end = arch.data() + arch.size();
  const auto parsed = std::from_chars(arch.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && number >= 1 && number <= models.size()) {
    return std::move(models[number - 1]);
  }
  std::vector<std::string> names;
  for (Model& model : models) {
    names.push_back(fmt::format("{}: {}", names.size() + 1, network_text(model)));
    if (network_text(model) == arch) return std::move(model);
  }
  throw UsageError(fmt::format(
      "--arch '{}': an architecture ({}), a JSON file, or one of those that fit {} expected: {}",
      printable(arch, 60), join(architecture_names()), path, join(names, "; ")));
}

Candidates open_candidates(const std::string& path, const ModelArguments& arguments) {
  if (arguments.arch.empty()) {
    return load_candidates(path, {.known_is_enough = arguments.calibrate.empty()});
  }
  const std::optional<Model> network = find_network(arguments.arch);
  Candidates candidates = load_candidates(path, {.network = network ? &*network : nullptr});
  if (candidates.has_network) {
    throw UsageError(fmt::format("--arch: {} says itself which network it is ({})", path,
                                 printable(network_text(candidates.models.front()), 60)));
  }
  if (!network) {
    candidates.models = {chosen_candidate(std::move(candidates.models), arguments.arch, path)};
  }
  return candidates;
}

void print_trials(const Calibration& calibration, const std::string& data, StatusLine& status) {
  constexpr size_t kMostShown = 4;
  const size_t shown = std::min(calibration.trials.size(), kMostShown);
  for (size_t i = 0; i < shown; ++i) {
    const CalibrationTrial& trial = calibration.trials[i];
    status.print(fmt::format(
        "{} {}, pixels {}{}: {:.2f} % of {} images of {}",
        i == 0 ? "calibrated:" : "  next best:", printable(trial.network, 100), trial.scaling,
        trial.fit == to_string(Fit::kNone) ? "" : fmt::format(", fit {}", trial.fit),
        100.0 * trial.accuracy(), grouped(trial.images), data));
  }
}

Model calibrated(const std::vector<Model>& models, const std::string& path,
                 const ModelArguments& arguments, const RunArguments& run, StatusLine& status) {
  DataArguments data;
  data.name = arguments.calibrate;
  const DataSource source = chosen_source(data);
  // The half to learn from: calibrating learns.
  Dataset dataset = load_half(data, source, Split::kTrain, status);
  match_classes(dataset, models.front(), path);
  ThreadPool threads(run.thread_count());
  Calibration calibration = calibrate(models, dataset, threads, path);
  print_trials(calibration, arguments.calibrate, status);
  return std::move(calibration.model);
}

void set_pixels(const ModelArguments& arguments, Model& model) {
  if (arguments.pixels.empty()) return;
  model.pixels = as_usage([&] { return parse_scaling(arguments.pixels); });
}

[[noreturn]] void fail_ambiguous(const std::vector<Model>& models, const std::string& path) {
  constexpr size_t kMostNamed = 6;
  std::vector<std::string> names;
  for (const Model& model : models) {
    if (names.size() == kMostNamed) {
      names.emplace_back("...");
      break;
    }
    names.push_back(fmt::format("{}: {}", names.size() + 1, network_text(model)));
  }
  throw Error(
      fmt::format("{}: weights without a network, {} networks fit; choose by --arch NUMBER "
                  "or let images choose by --calibrate DATA: {}",
                  path, models.size(), join(names, "; ")));
}

}  // namespace

void add_model_options(Command& command, ModelArguments& arguments, ModelUse use) {
  command.text("--arch", arguments.arch, "NETWORK",
               "Of a file that holds weights only: an architecture, a JSON file, or one of the "
               "networks that fit, by number or text");
  command.text("--calibrate", arguments.calibrate, "DATA",
               "Choose network, pixel scaling and fit by trying all of them on images (--data's "
               "values)");
  std::vector<std::string> scalings;
  for (const NamedScaling& named : named_scalings()) scalings.push_back(named.name);
  command.text("--pixels", arguments.pixels, "SCALING",
               "How pixels 0..255 become inputs: " + join(scalings) + ", or SCALE,OFFSET");
  if (use == ModelUse::kAsItIs) return;
  command.text("--fit", arguments.fit, "HOW",
               "Bring images of another size to the model's: pad, resize or mean");
}

Model open_model(const std::string& path, const ModelArguments& arguments, const RunArguments& run,
                 StatusLine& status) {
  if (!arguments.calibrate.empty() && !(arguments.pixels.empty() && arguments.fit.empty())) {
    throw UsageError("--calibrate finds the pixel scaling and the fit: not with --pixels or --fit");
  }
  if (!arguments.fit.empty()) as_usage([&] { parse_fit(arguments.fit); });
  Candidates candidates = open_candidates(path, arguments);
  if (!arguments.calibrate.empty()) {
    return calibrated(candidates.models, path, arguments, run, status);
  }
  if (candidates.models.size() > 1 && !candidates.is_known) {
    fail_ambiguous(candidates.models, path);
  }
  Model model = std::move(candidates.models.front());
  set_pixels(arguments, model);
  // What cannot be run is said of the file, whatever is to be done with the model.
  about_file(path, [&] { describe(model); });
  return model;
}

Model open_network(const std::string& name, const ModelArguments& arguments) {
  StatusLine status(false);
  std::optional<Model> network = find_network(name);
  if (!network) return open_model(name, arguments, {}, status);
  if (!arguments.arch.empty() || !arguments.calibrate.empty()) {
    throw UsageError(fmt::format(
        "--arch and --calibrate: are about weights, and {} is a network without", name));
  }
  set_pixels(arguments, *network);
  return *std::move(network);
}

Model fit_model(const Model& model, size_t height, size_t width, const ModelArguments& arguments,
                const std::string& path) {
  const Fit fit = arguments.fit.empty() ? Fit::kNone : parse_fit(arguments.fit);
  return adapt_input(model, height, width, fit, path);
}

}  // namespace mnist
