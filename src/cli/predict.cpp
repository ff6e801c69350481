// mnist predict: which digit an image shows.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>

#include "base/file.h"
#include "base/text.h"
#include "classify/adapt_input.h"
#include "classify/evaluate.h"
#include "cli/arguments.h"
#include "cli/ascii_art.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "data/idx.h"
#include "data/prepare.h"
#include "engine/inference.h"
#include "formats/format_list.h"
#include "mnist/builtin.h"
#include "mnist/image_file.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

// Images that are held in memory and classified at once.
constexpr size_t kBatch = 1024;

// The side of the images that --fit brings to the model's size.
constexpr size_t kMnistSide = 28;

struct Options {
  std::vector<std::string> words;  // [MODEL] IMAGE...
  ModelArguments opening;
  RunArguments run;
  std::optional<uint64_t> top;
  bool raw = false;
  bool show = false;
  bool json = false;
  bool logits = false;
};

struct Picture {
  std::string word;  // of the command line
  Image given;       // kept of a single picture only, which is shown
  Image prepared;    // what the network sees
};

bool has_model_suffix(const std::string& word) {
  for (const Format* format : formats()) {
    for (const std::string& suffix : format->suffixes) {
      if (word.size() > suffix.size() && word.ends_with(suffix)) return true;
    }
  }
  return false;
}

// A folder that is a model in its format.
bool is_model_folder(const std::string& word) {
  std::error_code error;
  return std::any_of(formats().begin(), formats().end(), [&](const Format* format) {
    return std::any_of(format->main_files.begin(), format->main_files.end(),
                       [&](const auto& name) { return fs::exists(fs::path(word) / name, error); });
  });
}

// Whether the first word is a model: by its content, or by a name that only models have.
bool is_model(const std::string& word) {
  std::error_code error;
  if (has_model_suffix(word)) return true;
  if (!fs::is_regular_file(word, error)) return is_model_folder(word);
  const std::vector<std::byte> head = read_head(word, kHeadBytes);
  return std::any_of(formats().begin(), formats().end(),
                     [&](const Format* format) { return format->recognises(head); });
}

// An image of an IDX file is in the network's form already.
bool is_finished(const Options& options, const std::string& word) {
  return options.raw || parse_idx_image_name(word).has_value();
}

bool is_blank(const Image& image) {
  return std::all_of(image.pixels.begin(), image.pixels.end(), [](uint8_t p) { return p == 0; });
}

Picture read_picture(const Options& options, const std::string& word, const InputSize& size,
                     const std::string& model) {
  Picture picture;
  picture.word = word;
  picture.given = read_image(word, {size.height, size.width});
  if (!is_finished(options, word)) {
    picture.prepared = prepare_digit(picture.given, prepare_options(size, model));
    if (is_blank(picture.prepared)) {
      print_error(fmt::format(
          "{}: nothing that could be a digit was found; the answer is the one for a blank "
          "image",
          word));
    }
    return picture;
  }
  if (picture.given.height != size.height || picture.given.width != size.width) {
    throw Error(fmt::format("{}: {} x {} pixels expected by {}, got {} x {}{}", word, size.width,
                            size.height, model, picture.given.width, picture.given.height,
                            options.raw ? ": without --raw it is prepared" : ""));
  }
  picture.prepared = picture.given;
  return picture;
}

// Classes from the most probable on.
std::vector<size_t> ranking(const float* probabilities, size_t classes) {
  std::vector<size_t> order(classes);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  return order;
}

// Those of `words` that can be read; the others are told.
std::vector<Picture> read_pictures(const Options& options, std::span<const std::string> words,
                                   const InputSize& size, const std::string& model) {
  std::vector<Picture> pictures;
  for (const std::string& word : words) {
    try {
      pictures.push_back(read_picture(options, word, size, model));
      if (options.words.size() > 1) pictures.back().given = {};
    } catch (const Error& error) {
      print_error(error.what());
    }
  }
  return pictures;
}

void print_object(const Options& options, const std::string& word, const float* logits,
                  const float* probabilities, size_t classes) {
  const size_t best = ranking(probabilities, classes).front();
  std::vector<double> values(classes);
  std::transform(probabilities, probabilities + classes, values.begin(), shortest);
  OutputJson object = {{"image", word},
                       {"prediction", best},
                       {"probability", values[best]},
                       {"probabilities", values}};
  if (options.logits) {
    std::transform(logits, logits + classes, values.begin(), shortest);
    object["logits"] = values;
  }
  print_json(object);
}

