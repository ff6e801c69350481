#include <fmt/format.h>

#include "base/text.h"
#include "mnist/error.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

struct NamedType {
  TensorType type;
  const char* name;
};
constexpr NamedType kTensorTypes[] = {
    {TensorType::kF32, "f32"},   {TensorType::kF16, "f16"},   {TensorType::kBF16, "bf16"},
    {TensorType::kQ8_0, "q8_0"}, {TensorType::kInt8, "int8"},
};

}  // namespace

TensorType parse_tensor_type(std::string_view word) {
  for (const NamedType& named : kTensorTypes) {
    if (word == named.name) return named.type;
  }
  throw Error(
      fmt::format("tensor type '{}': {} expected", printable(word, 40), join(tensor_type_names())));
}

std::string to_string(TensorType type) {
  for (const NamedType& named : kTensorTypes) {
    if (type == named.type) return named.name;
  }
  return "";
}

std::vector<std::string> tensor_type_names() {
  std::vector<std::string> names;
  for (const NamedType& named : kTensorTypes) names.emplace_back(named.name);
  return names;
}

}  // namespace mnist
