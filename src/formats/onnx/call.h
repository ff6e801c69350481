// One node on its way into the document: what its conversion is given.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/onnx/importer.h"

namespace mnist {

using Attributes = std::map<std::string, Attribute>;

class OnnxCall {
 public:
  OnnxCall(OnnxImporter& graph, const OnnxNodeView& node);

  OnnxImporter& graph;
  const OnnxNodeView& node;

  // ---- inputs ----

  size_t input_count() const { return inputs_.size(); }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  bool is_constant(size_t i) const { return has(i) && inputs_[i]->constant != nullptr; }
  const OnnxValue& value(size_t i) const;  // throws Error where it is left out
  // Throw Error where the input is the other kind.
  const OnnxValue& activation(size_t i) const;
  const OnnxConstant& constant(size_t i) const;
  // The weight of the document that holds input `i`, a constant; "" where it is left out.
  std::string weight(size_t i) const;
  // Adds a weight that the file does not have like this.
  std::string weight(const std::string& name, const OnnxConstant& constant) const;
  // As OnnxFoldCall's.
  std::vector<int64_t> integers(const std::string& attribute, size_t i) const;
  // The attribute, or the constant input `i`, of one number.
  std::optional<float> number(const std::string& attribute, size_t i) const;

  // ---- shapes of activations ----

  const Shape& shape(const OnnxValue& value) const { return graph.builder().shape(value.name); }
  Shape full_shape(const OnnxValue& value) const { return graph.full_shape(value); }
  // An axis of the full shape, counted as the document does: the batch is 0. Throws Error for the
  // batch's own.
  int64_t document_axis(const OnnxValue& value, int64_t axis) const;
  // The axis of the image.
  size_t image_axis(const OnnxValue& value, int64_t axis) const;

  // ---- outputs ----

  // The node's attributes but those in `without`. Throws Error for a kind that no document has.
  Attributes attributes(std::initializer_list<const char*> without = {}) const;
  // Adds a node to the document, called like this one.
  std::string add(const std::string& type, std::vector<std::string> inputs,
                  Attributes attributes = {}) const;
  // What this node makes.
  void set(OnnxValue value, size_t output = 0) const;
  // An activation that `name` of the document holds, otherwise like `like`.
  void set_like(const OnnxValue& like, const std::string& name) const;
  // `value` under another full shape, in which the batch is at `batch_axis`; throws Error where
  // that mixes images.
  OnnxValue reshaped(const OnnxValue& value, const Shape& full_shape, size_t batch_axis = 0) const;

 private:
  std::vector<const OnnxValue*> inputs_;  // null where left out
};

using OnnxConversion = void (*)(OnnxCall& call);

// Null for an operator that has the document's own meaning: its attributes are copied.
OnnxConversion find_onnx_conversion(const std::string& domain, const std::string& type);

// Whether the conversion of `node` takes values whose batch is not the first extent.
bool takes_any_batch_axis(const OnnxNode& node);

}  // namespace mnist
