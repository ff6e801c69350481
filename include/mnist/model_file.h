// Models in files.
//
// What a file is gets decided by its content, not its name. Formats: `mnist formats`, and
// src/formats/format_list.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mnist/model.h"

namespace mnist {

// How weights are stored; they are float32 in memory. f16 and bf16 round to nearest, and leave
// weights of one dimension (biases, statistics) float32, as llama.cpp's files do. q8_0 is ggml's:
// bytes with a scale for every 32 of a row; rows that are no multiple of 32 stay float32. int8 is
// bytes with a scale for every output of a convolution or dense layer.
enum class TensorType { kF32, kF16, kBF16, kQ8_0, kInt8 };

// "f32", "f16", "bf16", "q8_0", "int8". Throws Error naming them for another word.
TensorType parse_tensor_type(std::string_view word);
std::string to_string(TensorType type);
std::vector<std::string> tensor_type_names();

struct SaveOptions {
  std::string format = "";  // a format's name; "": by the path's suffix
  TensorType tensor_type = TensorType::kF32;
  std::string layout = "";  // where a format has several: gguf's "2023"; "": its usual one
  // Puts the way from pixels 0..255 to network inputs into the graph, for formats whose readers
  // would not know it (ONNX).
  bool with_preprocessing = false;
};

struct LoadOptions {
  // The network of a file that holds weights only; its own values are not used, and neither is it
  // where the file says which network it is. Null: it is recognised from the weights' names, order
  // and shapes.
  const Model* network = nullptr;
  // Of weights whose names and shapes are those of an architecture that has a name: that network
  // alone, without the others that would fit. load_model asks for no more.
  bool known_is_enough = false;
};

// Reads a model and checks it (check_model). Whether its ops exist and its shapes fit is for the
// engine to say. A path may be a folder where that is what the format is (a SavedModel). Throws
// Error naming the file: missing, of no known format, damaged, or weights that several networks
// fit.
Model load_model(const std::filesystem::path& path, const LoadOptions& options = {});

struct Candidates {
  // Every model that the file may be, the most plausible first: several where it holds weights only
  // and options.network is null, else one.
  std::vector<Model> models;
  bool has_network = true;  // whether the file says which network it is
  // Of weights: whether names and shapes are those of the first model's architecture, which then is
  // what load_model takes. The others only have the same shapes.
  bool is_known = false;
};

// Throws like load_model, but leaves the choice between several networks to the caller.
Candidates load_candidates(const std::filesystem::path& path, const LoadOptions& options = {});

// The content of another file, named from a model's folder ("weights.bin"). Throws Error where
// there is none, or it has over `limit` bytes.
using FileBeside = std::function<std::vector<std::byte>(const std::string& name, uint64_t limit)>;

// The same for bytes that are in memory already; `who` stands for the file's name. Without
// `beside`, nothing lies beside them.
Candidates read_candidates(std::span<const std::byte> bytes, const std::string& who,
                           const LoadOptions& options = {}, const FileBeside& beside = nullptr);

// load_model for bytes that are in memory already; `who` stands for the file's name.
Model read_model(std::span<const std::byte> bytes, const std::string& who,
                 const LoadOptions& options = {});

// The bytes that save_model writes to `path`; nothing is written. Throws like save_model.
std::vector<std::byte> model_bytes(const Model& model, const std::filesystem::path& path,
                                   const SaveOptions& options = {});

// The model that bytes from model_bytes hold. Of a format that is written only: the one that a
// program with these bytes computes. Throws like load_model.
Model read_back(const Model& model, std::span<const std::byte> bytes,
                const std::filesystem::path& path, const SaveOptions& options = {});

// Weights that save_model leaves float32 although options.tensor_type is another type.
struct KeptFloat32 {
  std::vector<std::string> weights;  // "conv1.weight (8,1,3,3)"
  std::string reason;
};

// By reason; biases and statistics, which have one dimension, are not worth a word. Throws like
// save_model.
std::vector<KeptFloat32> kept_float32(const Model& model, const std::filesystem::path& path,
                                      const SaveOptions& options);

// Writes a model. If anything fails, the file that was there before is untouched. Throws Error,
// also for options that the format does not have.
void save_model(const Model& model, const std::filesystem::path& path,
                const SaveOptions& options = {});

}  // namespace mnist
