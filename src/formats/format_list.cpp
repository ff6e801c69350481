#include "formats/format_list.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {

// One line an entry; in the order in which they are asked whether they recognise a file.
extern const Format kGguf;
extern const Format kJsonModel;
extern const Format kOnnx;
extern const Format kKeras;
extern const Format kKerasH5;
extern const Format kSafetensors;
extern const Format kSafetensorsIndex;
extern const Format kPyTorch;
extern const Format kNpz;
extern const Format kGgmlBinary;
extern const Format kRustJson;
extern const Format kNielsenJson;
extern const Format kCHeader;
extern const Format kSavedModel;
extern const Format kTflite;
extern const Format kTfjs;

namespace {
constexpr const Format* kFormats[] = {
    &kGguf,
    &kJsonModel,
    &kOnnx,
    &kTflite,
    // Before PyTorch: a header's length may look like the beginning of a pickle.
    &kSafetensors,
    &kSafetensorsIndex,
#ifndef MNIST_WITHOUT_LIBRARIES
    &kKeras,
    &kKerasH5,
    &kPyTorch,
    &kNpz,
    &kSavedModel,
    &kTfjs,
#endif
    &kGgmlBinary,
    &kRustJson,
    &kNielsenJson,
    &kCHeader,
};
}  // namespace

std::span<const Format* const> formats() { return kFormats; }

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Format* format : kFormats) names.push_back(format->name);
  return names;
}

const Format& format_by_name(const std::string& name) {
  for (const Format* format : kFormats) {
    if (format->name == name) return *format;
  }
  const std::string nearest = nearest_word(name, format_names());
  throw Error(fmt::format("unknown format '{}'{}: {} are known", printable(name, 40),
                          nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest),
                          join(format_names())));
}

}  // namespace mnist
