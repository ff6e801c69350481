// The inside of a plan, shared by its building (plan_builder.cpp) and its running (plan.cpp).
#pragma once

#include <memory>
#include <vector>

#include "engine/plan.h"

namespace mnist {

constexpr size_t kNone = static_cast<size_t>(-1);

// An activation. Names that views make equal are one value.
struct Plan::Value {
  size_t elements = 0;          // per image
  size_t offset = 0;            // in the workspace
  bool needs_gradient = false;  // some trainable weight, or the wanted input, lies before it
  // Where each consumer leaves its part of the gradient; the first also holds the sum.
  std::vector<size_t> gradient_offsets;
};

struct Plan::Step {
  // One of the node's inputs: a value or a parameter, kNone where the node leaves it out.
  struct Input {
    size_t value = kNone;
    size_t parameter = kNone;
    size_t gradient = kNone;  // of a value: index into its gradient_offsets
  };
  std::unique_ptr<Op> op;
  std::vector<Input> inputs;
  size_t output = 0;
  size_t saved_offset = kNone;
  size_t prepared_offset = kNone;
  size_t kept_offset = kNone;  // of what its deferred gradient is made of
};

}  // namespace mnist
