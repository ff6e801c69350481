// A conversion's proof: what was written is read back and runs beside the original.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "classify/compare.h"
#include "cli/arguments.h"
#include "mnist/model.h"
#include "mnist/model_file.h"

namespace mnist {

struct Verification {
  Comparison comparison;
  std::string images;       // what was compared on: "mnist", "random pixels"
  bool was_read = true;     // false: its format is written only, and what it computes is known
  bool has_labels = false;  // whether the counts of correct answers mean anything
};

// Reads `bytes`, which are to be written to `out`, and compares what they say with `model`: on the
// data's test images, by default on MNIST's where they lie on this machine, else on digits that the
// program draws, or, for a network that reads no images, random pixels. Throws Error where it
// cannot be read back or run.
Verification verify(const Model& model, std::span<const std::byte> bytes,
                    const std::filesystem::path& out, const SaveOptions& save,
                    const DataArguments& data, const RunArguments& run, StatusLine& status);

}  // namespace mnist
