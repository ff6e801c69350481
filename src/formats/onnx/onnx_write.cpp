#include <fmt/format.h>

#include "formats/onnx/onnx.h"
#include "formats/protobuf.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint32_t kAttributeTypeField = 20;

ProtobufWriter tensor_message(const OnnxTensor& tensor) {
  ProtobufWriter writer;
  writer.integers(1, tensor.shape);
  writer.integer(2, static_cast<int64_t>(tensor.type));
  writer.text(8, tensor.name);
  writer.bytes(9, tensor.raw);
  return writer;
}

// The field of AttributeProto that a value goes into, and its type.
ProtobufWriter graph_message(const OnnxGraph& graph);

struct PutValue {
  ProtobufWriter& writer;

  void operator()(float value) const {
    writer.real(2, value);
    writer.integer(kAttributeTypeField, 1);
  }
  void operator()(int64_t value) const {
    writer.integer(3, value);
    writer.integer(kAttributeTypeField, 2);
  }
  void operator()(const std::string& value) const {
    writer.text(4, value);
    writer.integer(kAttributeTypeField, 3);
  }
  void operator()(const std::vector<float>& values) const {
    for (float value : values) writer.real(7, value);
    writer.integer(kAttributeTypeField, 6);
  }
  void operator()(const std::vector<int64_t>& values) const {
    for (int64_t value : values) writer.integer(8, value);
    writer.integer(kAttributeTypeField, 7);
  }
  void operator()(const std::vector<std::string>& values) const {
    for (const std::string& value : values) writer.text(9, value);
    writer.integer(kAttributeTypeField, 8);
  }
  void operator()(const OnnxTensor& tensor) const {
    writer.message(5, tensor_message(tensor));
    writer.integer(kAttributeTypeField, 4);
  }
  void operator()(const OnnxSubgraph& graph) const {
    writer.message(6, graph_message(*graph));
    writer.integer(kAttributeTypeField, 5);
  }
  void operator()(const OnnxReference& reference) const { writer.text(21, reference.name); }
  void operator()(const OnnxForeign& foreign) const {
    throw Error(fmt::format("{} is not written", foreign.kind));
  }
};

ProtobufWriter node_message(const OnnxNode& node) {
  ProtobufWriter writer;
  for (const std::string& input : node.inputs) writer.text(1, input);
  for (const std::string& output : node.outputs) writer.text(2, output);
  writer.text(3, node.name);
  writer.text(4, node.type);
  for (const auto& [name, value] : node.attributes) {
    ProtobufWriter attribute;
    attribute.text(1, name);
    std::visit(PutValue{attribute}, value);
    writer.message(5, attribute);
  }
  if (!node.domain.empty()) writer.text(7, node.domain);
  return writer;
}

ProtobufWriter value_message(const OnnxValueInfo& value) {
  ProtobufWriter shape;
  for (const OnnxValueInfo::Extent& extent : value.shape) {
    ProtobufWriter dimension;
    if (extent.name.empty()) {
      dimension.integer(1, extent.value);
    } else {
      dimension.text(2, extent.name);
    }
    shape.message(1, dimension);
  }
  ProtobufWriter tensor;
  tensor.integer(1, static_cast<int64_t>(value.type));
  if (value.has_shape) tensor.message(2, shape);
  ProtobufWriter type;
  type.message(1, tensor);
  ProtobufWriter writer;
  writer.text(1, value.name);
  writer.message(2, type);
  return writer;
}

ProtobufWriter graph_message(const OnnxGraph& graph) {
  ProtobufWriter writer;
  for (const OnnxNode& node : graph.nodes) writer.message(1, node_message(node));
  writer.text(2, graph.name);
  for (const OnnxTensor& tensor : graph.initializers) writer.message(5, tensor_message(tensor));
  for (const OnnxValueInfo& value : graph.inputs) writer.message(11, value_message(value));
  for (const OnnxValueInfo& value : graph.outputs) writer.message(12, value_message(value));
  for (const OnnxValueInfo& value : graph.values) writer.message(13, value_message(value));
  return writer;
}

}  // namespace

void write_onnx(const OnnxModel& model, Sink& sink) {
  ProtobufWriter writer;
  writer.integer(1, model.ir_version);
  writer.text(2, model.producer);
  writer.message(7, graph_message(model.graph));
  for (const auto& [domain, version] : model.opsets) {
    ProtobufWriter opset;
    opset.text(1, domain);
    opset.integer(2, version);
    writer.message(8, opset);
  }
  for (const auto& [key, value] : model.metadata) {
    ProtobufWriter entry;
    entry.text(1, key);
    entry.text(2, value);
    writer.message(14, entry);
  }
  sink.write(writer.content());
}

}  // namespace mnist
