// Any bytes are a model of the format MNIST_FUZZ_FORMAT, weights, or refused with an Error; what is
// read is sound and, where the format keeps documents, comes back from a round trip.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <variant>

#include "formats/format_list.h"
#include "mnist/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mnist;
  static const Format& format = format_by_name(MNIST_FUZZ_FORMAT);
  const auto alone = [](const std::string&, uint64_t) -> std::vector<std::byte> {
    throw Error("fuzz: no other files");
  };
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  format.recognises(bytes.first(std::min(size, kHeadBytes)));
  try {
    FileContents contents = format.read({"fuzz", bytes, alone});
    // What becomes of weights alone is recognise_fuzz.cpp's.
    if (const auto* weights = std::get_if<LooseWeights>(&contents)) {
      for (const auto& [name, tensor] : weights->tensors) {
        if (tensor.values.size() != element_count(tensor.shape)) std::abort();
      }
      return 0;
    }
    const Model& model = std::get<Model>(contents);
    check_model(model);
    if (format.write == nullptr || !format.abilities.keeps_document) return 0;
    MemorySink sink;
    format.write(model, {}, sink);
    const FileContents again = format.read({"again", sink.bytes, alone});
    if (std::get<Model>(again).parameter_count() != model.parameter_count()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
