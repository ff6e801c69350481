// HDF5, as Keras uses it: groups, arrays of numbers, and attributes that are text.
//
// libhdf5 does the reading and writing, in memory only. It was not made for files that nobody
// vouches for, so that it sees none: outline.h walks the whole structure first and lets through
// only what h5py writes by default, every address and size checked. Links to other objects and
// files, chunks, filters, external and virtual storage are refused there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

struct Hdf5Group {
  std::map<std::string, std::vector<std::string>>
      texts;  // attributes; a single text is a list of one
  std::map<std::string, Hdf5Group> groups;
  std::map<std::string, Tensor> tensors;  // numbers of any type, as float32
  // Of a file that was read, where in it: usually later for a group that was made later.
  uint64_t position = 0;

  // The group or tensor at a path of names with '/' between them; null if there is none.
  const Hdf5Group* group(const std::string& path) const;
  const Tensor* tensor(const std::string& path) const;
  // The attribute's texts, or none; with Keras's parts NAME0, NAME1, ... for long lists put
  // together.
  std::vector<std::string> text_list(const std::string& name) const;
};

// Whether the bytes begin as HDF5 does.
bool is_hdf5(std::span<const std::byte> head);

// What the file holds, without the groups of the root or of a path that `skipped` names. Throws
// Error starting with `who`.
Hdf5Group read_hdf5(std::span<const std::byte> bytes, const std::string& who,
                    const std::set<std::string>& skipped = {});

// The file with these groups and tensors (attributes are not written); the same bytes every time.
std::vector<std::byte> write_hdf5(const Hdf5Group& root, const std::string& who);

}  // namespace mnist
