// A training run in a file, to go on from as if it had never stopped.
//
// A checkpoint is a GGUF file that is also a model: every command that reads models takes it. What
// training needs besides lies under names that begin with "train.": the optimiser's moments and
// sums of the running epoch as tensors and texts, the settings and the past epochs as JSON. A
// SHA-256 of the whole file, itself counted as zeros, stands in it: a changed bit anywhere is
// found. For people and other programs it can also be a JSON model with all this under "training",
// without a checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "mnist/model.h"
#include "train/report.h"
#include "train/settings.h"
#include "train/trainer.h"

namespace mnist {

// Tells whether a run goes on with the images that it began with.
struct DatasetIdentity {
  std::string name;  // for messages: the same images may lie elsewhere tomorrow
  uint64_t images = 0;
  uint64_t height = 0;
  uint64_t width = 0;
  uint64_t crc32 = 0;  // of all pixels, then all labels

  bool operator==(const DatasetIdentity& other) const {
    return images == other.images && height == other.height && width == other.width &&
           crc32 == other.crc32;
  }
};
DatasetIdentity identify(const Dataset& dataset);
std::string to_string(
    const DatasetIdentity& identity);  // "mnist: 60000 of 28 x 28, crc32 0123abcd"

struct Checkpoint {
  Model model;
  TrainSettings settings;
  double validation_share = 0.0;
  std::vector<std::string> source;  // how the user named the images: --data's word, or files
  DatasetIdentity data;
  TrainState state;  // `weights` is empty: they are the model's
  std::vector<EpochRecord> history;
};

enum class CheckpointForm { kGguf, kJson };
std::vector<std::byte> checkpoint_bytes(const Checkpoint& checkpoint, CheckpointForm form);

// Writes the GGUF file as write_file does: whole or not at all.
void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

// Throws Error naming the file: missing, no checkpoint, damaged, of a later version of the format.
Checkpoint load_checkpoint(const std::filesystem::path& path);

// Brings `trainer`, made of the checkpoint's model and settings, to where the checkpoint was made.
void continue_from(const Checkpoint& checkpoint, Trainer& trainer);

// The name of the file in a folder of checkpoints: "checkpoint-00001407.gguf".
std::string checkpoint_name(uint64_t step);

// The checkpoints in `folder`, the one with most steps first. Empty if there is no such folder.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

// Whether the file is a model that says it holds a run, whatever its state: what load_checkpoint is
// for. Throws Error where it cannot be read.
bool is_checkpoint(const std::filesystem::path& path);

struct FoundCheckpoint {
  std::filesystem::path path;
  Checkpoint checkpoint;
  std::vector<std::string> passed_over;  // why newer ones could not be taken
};

// `path` itself, or of a folder the newest that is whole. Throws Error if there is none.
FoundCheckpoint find_checkpoint(const std::filesystem::path& path);

}  // namespace mnist
