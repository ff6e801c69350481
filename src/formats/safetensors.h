// The safetensors container (github.com/huggingface/safetensors): the length of a JSON header, the
// header, the tensors' bytes.
//
// What the format's own reader refuses is refused here: a header over 2 MB (it allows 100), holes,
// overlaps and bytes that belong to no tensor, shapes that do not fill their bytes; and what
// readers understand differently: keys that come twice, unknown keys and types, offsets that are no
// integers.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "mnist/model.h"

namespace mnist {

struct SafetensorsTensor {
  std::string name;
  std::string type;  // "F32", ...
  Shape shape;
  std::span<const std::byte> bytes;
};

struct Safetensors {
  std::vector<SafetensorsTensor> tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// `bytes` outlive the result. Throws Error starting with `who`.
Safetensors read_safetensors(std::span<const std::byte> bytes, const std::string& who);

// Throws Error where the names are not unique UTF-8 texts.
void write_safetensors(const Safetensors& file, Sink& sink);

}  // namespace mnist
