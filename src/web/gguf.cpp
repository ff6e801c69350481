#include "web/gguf.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "formats/format.h"
#include "mnist/error.h"

namespace mnist {

// Asked for by name, not through format_list.h: that would make every format a part of the page.
extern const Format kGguf;

namespace web {

Model model_from_gguf(std::span<const std::byte> bytes, const std::string& who) {
  if (!kGguf.recognises(bytes)) throw Error(fmt::format("{}: a GGUF file expected", who));
  const auto beside = [&](const std::string&, uint64_t) -> std::vector<std::byte> {
    throw Error(fmt::format("{}: a model in one file expected", who));
  };
  FileContents contents = kGguf.read({who, bytes, beside});
  Model* model = std::get_if<Model>(&contents);
  if (model == nullptr) throw Error(fmt::format("{}: weights without a network", who));
  check_model(*model);
  return std::move(*model);
}

std::vector<std::byte> gguf_of(const Model& model) {
  check_model(model);
  MemorySink sink;
  kGguf.write(model, {}, sink);
  return std::move(sink.bytes);
}

}  // namespace web
}  // namespace mnist
