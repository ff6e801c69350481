// mnist bench: how fast this machine evaluates and trains, and which share of its limit that is.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "base/simd.h"
#include "classify/adapt_input.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/network.h"
#include "cli/open_model.h"
#include "cli/table.h"
#include "data/synthetic.h"
#include "engine/inference.h"
#include "engine/peak.h"
#include "train/trainer.h"

namespace mnist {
namespace {

struct Options {
  std::vector<std::string> networks = {"mnist-cnn", "mnist-fc"};
  std::optional<uint64_t> threads;
  std::optional<uint64_t> repeats;
  bool json = false;
};

constexpr size_t kSide = 28;
constexpr size_t kImages = 10'000;
constexpr size_t kSingleImages = 1'000;
constexpr size_t kSmallBatch = 64;
constexpr size_t kTrainingSteps = 40;
constexpr uint64_t kRepeats = 9;

// One figure: the median of several runs.
struct Measurement {
  std::string architecture;
  std::string what;
  size_t threads = 1;
  double milliseconds = 0.0;  // of the median run
  size_t images = 0;          // in a run
  double gflops = 0.0;
  double peak = 0.0;  // GFLOP/s of as many threads, measured beside it

  double microseconds() const { return milliseconds * 1e3 / static_cast<double>(images); }
};

double median_milliseconds(uint64_t repeats, const std::function<void()>& run) {
  std::vector<double> times;
  for (uint64_t i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 2),
                   times.end());
  return times[times.size() / 2];
}

class Bench {
 public:
  explicit Bench(uint64_t repeats) : repeats_(repeats), data_(synthetic_digits(kImages, 1)) {}

  void measure(const Model& model, size_t threads) {
    ThreadPool pool(threads);
    measure_evaluation(model, pool);
    measure_small_batch(model, pool);
    if (threads == 1) measure_single(model, pool);
    measure_training(model, pool);
  }

  const std::vector<Measurement>& results() const { return results_; }

 private:
  void add(const Model& model, const std::string& what, ThreadPool& pool, double milliseconds,
           size_t images, uint64_t macs) {
    Measurement result;
    result.architecture = model.architecture;
    result.what = what;
    result.threads = pool.threads();
    result.milliseconds = milliseconds;
    result.images = images;
    result.gflops = 2e-6 * static_cast<double>(macs) * static_cast<double>(images) / milliseconds;
    result.peak = measure_fma_peak(pool);
    results_.push_back(result);
  }

  void measure_evaluation(const Model& model, ThreadPool& pool) {
    Inference inference(model, pool);
    std::vector<float> outputs(kImages * inference.output_elements());
    auto run = [&] { inference.run(data_.pixels.data(), kImages, outputs.data()); };
    run();
    add(model, "evaluate", pool, median_milliseconds(repeats_, run), kImages, inference.macs());
  }

  void measure_small_batch(const Model& model, ThreadPool& pool) {
    Inference inference(model, pool);
    constexpr size_t kBatches = kSingleImages / kSmallBatch;
    std::vector<float> outputs(kSmallBatch * inference.output_elements());
    auto run = [&] {
      for (size_t i = 0; i < kBatches; ++i) {
        inference.run(data_.image(i * kSmallBatch).data(), kSmallBatch, outputs.data());
      }
    };
    run();
    add(model, fmt::format("batch of {}", kSmallBatch), pool, median_milliseconds(repeats_, run),
        kBatches * kSmallBatch, inference.macs());
  }

  void measure_single(const Model& model, ThreadPool& pool) {
    Inference inference(model, pool);
    std::vector<float> output(inference.output_elements());
    auto run = [&] {
      for (size_t i = 0; i < kSingleImages; ++i) {
        inference.run(data_.image(i).data(), 1, output.data());
      }
    };
    run();
    add(model, "one image", pool, median_milliseconds(repeats_, run), kSingleImages,
        inference.macs());
  }

