// What a GGUF file holds when it is a model, and more than the model.
//
// Tensors and keys whose names begin with "train." are not the model's: whoever writes them knows
// what they are (train/checkpoint.h), and a reader of models passes them over.
#pragma once

#include <string>
#include <string_view>

#include "formats/format.h"
#include "formats/gguf.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

inline constexpr std::string_view kGgufForeignPrefix = "train.";

// What `file` holds, not yet checked (check_model): a model where it carries its graph or is one of
// ggml's (gguf_layout.h), else weights. Throws Error starting with `who`.
FileContents contents_of_gguf(const GgufFile& file, const std::string& who);

// Keys and tensors of `model`; more can be added before it is written.
GgufOutput gguf_from_model(const Model& model, TensorType type);

}  // namespace mnist
