// The zoo: model files that people published, and what their own runtimes make of them
// ($MNIST_ZOO_DIR/MANIFEST.json).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "classify/adapt_input.h"
#include "mnist/model.h"

namespace mnist {

struct Npy {
  Shape shape;
  std::vector<float> values;
};

// A float32 array that NumPy wrote. Throws Error.
Npy read_npy(const std::filesystem::path& path);

struct ZooEntry {
  std::string file;
  std::filesystem::path path;
  std::optional<PixelScaling> scaling;  // nothing: one that no scaling of pixels expresses
  Fit fit = Fit::kNone;
  std::optional<double> accuracy;      // of the real runtime on MNIST's 10,000 test images
  std::optional<Npy> outputs;          // of the real runtime for the first test images
  bool is_trained_classifier = false;  // counts: trained on MNIST, and its accuracy is known
  std::string note;
};

std::vector<ZooEntry> read_zoo(const std::filesystem::path& folder);

}  // namespace mnist
