// A SavedModel's variables: an index of names, and files of values.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/format.h"
#include "formats/tensorflow/graph.h"

namespace mnist {

// Format: tensorflow/core/protobuf/tensor_bundle.proto.
class TensorBundle {
 public:
  // Files that begin with `prefix` ("variables/variables"), from beside `source`'s. Throws Error.
  TensorBundle(const ModelSource& source, const std::string& prefix);

  bool has(const std::string& key) const { return entries_.contains(key); }
  // The values, their checksum checked.
  TfConstant read(const std::string& key);

 private:
  const std::vector<std::byte>& shard(int64_t number);

  const ModelSource& source_;
  std::string prefix_;
  std::string who_;
  std::vector<std::byte> index_;
  std::map<std::string, std::span<const std::byte>> entries_;
  int64_t shard_count_ = 0;
  uint64_t held_ = 0;                                 // bytes of the files that have been read
  uint64_t read_ = 0;                                 // bytes of the variables that have been
  std::map<int64_t, std::vector<std::byte>> shards_;  // those that have been read
};

}  // namespace mnist
