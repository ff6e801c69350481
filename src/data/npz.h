// NumPy's archive of arrays, as Keras keeps MNIST: a zip of .npy files (NEP 1).
#pragma once

#include <filesystem>
#include <string>

#include "data/dataset.h"

namespace mnist {

// The set `x_PREFIX` (uint8, [count][height][width]) with the labels `y_PREFIX` (uint8 or int64,
// [count]), PREFIX being "train" or "test". Only what NumPy itself writes is read: C order, little
// endian, no objects. Throws Error "PATH: ..." for anything else.
Dataset read_npz_dataset(const std::filesystem::path& path, const std::string& prefix);

}  // namespace mnist
