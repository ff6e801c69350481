// The data sets that are known by name, where they can be had, and what exactly they are.
//
// Each consists of four gzipped IDX files. What counts is the content: `sha256` is that of the
// unpacked file, so that a mirror that packed it anew is as good. For kmnist only the sums of the
// .gz files are published; there `gz_sha256` must match.
//
// Sources of the sums. mnist: recomputed from the files (.gz sums also in TensorFlow Datasets'
// url_checksums). fashion-mnist: .gz from TensorFlow Datasets, unpacked as four independent
// projects pin them. kmnist: .gz from TensorFlow Datasets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

enum class Split { kTrain, kTest };

// "train" or "test".
std::string_view split_name(Split split);

// The standard names, without ".gz": "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte", ...
std::string_view idx_images_name(Split split);
std::string_view idx_labels_name(Split split);

struct CatalogFile {
  std::string_view name;       // standard name, without ".gz"
  uint64_t size = 0;           // unpacked
  std::string_view sha256;     // unpacked, empty where it is not known
  std::string_view gz_sha256;  // of the .gz that the mirrors have
};

struct CatalogEntry {
  std::string_view name;                      // "fashion-mnist"
  std::string_view torchvision_folder;        // "FashionMNIST"
  std::array<CatalogFile, 4> files;           // train images, labels, test images, labels
  std::vector<std::string_view> mirrors;      // each ends with "/"; a file's name and ".gz" follow
  std::vector<std::string_view> class_names;  // empty: a class is called by its number
};

// Images and labels of one half.
std::span<const CatalogFile> files_of(const CatalogEntry& entry, Split split);

// mnist, fashion-mnist and kmnist, or null.
const CatalogEntry* find_in_catalog(std::string_view name);
std::vector<std::string> catalog_names();

}  // namespace mnist
