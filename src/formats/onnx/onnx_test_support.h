// Small graphs for the tests of ONNX.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "formats/format_list.h"
#include "formats/onnx/onnx.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {

// Adds to a model in the order of the calls; the first input is "x", what is read ends in "y".
class OnnxGraphMaker {
 public:
  explicit OnnxGraphMaker(int64_t opset = 17) {
    model.ir_version = 8;
    model.producer = "test";
    model.opsets[""] = opset;
    model.graph.name = "net";
    model.graph.outputs = {info("y", OnnxType::kFloat, {-1, 10})};
  }

  // -1: an open extent.
  static OnnxValueInfo info(const std::string& name, OnnxType type, const Shape& shape) {
    OnnxValueInfo result{name, true, type, true, {}};
    for (int64_t extent : shape) result.shape.push_back({extent, extent == -1 ? "N" : ""});
    return result;
  }
  OnnxGraphMaker& input(const Shape& shape, OnnxType type = OnnxType::kFloat) {
    model.graph.inputs.push_back(info("x", type, shape));
    return *this;
  }

  template <typename T>
  OnnxGraphMaker& tensor(const std::string& name, OnnxType type, const Shape& shape,
                         const std::vector<T>& values) {
    OnnxTensor made;
    made.name = name;
    made.type = type;
    made.shape = shape;
    made.is_raw = true;
    auto held = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(held->data(), values.data(), held->size());
    made.raw = *held;
    made.held = held;
    model.graph.initializers.push_back(std::move(made));
    return *this;
  }
  OnnxGraphMaker& whole(const std::string& name, const Shape& shape,
                        const std::vector<int64_t>& values) {
    return tensor(name, OnnxType::kInt64, shape, values);
  }
  OnnxGraphMaker& real(const std::string& name, const Shape& shape,
                       const std::vector<float>& values) {
    return tensor(name, OnnxType::kFloat, shape, values);
  }
  // Of as many values as the shape has, none like another.
  OnnxGraphMaker& weights(const std::string& name, const Shape& shape) {
    std::vector<float> values(element_count(shape));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.01F * static_cast<float>(i) - 0.3F;
    return real(name, shape, values);
  }

  OnnxGraphMaker& node(const std::string& type, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs,
                       const std::map<std::string, OnnxAttribute>& attributes = {},
                       const std::string& domain = "") {
    model.graph.nodes.push_back(
        {type + "_" + outputs[0], type, domain, inputs, outputs, attributes});
    return *this;
  }
  // From the list `from` of `features` to "y".
  OnnxGraphMaker& dense(const std::string& from, int64_t features) {
    weights("dense", {features, 10});
    return node("MatMul", {from, "dense"}, {"y"});
  }

  std::vector<std::byte> bytes() const {
    MemorySink sink;
    write_onnx(model, sink);
    return sink.bytes;
  }
  Model read() const { return read_model(bytes(), "net.onnx"); }
  std::string refusal() const {
    return error_of([&] { read(); });
  }

  OnnxModel model;
};

// "Conv Relu Flatten Gemm"
inline std::string types_of(const Model& model) {
  std::string result;
  for (const Node& node : model.nodes) result += (result.empty() ? "" : " ") + node.type;
  return result;
}

}  // namespace mnist
