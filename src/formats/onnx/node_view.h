// A node as it is read: its attributes with their types checked, and messages that name it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/onnx/onnx.h"

namespace mnist {

class OnnxNodeView {
 public:
  // `opset` is the version of the node's own domain. Both references must outlive the view.
  OnnxNodeView(const OnnxNode& node, const std::string& who, int64_t opset)
      : node_(node), who_(who), opset_(opset) {}

  const OnnxNode& node() const { return node_; }
  const std::string& who() const { return who_; }
  int64_t opset() const { return opset_; }
  // The node's name, or where it has none its first output's.
  const std::string& label() const;

  // Throws Error "who: node 'label' (Type): reason".
  [[noreturn]] void fail(const std::string& reason) const;

  // Attributes; where the node has none, `otherwise` or an empty list. Throw Error where it has
  // another type.
  bool has(const std::string& attribute) const { return node_.attributes.contains(attribute); }
  int64_t integer(const std::string& attribute, int64_t otherwise) const;
  float real(const std::string& attribute, float otherwise) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  std::vector<int64_t> integers(const std::string& attribute) const;
  std::vector<float> reals(const std::string& attribute) const;
  std::vector<std::string> texts(const std::string& attribute) const;

  // Of an axis counted as ONNX does, from the end where it is negative.
  size_t axis(int64_t axis, size_t rank) const;
  // The same for several, in rising order, none twice; all of them for an empty list.
  std::vector<size_t> axes(const std::vector<int64_t>& axes, size_t rank) const;

 private:
  template <typename T>
  const T* find(const std::string& attribute, const char* wanted) const;

  const OnnxNode& node_;
  const std::string& who_;
  int64_t opset_;
};

}  // namespace mnist
