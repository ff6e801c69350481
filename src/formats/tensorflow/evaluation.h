// From a TensorFlow graph to the document: the graph is run once with its input unknown. What does
// not depend on the input is computed on the way (shapes, kernels, folded statistics), the rest
// becomes nodes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "formats/channel_last.h"
#include "formats/tensorflow/graph.h"
#include "mnist/model.h"

namespace mnist {

// A variable, by the name of the node that stands for it.
struct TfVariable {
  std::string node;
};

// On the way through a convolution with dilation, which TensorFlow says as SpaceToBatchND, a plain
// convolution, what works on single elements, BatchToSpaceND. The positions are in order all along,
// as if the convolution itself had the dilation.
struct TfDilated {
  ChannelLastValue value;
  std::pair<int64_t, int64_t> dilations;
  std::vector<int64_t> paddings;  // top, bottom, left, right; none once there was a convolution
  bool is_convolved = false;
  bool is_sequence = false;  // a map of one row, which stands for a sequence
};

// With the positions of a map or sequence moved into the batch: how TensorFlow says a dense layer
// of each position. The value is as it was, (..., channels).
struct TfPositions {
  ChannelLastValue value;
};

// What a node makes. A ChannelLastValue depends on the network's input; its shape is without the
// batch. Among a constant's integers -1 is the number of images.
using TfValue = std::variant<TfConstantRef, TfVariable, ChannelLastValue, TfDilated, TfPositions>;

// The work of a graph that is no larger than its file.
struct TfLimits {
  size_t nodes = kMostTfNodes;  // that are run, functions each time they are called
  size_t elements = 0;          // of all constants and weights that are made, beside variables' own
};

class TfEvaluation {
 public:
  // `read_variable` gives a variable's values.
  TfEvaluation(const TfGraph& graph, const std::string& who, TfLimits limits,
               std::function<TfConstant(const std::string& node)> read_variable);

  Model run() &&;

  // ---- for the functions that run a type of node ----

  const TfNode& node() const { return *node_; }
  const std::vector<TfValue>& inputs() const { return *inputs_; }
  bool is_constant(size_t input) const;
  // Throw Error where the input is something else.
  const TfConstant& constant(size_t input) const;
  TfConstantRef constant_ref(size_t input) const;
  std::vector<int64_t> integers(size_t input) const;
  const ChannelLastValue& value(size_t input) const;

  // Null where the input is something else.
  const TfDilated* dilated(size_t input) const;

  const TfPositions* positions(size_t input) const;

  // What makes and orders elements in the document; its nodes are called like this one.
  ChannelLastGraph& order() { return order_; }
  std::string add_weight(const std::string& name, Tensor tensor);
  std::string add_node(const std::string& type, std::vector<std::string> inputs,
                       std::map<std::string, Attribute> attributes = {}) {
    return order_.add_node(type, std::move(inputs), std::move(attributes));
  }
  // A name for a weight: the variable's or constant's that the input came from, if it has one.
  std::string weight_name(size_t input) const;

  TfConstantRef keep(TfConstant constant);  // counts its elements
  TfConstantRef variable(const std::string& node);

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  struct Frame {
    const TfNodes* nodes = nullptr;
    std::string prefix;  // of names in the document
    size_t depth = 0;
    std::map<std::string, TfValue> arguments = {};
    std::map<std::string, std::vector<TfValue>> made = {};
  };

  std::vector<TfValue> evaluate(Frame& frame, const std::vector<std::string>& references);
  void evaluate_in_order(Frame& frame, const std::string& node);
  std::vector<TfValue> run_node(Frame& frame, const TfNode& node);
  TfValue run_op(const TfNode& node);
  ChannelLastValue run_with(TfValue (*function)(TfEvaluation&), const ChannelLastValue& first);
  std::vector<TfValue> call(Frame& frame, const TfNode& node, const std::vector<TfValue>& inputs);
  TfValue find(const Frame& frame, const std::string& reference) const;
  void spend(size_t elements);

  const TfGraph& graph_;
  std::string who_;
  TfLimits limits_;
  std::function<TfConstant(const std::string&)> read_variable_;
  std::map<std::string, TfConstantRef> variables_;
  std::map<const TfConstant*, std::string> names_;  // of constants that have one
  GraphBuilder builder_;
  ChannelLastGraph order_;
  ChannelLastValue input_;
  const TfNode* node_ = nullptr;
  const std::vector<TfValue>* inputs_ = nullptr;
  std::vector<TfConstantRef> kept_;  // so that names_ stay true
};

// Runs a node of a type that is in op_list.cpp.
using RunTfNode = TfValue (*)(TfEvaluation& evaluation);
// Null where there is none.
RunTfNode find_tf_op(const std::string& op);

}  // namespace mnist
