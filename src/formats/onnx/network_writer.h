// Turns the document's nodes into ONNX's, one after the other.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "formats/onnx/export.h"

namespace mnist {

class OnnxNetworkWriter {
 public:
  OnnxNetworkWriter(const Model& model, const OnnxExportOptions& options);

  OnnxNetwork write() &&;

 private:
  void write_weights();
  void write_preprocessing();
  void write_node(const Node& node);
  // Attributes that ONNX has as constant inputs change their places, nothing else.
  void write_plain(const Node& node);
  void write_reshape(const Node& node);

  // ---- export_special.cpp: what ONNX says differently ----

  using Special = void (OnnxNetworkWriter::*)(const Node& node);
  static Special special_of(const std::string& type);
  void write_pool(const Node& node);
  void write_squeeze(const Node& node);
  void write_batch_normalization(const Node& node);
  void write_answer(const Node& node);  // of another type than float
  void write_resize(const Node& node);
  void write_gather(const Node& node);
  void write_expand(const Node& node);
  void write_group_normalization(const Node& node);
  void write_normalizer(const Node& node);
  void write_quantize(const Node& node);
  void write_dequantize(const Node& node);
  // Newer than the operator set.
  void write_gelu(const Node& node);
  void write_gated(const Node& node);

  // "uint8" where every number that `value` can hold comes from a QuantizeLinear to it; "" where
  // that is not so.
  std::string quantized_type(const std::string& value) const;
  const Node* maker_of(const std::string& value) const;
  Shape shape_of(const std::string& value) const;  // empty if it is not known

  // ---- parts ----

  // `wanted`, with a number where it is taken.
  std::string fresh(const std::string& wanted);

  // Constants; each returns its name.
  template <typename T>
  std::string constant(const std::string& wanted, OnnxType type, Shape shape,
                       const std::vector<T>& values) {
    auto held = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(held->data(), values.data(), held->size());
    OnnxTensor tensor;
    tensor.name = fresh(wanted);
    tensor.type = type;
    tensor.shape = std::move(shape);
    tensor.is_raw = true;
    tensor.raw = *held;
    tensor.held = std::move(held);
    result_.constants.push_back(std::move(tensor));
    return result_.constants.back().name;
  }
  std::string integers(const std::string& wanted, const std::vector<int64_t>& values);
  std::string real(const std::string& wanted, double value);
  std::string reals(const std::string& wanted, const std::vector<float>& values);
  std::string input_constant(const std::string& name, const Attribute& value);

  // Adds a node and returns its output: called like the node, or `output`.
  std::string add(const std::string& type, const std::string& name, std::vector<std::string> inputs,
                  std::map<std::string, OnnxAttribute> attributes = {},
                  const std::string& output = "");
  // Adds the node whose result is `node`'s.
  void finish(const Node& node, const std::string& type, std::vector<std::string> inputs,
              std::map<std::string, OnnxAttribute> attributes = {});
  // A name for a part of `node`.
  std::string part(const Node& node, const char* name);

  const Model& model_;
  const OnnxExportOptions& options_;
  std::map<std::string, Shape> shapes_;
  OnnxNetwork result_;
  std::set<std::string> taken_;
  std::string prepared_;  // what takes the input's place
};

// Throws Error where the node has none.
const std::string& first_input(const Node& node);

// The type that a document calls "uint8" and so on; nothing for another word.
OnnxType onnx_type_of(const std::string& word);

}  // namespace mnist
