// Networks of programs that lay feature maps out as (H,W,C): Keras, TensorFlow, TensorFlow Lite.
// The document lays them out as (C,H,W).
//
// A feature map is translated by remembering that the document holds it so; the difference shows
// only where elements are counted: a dense layer behind a flattened feature map has its rows in
// another order, reshaping and transposing need a Transpose of the document's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/graph_builder.h"
#include "mnist/model.h"

namespace mnist {

// A value of the network.
struct ChannelLastValue {
  std::string name;  // in the document
  Shape shape;       // per image, as the other program sees it
  // Rank 3: its (H,W,C) is (C,H,W) in the document.
  bool is_planes = false;
  // Rank 1: the (H,W,C) that its elements are in the order of, where the document has them as
  // (C,H,W). Empty: the orders are the same.
  Shape flattened = {};
};

// What a sliding window is, as (rows, columns).
struct ChannelLastWindow {
  std::pair<int64_t, int64_t> kernel = {1, 1};
  std::pair<int64_t, int64_t> strides = {1, 1};
  std::pair<int64_t, int64_t> dilations = {1, 1};
  bool is_same = false;  // padded so that there are ceil(input / stride) outputs; else not padded
};

class ChannelLastGraph {
 public:
  // `node` is what the nodes made below are called: several get suffixes.
  ChannelLastGraph(GraphBuilder& graph, std::string node) : graph_(graph), node_(std::move(node)) {}

  void call_nodes(std::string node) { node_ = std::move(node); }

  const Shape& document_shape(const ChannelLastValue& value) const {
    return graph_.shape(value.name);
  }
  std::string add_node(const std::string& type, std::vector<std::string> inputs,
                       std::map<std::string, Attribute> attributes = {},
                       const std::string& suffix = "");

  // The document's own way of ordering: of the image's axes, 0 the first.
  std::string transpose(const std::string& value, const std::vector<int64_t>& axes);
  std::string reshape(const std::string& value, const Shape& shape);

  // The same value with its order of elements in the document, too.
  ChannelLastValue in_order(ChannelLastValue value);
  // Of rank 3, with the channels first in the document.
  ChannelLastValue as_planes(const ChannelLastValue& value);
  // What a node that made planes of planes gives.
  ChannelLastValue planes(const std::string& name) const;

  // The other program's reshaping (where the elements fill `shape`) and transposing.
  ChannelLastValue flattened(const ChannelLastValue& value);
  ChannelLastValue reshaped(const ChannelLastValue& value, const Shape& shape);
  ChannelLastValue permuted(const ChannelLastValue& value, const std::vector<int64_t>& axes);

  // `axis` is one of the image's, 0 the first.
  ChannelLastValue softmax(const char* type, ChannelLastValue value, size_t axis,
                           const std::string& suffix = "");
  ChannelLastValue concatenated(std::vector<ChannelLastValue> values, size_t axis);
  // The values in one order, so that their elements correspond.
  std::vector<ChannelLastValue> alike(std::vector<ChannelLastValue> values);

  // Throws where a size, stride or dilation is beyond reason.
  std::map<std::string, Attribute> window_attributes(const ChannelLastValue& planes,
                                                     const ChannelLastWindow& window) const;
  // Of a ConvTranspose whose output has `output` rows and columns.
  std::map<std::string, Attribute> transposed_window_attributes(
      const ChannelLastValue& planes, const ChannelLastWindow& window,
      std::pair<int64_t, int64_t> output) const;

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  GraphBuilder& graph_;
  std::string node_;
};

// Where an element of the order (H,W,C) lies in (C,H,W).
size_t planes_place(size_t index, const Shape& hwc);
// (H,W,C) values in (C,H,W) order. Throws Error unless they fill that shape.
std::vector<float> to_planes(const std::vector<float>& values, const Shape& hwc);
// Whether the two orders are one.
bool is_same_order(const Shape& hwc);

// (in,out) -> (out,in), with the rows in the order of planes where `flattened` says what they
// count.
Tensor dense_kernel(const Tensor& kernel, const Shape& flattened);
// (H,W,in,out) -> (out,in,H,W)
Tensor conv_kernel(const Tensor& kernel);
// (H,W,channels,multiplier) -> (channels * multiplier,1,H,W)
Tensor depthwise_kernel(Tensor kernel);

// The padding before and behind an axis with which TensorFlow's "SAME" makes ceil(input / stride)
// outputs; the odd one is behind.
std::pair<int64_t, int64_t> same_padding(int64_t input, int64_t kernel, int64_t stride,
                                         int64_t dilation);

}  // namespace mnist
