#include "formats/onnx/node_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {

const std::string& OnnxNodeView::label() const {
  return node_.name.empty() && !node_.outputs.empty() ? node_.outputs[0] : node_.name;
}

void OnnxNodeView::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: node '{}' ({}): {}", who_, printable(label(), 80),
                          printable(node_.type, 40), reason));
}

template <typename T>
const T* OnnxNodeView::find(const std::string& attribute, const char* wanted) const {
  const auto found = node_.attributes.find(attribute);
  if (found == node_.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) fail(fmt::format("attribute '{}': {} expected", attribute, wanted));
  return value;
}

int64_t OnnxNodeView::integer(const std::string& attribute, int64_t otherwise) const {
  const auto* value = find<int64_t>(attribute, "an integer");
  return value != nullptr ? *value : otherwise;
}

float OnnxNodeView::real(const std::string& attribute, float otherwise) const {
  const auto* value = find<float>(attribute, "a number");
  return value != nullptr ? *value : otherwise;
}

std::string OnnxNodeView::text(const std::string& attribute, const std::string& otherwise) const {
  const auto* value = find<std::string>(attribute, "a text");
  return value != nullptr ? *value : otherwise;
}

std::vector<int64_t> OnnxNodeView::integers(const std::string& attribute) const {
  const auto* value = find<std::vector<int64_t>>(attribute, "a list of integers");
  return value != nullptr ? *value : std::vector<int64_t>();
}

std::vector<float> OnnxNodeView::reals(const std::string& attribute) const {
  const auto* value = find<std::vector<float>>(attribute, "a list of numbers");
  return value != nullptr ? *value : std::vector<float>();
}

std::vector<std::string> OnnxNodeView::texts(const std::string& attribute) const {
  const auto* value = find<std::vector<std::string>>(attribute, "a list of texts");
  return value != nullptr ? *value : std::vector<std::string>();
}

size_t OnnxNodeView::axis(int64_t axis, size_t rank) const {
  const auto extents = static_cast<int64_t>(rank);
  if (axis < -extents || axis >= extents) {
    fail(fmt::format("axis {}: the input has {} dimensions", axis, rank));
  }
  return static_cast<size_t>(axis < 0 ? axis + extents : axis);
}

std::vector<size_t> OnnxNodeView::axes(const std::vector<int64_t>& axes, size_t rank) const {
  std::vector<size_t> result(axes.empty() ? rank : 0);
  std::iota(result.begin(), result.end(), 0);
  for (int64_t each : axes) result.push_back(axis(each, rank));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) fail("an axis comes twice");
  return result;
}

}  // namespace mnist
