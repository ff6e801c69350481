// What every fuzz target of a model format does: any bytes are a model, weights, or refused with an
// Error; what is read is sound and, where the format keeps documents, comes back from a round trip.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <variant>

#include "formats/format_list.h"
#include "formats/recognise.h"
#include "mnist/error.h"

namespace mnist {

inline void fuzz_format(const std::string& name, const uint8_t* data, size_t size) {
  const Format& format = format_by_name(name);
  const auto alone = [](const std::string&, uint64_t) -> std::vector<std::byte> {
    throw Error("fuzz: no other files");
  };
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  format.recognises(bytes);
  try {
    FileContents contents = format.read({"fuzz", bytes, alone});
    if (const auto* weights = std::get_if<LooseWeights>(&contents)) {
      for (const Model& model : recognise(*weights, "fuzz")) check_model(model);
      return;
    }
    const Model& model = std::get<Model>(contents);
    check_model(model);
    if (format.write == nullptr || !format.abilities.keeps_document) return;
    MemorySink sink;
    format.write(model, {}, sink);
    const FileContents again = format.read({"again", sink.bytes, alone});
    if (std::get<Model>(again).parameter_count() != model.parameter_count()) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace mnist
