// What a file format is to the rest of the program.
//
// Adding one: a file in this folder that defines a Format, and a line in format_list.cpp. A reader
// knows bytes and the document, never the engine; other dialects (memory layouts, names of ops) are
// turned into the document's within the format's own file. GraphBuilder (graph_builder.h) makes the
// document of a foreign graph and knows every value's shape while it does.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/file.h"
#include "formats/loose_weights.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

// A file, as its reader sees it.
struct ModelSource {
  std::string who;  // the file's name: what every message starts with
  std::span<const std::byte> bytes;
  // "weights.bin", "variables/index". Throws also where it is a link, or outside of the folder. A
  // model that lies in memory has no neighbours but those that its reader is given: it throws for
  // every other name.
  FileBeside beside;
};

// What a file holds: a network, or weights for which one has to be found (recognise.h).
using FileContents = std::variant<Model, LooseWeights>;

// What a writer can do besides float32 weights; save_model refuses the rest.
struct WriteAbilities {
  // Whether the same document comes back: graph, names, metadata. A format of another program's
  // keeps what that program knows.
  bool keeps_document = false;
  std::vector<TensorType> types = {TensorType::kF32};
  std::vector<std::string> layouts = {};  // for SaveOptions::layout
  bool preprocessing = false;             // for SaveOptions::with_preprocessing
};

struct Format {
  std::string name;                          // for --format: "gguf"
  std::string description;                   // one line for people
  std::vector<std::string> suffixes;         // with the dot, lower case
  std::vector<std::string> main_files = {};  // of a format that is a folder: what lies in it

  // Whether a file that begins with `head` (at least its first kHeadBytes bytes, if it has so many)
  // is of this format. Cheap, throws nothing.
  bool (*recognises)(std::span<const std::byte> head);

  // What the file holds, not yet checked (check_model). Throws Error starting with source.who.
  // Null: written only.
  FileContents (*read)(const ModelSource& source);

  // Throws Error where the format cannot hold the model, or the sink its bytes. Null: read only.
  void (*write)(const Model& model, const SaveOptions& options, Sink& sink) = nullptr;
  WriteAbilities abilities = {};
  // Weights of two dimensions and more that stay float32 whatever `options` says (model_file.h).
  // Null: there are none.
  std::vector<KeptFloat32> (*kept_float32)(const Model& model,
                                           const SaveOptions& options) = nullptr;
  // Of a format that is written only: the network that a file written with these options computes.
  Model (*as_written)(const Model& model, const SaveOptions& options) = nullptr;
};

inline constexpr size_t kHeadBytes = 256;

}  // namespace mnist
