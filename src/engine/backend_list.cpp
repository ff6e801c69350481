#include <fmt/format.h>
#include <strings.h>

#include "base/text.h"
#include "engine/backend.h"
#include "mnist/error.h"

namespace mnist {
namespace {

class Cpu : public Backend {
 public:
  std::string name() const override { return "CPU"; }
  std::unique_ptr<Op> replacement(const OpSpec&, const Op&) const override { return nullptr; }
};

}  // namespace

const std::vector<const Backend*>& available_backends() {
  static const Cpu cpu;
  static const std::vector<const Backend*> backends = {&cpu};
  return backends;
}

const Backend& find_backend(const std::string& name) {
  std::vector<std::string> names;
  for (const Backend* backend : available_backends()) {
    if (strcasecmp(backend->name().c_str(), name.empty() ? "CPU" : name.c_str()) == 0) {
      return *backend;
    }
    names.push_back(backend->name());
  }
  throw Error(fmt::format("backend '{}' is not available; available: {}", name, join(names)));
}

}  // namespace mnist
