// What a GGUF file holds when it is a model, and more than the model.
//
// Tensors and keys whose names begin with "train." are not the model's: whoever writes them knows
// what they are (train/checkpoint.h), and a reader of models passes them over.
#pragma once

#include <string>
#include <string_view>

#include "formats/gguf.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

inline constexpr std::string_view kGgufForeignPrefix = "train.";

// The model in `file`, not yet checked (check_model). Throws Error starting with `who`.
Model model_from_gguf(const GgufFile& file, const std::string& who);

// Keys and tensors of `model`; more can be added before it is written.
GgufOutput gguf_from_model(const Model& model, TensorType type);

}  // namespace mnist
