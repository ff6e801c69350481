#include "serve/served_model.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace mnist {
namespace {

constexpr size_t kLongestName = 100;

// Makes what the first request would otherwise wait for.
void warm_up(Inference& inference) {
  for (size_t count : {1, 2}) {
    const std::vector<uint8_t> pixels(count * inference.input_elements());
    std::vector<float> outputs(count * inference.output_elements());
    inference.run(pixels.data(), count, outputs.data());
  }
}

}  // namespace

ServedModel::ServedModel(std::string name, const Model& model, ThreadPool& threads,
                         const Backend* backend)
    : name_(std::move(name)),
      architecture_(model.architecture),
      class_names_(model.class_names),
      parameters_(model.parameter_count()),
      inference_(model, threads, true, backend),
      size_(input_size(model, name_)) {
  if (size_.height == size_.width) preparation_ = prepare_options(size_, name_);
  warm_up(inference_);
}

std::string ServedModel::class_name(size_t index) const {
  return index < class_names_.size() ? class_names_[index] : std::to_string(index);
}

bool is_model_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '.' || c == '_' || c == '-';
         });
}

}  // namespace mnist
