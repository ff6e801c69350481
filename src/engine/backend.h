// Where ops run. The CPU runs every op; an accelerator offers replacements for those it knows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace mnist {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  // The op that does on this backend what `op`, made from `spec`, does on the CPU, or null: then
  // `op` itself runs.
  virtual std::unique_ptr<Op> replacement(const OpSpec& spec, const Op& op) const = 0;
};

// The backends that this build has and this machine can run, the CPU last.
const std::vector<const Backend*>& available_backends();

// By name, in any case of letters; "" is the CPU. Throws Error listing those available.
const Backend& find_backend(const std::string& name);

}  // namespace mnist
