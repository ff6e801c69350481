// Where images come from: what a user writes behind --data, or the files of a data set.
//
// --data takes
//   synthetic, or synthetic:N        digits that the program draws itself (synthetic.h)
//   mnist, fashion-mnist, kmnist     by name: an existing copy, else fetched into the cache
//   (fetch.h) a directory with IDX files of the standard names (train-images-idx3-ubyte,
//   t10k-labels-idx1-ubyte
//     and so on; also train-images.idx3-ubyte; plain or .gz), itself or in DIR/raw or DIR/*/raw
//   a directory of image files (folder.h), which may have the halves in train/ and test/
//   an .npz file with x_train, y_train, x_test and y_test, such as Keras's mnist.npz
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/catalog.h"
#include "data/dataset.h"
#include "data/fetch.h"
#include "data/folder.h"

namespace mnist {

struct DataSource {
  enum class Kind { kFiles, kNamed, kSynthetic, kIdxDirectory, kImageFolder, kNpz };

  Kind kind = Kind::kSynthetic;
  std::string text;            // as the user wrote it
  std::filesystem::path path;  // of a directory or .npz
  uint64_t count = 0;          // of synthetic images; 0: 60,000 to train with, 10,000 to test
  // kFiles. Those of the half that is not asked for may be empty.
  std::filesystem::path train_images, train_labels, test_images, test_labels;
};

struct DataOptions {
  bool offline = false;
  DownloadOptions download = {};  // with the progress callback
  PrepareImage prepare = {};      // for image folders
  uint64_t seed = 1;              // of synthetic images
};

// What `text` behind --data means. A known name comes before a directory of that name ("./mnist" is
// the directory). Looks at the file system, but fetches and reads nothing. Throws Error, suggesting
// the name that may have been meant.
DataSource parse_data_source(std::string_view text);

// Two explicit files, for whichever half is asked for; or four.
DataSource data_files(const std::filesystem::path& images, const std::filesystem::path& labels);
DataSource data_files(std::filesystem::path train_images, std::filesystem::path train_labels,
                      std::filesystem::path test_images, std::filesystem::path test_labels);

// The names that --data knows, for messages and completion.
std::vector<std::string> data_source_names();

// Whether both halves are the same images, as with two explicit files or an image folder without
// train/ and test/: whoever trains on it must hold some of it back.
bool has_one_half(const DataSource& source);

// The half `split` in memory. Sets known by name have 10 classes. Of `mnist`, an existing copy is
// looked for in $MNIST_DATA_DIR (which must then hold it), the cache, and read-only where
// torchvision
// (./data, ../data, ~/data, $TORCH_HOME: MNIST/raw) and Keras ($KERAS_HOME or ~/.keras: datasets)
// keep theirs; copies of others are taken only if their content has the right sum. Throws Error.
Dataset load_dataset(const DataSource& source, Split split, const DataOptions& options = {});

}  // namespace mnist