void print_text(const Options& options, const Picture& picture,
                const std::vector<std::string>& names, std::span<const float> probabilities) {
  const Terminal terminal = output_terminal();
  if (options.show) {
    fmt::print("{}", ascii_art(picture.prepared, terminal.width));
  } else if (options.words.size() == 1) {
    fmt::print("{}", ascii_art(picture.given, std::min<size_t>(terminal.width, 56)));
  }
  const std::vector<size_t> order = ranking(probabilities.data(), probabilities.size());
  std::string line =
      fmt::format("{}: {}", printable(picture.word, 200),
                  coloured(terminal, Colour::kBold, class_name(names, order.front())));
  const size_t top = std::min<size_t>(order.size(), options.top.value_or(3));
  for (size_t i = 0; i < top; ++i) {
    const double percent = 100.0 * static_cast<double>(probabilities[order[i]]);
    line += i == 0 ? fmt::format("  {:.2f} %", percent)
                   : fmt::format(", {} {:.2f} %", class_name(names, order[i]), percent);
  }
  fmt::print("{}\n", line);
}

// The exit code: of images that cannot be read, the others are answered all the same.
int predict(const Options& options, const Model& given, const std::string& model_name) {
  const Model model = options.opening.fit.empty()
                          ? grey_input(given, model_name)
                          : fit_model(given, kMnistSide, kMnistSide, options.opening, model_name);
  const InputSize size = input_size(model, model_name);
  ThreadPool threads(options.words.size() == 1 ? 1 : options.run.thread_count());
  Inference inference(model, threads, true, &chosen_backend(options.run.backend));
  const size_t classes = inference.output_elements();
  size_t answered = 0;
  for (size_t first = 0; first < options.words.size(); first += kBatch) {
    const size_t count = std::min(kBatch, options.words.size() - first);
    const std::vector<Picture> pictures =
        read_pictures(options, std::span(options.words).subspan(first, count), size, model_name);
    std::vector<const uint8_t*> pixels;
    for (const Picture& picture : pictures) pixels.push_back(picture.prepared.pixels.data());
    std::vector<float> values(pictures.size() * classes);
    inference.run(pixels, values.data());
    for (size_t i = 0; i < pictures.size(); ++i) {
      const float* logits = values.data() + i * classes;
      std::vector<float> probabilities(logits, logits + classes);
      softmax(probabilities.data(), classes);
      if (options.json) {
        print_object(options, pictures[i].word, logits, probabilities.data(), classes);
      } else {
        print_text(options, pictures[i], model.class_names, probabilities);
      }
    }
    answered += pictures.size();
  }
  return answered == options.words.size() ? kExitDone : kExitError;
}

void check_options(const Options& options, bool has_model) {
  if (options.logits && !options.json) throw UsageError("--logits: goes with --json");
  if (options.json && (options.show || options.top)) {
    throw UsageError(
        "--show, --top: not with --json, which prints all probabilities and no picture");
  }
  const ModelArguments& opening = options.opening;
  if (!has_model &&
      !(opening.arch.empty() && opening.calibrate.empty() && opening.pixels.empty())) {
    throw UsageError("--arch, --calibrate, --pixels: are about a MODEL, and none is given");
  }
}

int run(Options options) {
  chosen_backend(options.run.backend);
  const std::string first = options.words.front();
  const bool has_model = is_model(first);
  if (has_model) options.words.erase(options.words.begin());
  if (options.words.empty()) throw UsageError(fmt::format("an IMAGE expected behind {}", first));
  check_options(options, has_model);
  if (!has_model) return predict(options, builtin_model(), "the built-in model");
  StatusLine status(false);
  return predict(options, open_model(first, options.opening, options.run, status), first);
}

}  // namespace

void add_predict(Command& program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_command("predict", "Say which digit an image shows");
  command.arguments("IMAGES", options->words,
                    "A model (default: the built-in one), then PNG, JPEG or PGM files, raw bytes, "
                    "t10k-images-idx3-ubyte:1234, or - for standard input",
                    Command::Need::kRequired);
  command.flag("--raw", options->raw,
               "Take images as they are: of the network's size, ink 255 on 0");
  command.flag("--show", options->show, "Draw what the network sees");
  command.count("--top", options->top, 1, 1000, "Classes to show (default: 3)");
  command.flag("--json", options->json, "Print one JSON object a line and nothing else");
  command.flag("--logits", options->logits,
               "Also print the network's outputs before the softmax (with --json)");
  add_model_options(command, options->opening);
  add_run_options(command, options->run);
  command.usage(
      "predict [MODEL] IMAGE... [OPTIONS]",
      "  mnist predict photo.jpg\n"
      "  mnist predict --show drawing.png\n"
      "  mnist predict mnist-cnn.gguf t10k-images-idx3-ubyte:1234\n"
      "  mnist predict --json scans/*.png\n"
      "\nPhotographs and drawings of one digit each, dark on light or light on dark, are\n"
      "brought to MNIST's form first; images of IDX files are taken as they are.");
  command.action([options] { return run(*options); });
}

}  // namespace mnist
