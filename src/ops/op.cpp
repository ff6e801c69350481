#include "ops/op.h"

#include <fmt/format.h>

#include <algorithm>

#include "mnist/error.h"

namespace mnist {

void OpSpec::fail(const std::string& reason) const {
  throw Error(fmt::format("node '{}' ({}): {}", node.name, node.type, reason));
}

void OpSpec::expect_inputs(size_t activations, size_t least_weights, size_t most_weights) const {
  size_t least = activations + least_weights;
  size_t most = activations + most_weights;
  if (inputs.size() < least || inputs.size() > most) {
    fail(fmt::format("{} to {} inputs expected, got {}", least, most, inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present) {
      if (i < least) fail(fmt::format("input {} is missing", i));
      continue;
    }
    bool is_weight = inputs[i].weight != nullptr;
    if (is_weight != (i >= activations)) {
      fail(fmt::format("input {} must be {}", i, i < activations ? "an activation" : "a weight"));
    }
  }
}

void OpSpec::expect_attributes(std::initializer_list<const char*> known) const {
  for (const auto& [name, value] : node.attributes) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      fail(fmt::format("attribute '{}' is not supported", name));
    }
  }
}

void clear_behind_images(const Pass& pass, size_t elements, float* values) {
  for (size_t image = pass.images; image < pass.blocks * pass.lanes; ++image) {
    float* first = values + image / pass.lanes * elements * pass.lanes + image % pass.lanes;
    for (size_t i = 0; i < elements; ++i) first[i * pass.lanes] = 0.0F;
  }
}

size_t Op::saved_floats(const Pass&) const { return 0; }
size_t Op::scratch_floats(const Pass&) const { return 0; }
size_t Op::prepared_floats(size_t) const { return 0; }
void Op::prepare(std::span<const float* const>, float*) const {}
bool Op::is_view(bool) const { return false; }
Initial Op::initial(size_t) const { return {}; }
bool Op::trainable(size_t) const { return true; }

}  // namespace mnist
