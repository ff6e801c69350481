// The one format that the page's engine reads and writes itself; src/web/reader turns others into
// it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist::web {

// Throws Error where the bytes are no GGUF file of a network that can be run; `who` is the file.
Model model_from_gguf(std::span<const std::byte> bytes, const std::string& who);

std::vector<std::byte> gguf_of(const Model& model);

}  // namespace mnist::web
