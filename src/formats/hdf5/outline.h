// The structure of an HDF5 file, found and checked without libhdf5.
//
// Format: "HDF5 File Format Specification Version 2.0/3.0", superblock 0, object headers and
// B-trees of version 1, which is what h5py and thus Keras write unless told otherwise.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>

#include "mnist/model.h"

namespace mnist {

struct Hdf5Type {
  enum class Kind { kFloat, kInteger, kFixedText, kVariableText } kind = Kind::kFloat;
  uint64_t size = 0;  // of one element, as stored

  bool is_text() const { return kind == Kind::kFixedText || kind == Kind::kVariableText; }
};

// An array in the file: a dataset or an attribute.
struct Hdf5Array {
  Hdf5Type type;
  Shape shape;  // () is a single element
};

struct Hdf5Outline {
  std::map<std::string, Hdf5Array> attributes;
  std::map<std::string, Hdf5Array> datasets;
  std::map<std::string, Hdf5Outline> groups;
  uint64_t position = 0;
};

// Every group, dataset and attribute that can be reached, each checked: all bytes of it lie inside
// of the file, none is reached twice, and it is of the few kinds above. The root's groups that
// `skipped` names are left out, unseen. Throws Error starting with `who`.
Hdf5Outline outline_hdf5(std::span<const std::byte> bytes, const std::string& who,
                         const std::set<std::string>& skipped);

}  // namespace mnist
