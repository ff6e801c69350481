// Where a network's activations lie in one array of floats: two that are never needed at the same
// time share their place.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mnist {

class CMemory {
 public:
  // `value`, made at step `step`, of `floats` floats.
  void add(const std::string& value, size_t floats, size_t step);
  // `value` stands for the same floats as `other`.
  void add_alias(const std::string& value, const std::string& other);
  // `value` is read at step `step`.
  void use(const std::string& value, size_t step);

  // The step at which the floats of `value` are read for the last time.
  size_t last_use(const std::string& value) const { return buffer(value).last; }

  // Gives every value its place.
  void place();
  size_t offset(const std::string& value) const { return buffer(value).offset; }
  size_t floats() const { return floats_; }  // of the whole array

 private:
  struct Buffer {
    size_t floats;
    size_t first;
    size_t last;
    size_t offset = 0;
  };

  const Buffer& buffer(const std::string& value) const { return buffers_[index_.at(value)]; }

  std::vector<Buffer> buffers_;  // in the order of their first steps
  std::map<std::string, size_t> index_;
  size_t floats_ = 0;
};

}  // namespace mnist
