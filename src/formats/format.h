// What a file format is to the rest of the program.
//
// Adding one: a file in this folder that defines a Format, and a line in format_list.cpp. A reader
// knows bytes and the document, never the engine; other dialects (memory layouts, names of ops) are
// turned into the document's within the format's own file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

struct Format {
  std::string name;                   // for --format: "gguf"
  std::string description;            // one line for people
  std::vector<std::string> suffixes;  // with the dot, lower case

  // Whether a file that begins with `head` (at least its first kHeadBytes bytes, if it has so many)
  // is of this format. Cheap, throws nothing.
  bool (*recognises)(std::span<const std::byte> head);

  // The model in `bytes`, not yet checked (check_model). Throws Error starting with `who`.
  Model (*read)(std::span<const std::byte> bytes, const std::string& who);

  // Throws Error where the format cannot hold the model, or the sink its bytes.
  void (*write)(const Model& model, const SaveOptions& options, Sink& sink);
};

inline constexpr size_t kHeadBytes = 256;

}  // namespace mnist
