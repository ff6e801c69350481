// From a TensorFlow Lite model to TensorFlow's graph that it was made from, so that one translation
// to the document serves both: a kernel's axes in TensorFlow's order, fused activations and
// quantised values as nodes of their own.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/tensorflow/graph.h"
#include "formats/tflite/tflite.h"

namespace mnist {

class TfliteTranslation {
 public:
  // The model must outlive it; `elements` bounds the constants that are made.
  TfliteTranslation(const TfliteModel& model, size_t elements)
      : model_(model), elements_left_(elements) {}

  TfGraph run() &&;

  // ---- for the functions that translate an operator ----

  const TfliteOperator& op() const { return *op_; }
  bool has_input(size_t input) const {
    return input < op_->inputs.size() && op_->inputs[input] >= 0;
  }
  const TfliteTensor& input_tensor(size_t input) const;
  const TfliteTensor& output_tensor(size_t output = 0) const;

  // The name of the node that makes an input. A constant becomes a node, called like the operator
  // with `role` behind it where the file has no name that says something.
  std::string input(size_t input, const char* role = "constant");
  // The values of an input that must be constant.
  TfConstant constant(size_t input) const;
  std::string add_constant(const std::string& wanted_name, TfConstant constant);
  std::string add_integers(std::vector<int64_t> values);
  // Of weights: the input's name, or the operator's and the role.
  std::string constant_name(size_t input, const char* role) const;

  // Adds a node; the first of an operator is called like its output tensor, others have the
  // TensorFlow operator's name behind it.
  TfNode& add_node(const std::string& tensorflow_op, std::vector<std::string> inputs);
  // A node in front of the operator's own, which does not take its name.
  std::string add_inner_node(const std::string& tensorflow_op, std::vector<std::string> inputs);
  // As add_node where the operator's other inputs are all its own.
  TfNode& add_node_of_inputs(const std::string& tensorflow_op);
  // The last node that was added, with the activation of the schema's number applied to it.
  void activate(int8_t function);

  // Says which node makes an output; of the first one, the last node that was added does.
  void set_output(size_t output, const std::string& node);
  void call_output(size_t output);  // nodes that follow are called like this output

  // A field of the operator's options of the schema's type; `otherwise` where it is left out.
  template <typename T>
  T option(uint8_t type, uint16_t field, T otherwise, const char* name) const {
    const std::optional<FlatBufferTable> options = op_->options(type);
    return options ? options->number<T>(field, otherwise, name) : otherwise;
  }

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  std::string unused_name(const std::string& wanted) const;
  std::string add_input();
  void run_operator(const TfliteOperator& op);
  // What a quantised tensor's values are rounded to.
  std::string quantized(const std::string& node, const TfliteTensor& tensor);
  bool keeps_quantization() const;
  std::string without_rounding(const std::string& node) const;

  const TfliteModel& model_;
  size_t elements_left_;
  TfGraph graph_;
  std::map<int32_t, std::string> made_;     // the nodes that make tensors
  std::map<int32_t, int32_t> dequantized_;  // of constants: the tensor that has the values
  const TfliteOperator* op_ = nullptr;
  std::string base_;  // of the names of the operator's nodes
  std::string last_;  // the node added last
};

// How an operator is translated: by a function, and where TensorFlow's has the same inputs and no
// attributes, by its name.
struct TfliteOperatorEntry {
  const char* name;
  void (*translate)(TfliteTranslation& translation) = nullptr;  // null: not known
  const char* tensorflow_op = nullptr;
};
// Null where the code is not the schema's.
const TfliteOperatorEntry* find_tflite_operator(int32_t code);

// The name without what the converter put around it.
std::string tflite_name(std::string_view name);

}  // namespace mnist
