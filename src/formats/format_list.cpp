#include "formats/format_list.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {

// One line an entry; in the order in which they are asked whether they recognise a file.
extern const Format kGguf;
extern const Format kJsonModel;
extern const Format kKerasH5;
extern const Format kPyTorch;
extern const Format kSafetensors;
extern const Format kGgmlBinary;
extern const Format kRustJson;

namespace {
constexpr const Format* kFormats[] = {
    &kGguf,
    &kJsonModel,
    &kSafetensors,
    &kGgmlBinary,
    &kRustJson,
#ifndef MNIST_WITHOUT_LIBRARIES
    &kKerasH5,
    &kPyTorch,
#endif
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
