#include "cli/verify.h"

#include <fmt/format.h>

#include "base/random.h"
#include "classify/adapt_input.h"
#include "data/synthetic.h"
#include "formats/format_list.h"

namespace mnist {
namespace {

constexpr size_t kDrawnImages = 1'000;
constexpr uint64_t kSeed = 1;

struct TestImages {
  Dataset dataset;
  std::string name;
  bool has_labels = true;
};

// Images for a network that reads none: [count][elements].
TestImages random_pixels(size_t elements) {
  TestImages images;
  images.name = "random pixels";
  images.has_labels = false;
  images.dataset.name = images.name;
  images.dataset.height = 1;
  images.dataset.width = elements;
  images.dataset.classes = 2;
  images.dataset.labels.resize(kDrawnImages);
  Random random(random_key(kSeed, RandomUse::kSample));
  for (size_t i = 0; i < kDrawnImages * elements; ++i) {
    images.dataset.pixels.push_back(static_cast<uint8_t>(random.below(256)));
  }
  return images;
}

TestImages choose_images(const Model& model, const DataArguments& data, StatusLine& status) {
  if (!data.is_default()) {
    const DataSource source = chosen_source(data);
    return {load_half(data, source, Split::kTest, status), source.text, true};
  }
  try {
    input_size(model, "");
  } catch (const Error&) {
    return random_pixels(element_count(model.input_shape));
  }
  DataArguments local = data;
  local.offline = true;
  try {
    return {load_half(local, chosen_source(local), Split::kTest, status), "mnist", true};
  } catch (const Error&) {
    // No MNIST on this machine, and converting a file is no reason to download it.
    return {synthetic_digits(kDrawnImages, kSeed), "synthetic digits", true};
  }
}

// `model` for images of that size, in a way that any two sizes allow.
Model fitted(const Model& model, const Dataset& images, const std::string& who) {
  if (element_count(model.input_shape) == images.height * images.width) return model;
  return adapt_input(model, images.height, images.width, Fit::kResize, who);
}

}  // namespace

Verification verify(const Model& model, std::span<const std::byte> bytes,
                    const std::filesystem::path& out, const SaveOptions& save,
                    const DataArguments& data, const RunArguments& run, StatusLine& status) {
  const std::string who = out.string();
  const Model again = read_back(model, bytes, out, save);
  const TestImages images = choose_images(model, data, status);
  ThreadPool threads(run.thread_count());
  Verification result;
  result.images = images.name;
  result.was_read = format_for(out, save).read != nullptr;
  result.has_labels = images.has_labels;
  result.comparison = compare_models(fitted(model, images.dataset, who),
                                     fitted(again, images.dataset, who), images.dataset, threads);
  return result;
}

}  // namespace mnist
