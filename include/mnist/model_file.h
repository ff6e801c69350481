// Models in files.
//
// What a file is gets decided by its content, not its name. Formats: `mnist formats`, and
// src/formats/format_list.cpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "mnist/model.h"

namespace mnist {

// How weights are stored; they are float32 in memory. f16 and bf16 round to nearest, and leave
// weights of one dimension (biases, statistics) float32, as llama.cpp's files do.
enum class TensorType { kF32, kF16, kBF16 };

// "f32", "f16", "bf16". Throws Error naming them for another word.
TensorType parse_tensor_type(std::string_view word);
std::string to_string(TensorType type);

struct SaveOptions {
  std::string format = "";  // a format's name; "": by the path's suffix
  TensorType tensor_type = TensorType::kF32;
};

// Reads a model and checks it (check_model). Whether its ops exist and its shapes fit is for the
// engine to say. Throws Error naming the file: missing, of no known format, damaged.
Model load_model(const std::filesystem::path& path);

// The same for bytes that are in memory already; `who` stands for the file's name.
Model read_model(std::span<const std::byte> bytes, const std::string& who);

// Writes a model. If anything fails, the file that was there before is untouched. Throws Error.
void save_model(const Model& model, const std::filesystem::path& path,
                const SaveOptions& options = {});

}  // namespace mnist
