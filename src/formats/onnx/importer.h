// From ONNX's graph to the document, node by node.
//
// ONNX's shapes count the batch, the document's do not. Where the number of images is open or more
// than one, every activation has it as its leading extent, and what would mix images is refused;
// around recurrent layers, which want the steps first, it may be another one for a while.
// Where the graph is for one image, a leading extent of 1 may come and go as it likes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/graph_builder.h"
#include "formats/onnx/constant.h"
#include "formats/onnx/fold.h"
#include "formats/onnx/node_view.h"
#include "formats/onnx/onnx.h"

namespace mnist {

// A value of the graph: known already, or an activation.
struct OnnxValue {
  std::shared_ptr<const OnnxConstant> constant;  // null: an activation
  std::string name;                              // a constant's in the file, or in the document
  OnnxType type = OnnxType::kFloat;              // what ONNX would hold it in
  bool leads = true;      // activations: whether ONNX's shape has the batch besides the image's
  size_t batch_axis = 0;  // where; not the first only for operators that know of it
};

// What stands for an unknown number of images in a shape.
inline constexpr int64_t kOpenBatch = -1;

class OnnxImporter {
 public:
  // `has_batch`: whether the input's leading extent is the number of images.
  OnnxImporter(const OnnxModel& model, const ModelSource& source, bool has_batch);

  // The document, ending in the value `output`. Throws Error naming the node and its operator for
  // what cannot be run.
  Model import(const std::string& output);

  // Of the document that import() made.
  OnnxType input_type() const { return input_type_; }
  size_t output_size() const { return output_size_; }

  // ---- for the conversions of nodes ----

  GraphBuilder& builder() { return *builder_; }
  OnnxFoldBudget& budget() { return budget_; }
  OnnxTensorReader& tensors() { return tensors_; }
  const std::string& who() const { return tensors_.source().who; }
  // kOpenBatch, or how many images the graph is for.
  int64_t batch() const { return batch_; }

  // Throws Error if nothing makes it.
  const OnnxValue& value(const std::string& name);
  void set_value(const std::string& name, OnnxValue value);
  // Null where it is an activation, or not known yet.
  const OnnxValue* known_constant(const std::string& name);
  // The one node that uses the value `name`; null if there are others, or it is the output.
  const OnnxNode* only_user(const std::string& name) const;
  bool is_output(const std::string& name) const { return name == output_; }
  OnnxNodeView view(const OnnxNode& node) const;

  // The weight that holds a constant as floats, the same one every time. Throws Error naming the
  // node.
  std::string weight(const OnnxNodeView& node, const OnnxValue& value);
  // Adds another weight.
  std::string add_weight(const OnnxNodeView& node, const std::string& name,
                         const OnnxConstant& constant);
  // As ONNX sees it, the batch included.
  Shape full_shape(const OnnxValue& activation) const;
  void note(const std::string& key, const std::string& text) { notes_[key] = text; }

 private:
  void find_needed(const std::string& output);
  void add_input();
  Shape image_shape(const OnnxValueInfo& input);
  void convert(const OnnxNode& node);
  bool convert_constants(const OnnxNodeView& node);
  bool is_known(const std::string& name) const;
  void convert_branch(const OnnxNodeView& node);
  void expect_operator(const OnnxNodeView& node) const;
  void expect_leading_batch(const OnnxNodeView& node);

  const OnnxModel& model_;
  OnnxTensorReader tensors_;
  OnnxFoldBudget budget_;
  bool has_batch_;
  int64_t batch_ = kOpenBatch;
  OnnxType input_type_ = OnnxType::kFloat;
  size_t output_size_ = 0;
  std::string output_;
  std::unique_ptr<GraphBuilder> builder_;
  std::map<std::string, const OnnxTensor*> initializers_;
  std::map<std::string, const OnnxValueInfo*> inputs_;
  std::map<std::string, size_t> makers_;              // a value's node
  std::vector<size_t> needed_;                        // nodes, each behind those that it builds on
  std::map<std::string, std::vector<size_t>> users_;  // of a value, among the needed nodes
  std::map<std::string, OnnxValue> values_;
  std::map<const OnnxConstant*, std::string> weights_;
  std::map<std::string, std::string> notes_;
};

}  // namespace mnist
