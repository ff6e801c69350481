// Computing nodes whose inputs are all known while the graph is read: the arithmetic of shapes that
// exporters leave in a graph, and what they do to weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/onnx/constant.h"
#include "formats/onnx/node_view.h"

namespace mnist {

// How many values may be computed for one file: a few bytes can ask for any number of them.
class OnnxFoldBudget {
 public:
  explicit OnnxFoldBudget(size_t file_bytes) : left_((size_t{1} << 22) + 16 * file_bytes) {}

  // The number of elements of `shape`. Throws Error naming the node where that is more than is
  // left.
  size_t spend(const OnnxNodeView& node, const Shape& shape);

 private:
  size_t left_;
};

// One node and its inputs.
struct OnnxFoldCall {
  const OnnxNodeView& node;
  std::vector<const OnnxConstant*> inputs;  // null where the node leaves one out
  OnnxFoldBudget& budget;

  bool has(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  const OnnxConstant& input(size_t i) const;  // throws Error where it is left out
  // A list or single integer that is the same for every number of images; empty where left out.
  std::vector<int64_t> integers(size_t i) const;
  // The attribute, which newer operator sets have as the input `i`.
  std::vector<int64_t> integers(const std::string& attribute, size_t i) const;
};

using OnnxFold = OnnxConstant (*)(const OnnxFoldCall&);

// Null if nodes of this type are not computed.
OnnxFold find_onnx_fold(const std::string& type);

// ---- shapes; the rules are the same for activations ----

// A range of an axis: `count` positions from `start`, `step` apart.
struct OnnxSlice {
  size_t axis;
  int64_t start;
  int64_t step;
  int64_t count;
};
// What a Slice node takes of `shape`; axes that it does not name are left out.
std::vector<OnnxSlice> onnx_slices(const OnnxNodeView& node, const Shape& shape,
                                   const std::vector<int64_t>& starts,
                                   const std::vector<int64_t>& ends,
                                   const std::vector<int64_t>& axes,
                                   const std::vector<int64_t>& steps);
Shape onnx_squeezed(const OnnxNodeView& node, const Shape& shape, const std::vector<int64_t>& axes);
Shape onnx_unsqueezed(const OnnxNodeView& node, const Shape& shape,
                      const std::vector<int64_t>& axes);
// numpy's rule.
Shape onnx_broadcast(const OnnxNodeView& node, const Shape& a, const Shape& b);

}  // namespace mnist