  void measure_training(const Model& model, ThreadPool& pool) {
    TrainSettings settings = default_settings(model.architecture);
    settings.augmentation = "none";
    settings.epochs = 1'000'000;  // never reached: steps are counted
    std::vector<uint32_t> indices(data_.size());
    for (uint32_t i = 0; i < indices.size(); ++i) indices[i] = i;
    Trainer trainer(model, {&data_, indices}, settings, pool);
    size_t images = 0;
    auto run = [&] {
      images = 0;
      for (size_t i = 0; i < kTrainingSteps; ++i) images += trainer.run_step().images;
    };
    run();
    const double time = median_milliseconds(repeats_, run);
    add(model, "train", pool, time, images, trainer.macs());
  }

  uint64_t repeats_;
  Dataset data_;
  std::vector<Measurement> results_;
};

void print_text(const std::vector<Measurement>& results) {
  fmt::print("{}, medians; a multiply-add counts as two operations\n", simd_name());
  std::vector<std::vector<std::string>> rows = {
      {"network", "", "threads", "images", "ms", "us/image", "images/s", "GFLOP/s", "of peak"}};
  for (const Measurement& m : results) {
    rows.push_back({m.architecture, m.what, std::to_string(m.threads), std::to_string(m.images),
                    fmt::format("{:.2f}", m.milliseconds), fmt::format("{:.2f}", m.microseconds()),
                    fmt::format("{:.0f}", 1e6 / m.microseconds()), fmt::format("{:.1f}", m.gflops),
                    fmt::format("{:.0f} % of {:.0f}", 100.0 * m.gflops / m.peak, m.peak)});
  }
  fmt::print("{}", table(rows, {true, true, false, false, false, false, false, false, false}));
}

void print_object(const std::vector<Measurement>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Measurement& m : results) {
    list.push_back({{"architecture", m.architecture},
                    {"what", m.what},
                    {"threads", m.threads},
                    {"images", m.images},
                    {"ms", m.milliseconds},
                    {"us_per_image", m.microseconds()},
                    {"gflops", m.gflops},
                    {"peak_gflops", m.peak},
                    {"share_of_peak", m.gflops / m.peak}});
  }
  print_json({{"isa", simd_name()}, {"results", list}});
}

// An architecture with random weights, or a model's file.
Model network_to_measure(const std::string& name) {
  StatusLine status(true);
  std::optional<Model> model = find_network(name);
  if (!model) return grey_input(open_model(name, {}, {}, status), name);
  initialize_weights(*model, 1);
  return *std::move(model);
}

void run(const Options& options) {
  ThreadPool pool(static_cast<size_t>(options.threads.value_or(0)));
  std::vector<size_t> counts = {1};
  if (pool.threads() != 1) counts.push_back(pool.threads());
  Bench bench(options.repeats.value_or(kRepeats));
  for (const std::string& name : options.networks) {
    const Model model = network_to_measure(name);
    const InputSize size = input_size(model, name);
    if (size.height != kSide || size.width != kSide) {
      throw Error(
          fmt::format("{}: a network for images of {} x {} pixels expected", name, kSide, kSide));
    }
    for (size_t threads : counts) bench.measure(model, threads);
  }
  if (options.json) {
    print_object(bench.results());
  } else {
    print_text(bench.results());
  }
}

}  // namespace

void add_bench(Command& program) {
  auto options = std::make_shared<Options>();
  Command command =
      program.add_command("bench", "Measure speed, and its share of the machine's limit");
  command.arguments("NETWORK", options->networks,
                    "Architectures or models to measure (default: mnist-cnn mnist-fc)",
                    Command::Need::kOptional);
  command.count("--threads", options->threads, 1, 1024,
                "Measure with one thread and this many (default: all processors)");
  command.count("--repeats", options->repeats, 1, 1000, "Runs behind each median");
  command.flag("--json", options->json, "Print one JSON object and nothing else");
  command.usage(
      "bench [NETWORK...] [OPTIONS]",
      "  mnist bench\n"
      "  mnist bench mnist-best --threads 2 --json\n"
      "\nArchitectures have random weights. The images are synthetic digits. The peak is what\n"
      "multiply-adds in registers reach on as many threads, measured beside each\n"
      "figure.");
  command.action([options] { run(*options); });
}

}  // namespace mnist
