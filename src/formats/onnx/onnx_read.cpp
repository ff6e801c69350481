#include <fmt/format.h>

#include <optional>
#include <set>

#include "base/text.h"
#include "formats/onnx/onnx.h"
#include "formats/protobuf.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr int64_t kOldestIr = 3;  // the first with operator sets
constexpr int64_t kNewestIr = 100;
constexpr size_t kMostNodes = 10'000;
// Of initializers, inputs, outputs, metadata: an empty one is two bytes in the file and hundreds in
// memory.
constexpr size_t kMostItems = 10'000;
constexpr size_t kMostAttributes = 100;
constexpr size_t kMostDimensions = 32;

// What is left of kMostNodes and kMostItems for a whole file, graphs within graphs included.
struct Room {
  size_t nodes = kMostNodes;
  size_t items = kMostItems;
};

std::string shown(const std::string& name) { return printable(name, 80); }

// "" and "ai.onnx" are one domain.
std::string domain_name(std::string_view domain) {
  return std::string(domain == "ai.onnx" ? "" : domain);
}

// Throws where a list of `count` may not grow.
void expect_room(const ProtobufReader& reader, size_t count, size_t most, const char* what) {
  if (count >= most) reader.fail(fmt::format("more than {} {}", most, what));
}

// Takes one of what is left.
void take_room(const ProtobufReader& reader, size_t& left, size_t most, const char* what) {
  if (left == 0) reader.fail(fmt::format("more than {} {}", most, what));
  --left;
}

std::pair<std::string, std::string> read_entry(ProtobufReader entry) {
  std::pair<std::string, std::string> result;
  while (entry.next()) {
    if (entry.field() == 1) result.first = entry.text("key");
    if (entry.field() == 2) result.second = entry.text("value");
  }
  return result;
}

// A number that protobuf calls int32 may be written in 64 bits; it must fit all the same.
OnnxType read_type(ProtobufReader& reader, const char* name) {
  const int64_t type = reader.integer(name);
  if (type < 0 || type > 1000) reader.fail(fmt::format("{} {} is impossible", name, type));
  return static_cast<OnnxType>(type);
}

void read_external(ProtobufReader& reader, OnnxTensor& tensor) {
  auto [key, value] = read_entry(reader.message_item("external_data"));
  if (!tensor.external.emplace(key, std::move(value)).second) {
    reader.fail(fmt::format("external_data: '{}' comes twice", shown(key)));
  }
}

OnnxTensor read_tensor(ProtobufReader reader) {
  OnnxTensor tensor;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        reader.append(tensor.shape, "dims");
        break;
      case 2:
        tensor.type = read_type(reader, "data_type");
        break;
      case 3:
        reader.fail("a tensor in segments is not read");
      case 4:
        reader.append(tensor.floats, "float_data");
        break;
      case 5:
        reader.append(tensor.whole, "int32_data");
        break;
      case 7:
        reader.append(tensor.whole, "int64_data");
        break;
      case 8:
        tensor.name = reader.text("name");
        break;
      case 9:
        tensor.raw = reader.bytes("raw_data");
        tensor.is_raw = true;
        break;
      case 10:
        reader.append(tensor.doubles, "double_data");
        break;
      case 11:
        reader.append(tensor.whole, "uint64_data");
        break;
      case 13:
        read_external(reader, tensor);
        break;
      case 14:
        tensor.is_external = reader.integer("data_location") == 1;
        break;
      default:
        break;
    }
  }
  if (tensor.shape.size() > kMostDimensions) {
    reader.fail(fmt::format("tensor '{}': {} dimensions, at most {} are read", shown(tensor.name),
                            tensor.shape.size(), kMostDimensions));
  }
  return tensor;
}

// AttributeProto.AttributeType, and what it is for people.
struct AttributeKind {
  int64_t type;
  const char* name;
};
constexpr AttributeKind kForeignKinds[] = {
    {9, "tensors"},         {10, "graphs"}, {11, "a sparse tensor"},
    {12, "sparse tensors"}, {13, "a type"}, {14, "types"},
};

// The fields of an AttributeProto, of which `type` says which one counts.
struct AttributeFields {
  std::string name;
  int64_t type = 0;
  int64_t found_type = 0;  // by the field that is there
  float real = 0;
  int64_t whole = 0;
  std::string text;
  std::vector<float> reals;
  std::vector<int64_t> wholes;
  std::vector<std::string> texts;
  std::optional<OnnxTensor> tensor;
  OnnxSubgraph graph;
  std::string refers;  // to an attribute of the function around
};

OnnxGraph read_graph(ProtobufReader reader, Room& room);

void read_attribute_field(ProtobufReader& reader, AttributeFields& fields, Room& room) {
  switch (reader.field()) {
    case 1:
      fields.name = reader.text("name");
      break;
    case 20:
      fields.type = reader.integer("type");
      break;
    case 21:
      fields.refers = reader.text("ref_attr_name");
      break;
    case 2:
      fields.real = reader.real("f");
      fields.found_type = 1;
      break;
    case 3:
      fields.whole = reader.integer("i");
      fields.found_type = 2;
      break;
    case 4:
      fields.text = reader.text("s");
      fields.found_type = 3;
      break;
    case 5:
      fields.tensor = read_tensor(reader.message("t"));
      fields.found_type = 4;
      break;
    case 7:
      reader.append(fields.reals, "floats");
      fields.found_type = 6;
      break;
    case 8:
      reader.append(fields.wholes, "ints");
      fields.found_type = 7;
      break;
    case 9:
      fields.texts.emplace_back(reader.text_item("strings"));
      fields.found_type = 8;
      break;
    case 6:
      fields.graph = std::make_shared<OnnxGraph>(read_graph(reader.message("g"), room));
      fields.found_type = 5;
      break;
    default:
      break;
  }
}

OnnxAttribute attribute_value(const ProtobufReader& reader, AttributeFields& fields) {
  if (!fields.refers.empty()) return OnnxReference{std::move(fields.refers)};
  // Files of IR version 3 may leave the type out. What is 0 or empty may lack the field.
  const int64_t type = fields.type == 0 ? fields.found_type : fields.type;
  for (const AttributeKind& kind : kForeignKinds) {
    if (type == kind.type) return OnnxForeign{kind.name};
  }
  if (fields.found_type != 0 && fields.found_type != type) {
    reader.fail(fmt::format("attribute '{}': type {} and a value of type {}", shown(fields.name),
                            type, fields.found_type));
  }
  switch (type) {
    case 1:
      return fields.real;
    case 2:
      return fields.whole;
    case 3:
      return std::move(fields.text);
    case 4:
      if (fields.tensor) return std::move(*fields.tensor);
      break;
    case 5:
      if (fields.graph) return std::move(fields.graph);
      break;
    case 6:
      return std::move(fields.reals);
    case 7:
      return std::move(fields.wholes);
    case 8:
      return std::move(fields.texts);
    default:
      break;
  }
  reader.fail(fmt::format("attribute '{}': no value of type {}", shown(fields.name), type));
}

void read_attribute(ProtobufReader reader, std::map<std::string, OnnxAttribute>& attributes,
                    Room& room) {
  expect_room(reader, attributes.size(), kMostAttributes, "attributes");
  AttributeFields fields;
  while (reader.next()) read_attribute_field(reader, fields, room);
  OnnxAttribute value = attribute_value(reader, fields);
  if (!attributes.emplace(fields.name, std::move(value)).second) {
    reader.fail(fmt::format("attribute '{}' comes twice", shown(fields.name)));
  }
}

OnnxNode read_node(ProtobufReader reader, Room& room) {
  take_room(reader, room.nodes, kMostNodes, "nodes");
  OnnxNode node;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        node.inputs.emplace_back(reader.text_item("input"));
        break;
      case 2:
        node.outputs.emplace_back(reader.text_item("output"));
        break;
      case 3:
        node.name = reader.text("name");
        break;
      case 4:
        node.type = reader.text("op_type");
        break;
      case 5:
        read_attribute(reader.message_item("attribute"), node.attributes, room);
        break;
      case 7:
        node.domain = domain_name(reader.text("domain"));
        break;
      default:
        break;
    }
  }
  return node;
}

OnnxValueInfo::Extent read_extent(ProtobufReader reader) {
  OnnxValueInfo::Extent extent;
  bool has_value = false;
  while (reader.next()) {
    if (reader.field() == 1) {
      extent.value = reader.integer("dim_value");
      has_value = true;
    }
    if (reader.field() == 2) extent.name = reader.text("dim_param");
  }
  // Some exporters write what they do not know as 0 or -1.
  if (has_value && (extent.value < -1 || extent.value > INT32_MAX)) {
    reader.fail(fmt::format("an extent of {}", extent.value));
  }
  if (extent.value == 0 || (has_value && !extent.name.empty())) extent.value = -1;
  return extent;
}

void read_tensor_type(ProtobufReader reader, OnnxValueInfo& info) {
  info.is_tensor = true;
  while (reader.next()) {
    if (reader.field() == 1) info.type = read_type(reader, "elem_type");
    if (reader.field() == 2) {
      info.has_shape = true;
      ProtobufReader shape = reader.message("shape");
      while (shape.next()) {
        if (shape.field() == 1) info.shape.push_back(read_extent(shape.message_item("dim")));
      }
      if (info.shape.size() > kMostDimensions) reader.fail("more than 32 dimensions");
    }
  }
}

OnnxValueInfo read_value_info(ProtobufReader reader) {
  OnnxValueInfo info;
  while (reader.next()) {
    if (reader.field() == 1) info.name = reader.text("name");
    if (reader.field() == 2) {
      ProtobufReader type = reader.message("type");
      while (type.next()) {
        if (type.field() == 1) read_tensor_type(type.message("tensor_type"), info);
      }
    }
  }
  return info;
}

OnnxGraph read_graph(ProtobufReader reader, Room& room) {
  OnnxGraph graph;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        graph.nodes.push_back(read_node(reader.message_item("node"), room));
        break;
      case 2:
        graph.name = reader.text("name");
        break;
      case 5:
        take_room(reader, room.items, kMostItems, "initializers");
        graph.initializers.push_back(read_tensor(reader.message_item("initializer")));
        break;
      case 11:
        take_room(reader, room.items, kMostItems, "inputs");
        graph.inputs.push_back(read_value_info(reader.message_item("input")));
        break;
      case 12:
        take_room(reader, room.items, kMostItems, "outputs");
        graph.outputs.push_back(read_value_info(reader.message_item("output")));
        break;
      case 15:
        reader.fail("sparse initializers are not read");
      default:
        break;
    }
  }
  return graph;
}

void read_opset(ProtobufReader reader, std::map<std::string, int64_t>& opsets) {
  std::string domain;
  int64_t version = 0;
  while (reader.next()) {
    if (reader.field() == 1) domain = domain_name(reader.text("domain"));
    if (reader.field() == 2) version = reader.integer("version");
  }
  if (version < 1 || version > 1000) reader.fail(fmt::format("version {} is impossible", version));
  // skl2onnx writes some twice.
  if (opsets.emplace(domain, version).first->second != version) {
    reader.fail(fmt::format("domain '{}' comes in two versions", shown(domain)));
  }
}

void read_function(ProtobufReader reader, OnnxModel& model, Room& room) {
  std::pair<std::string, std::string> name;
  OnnxFunction function;
  std::map<std::string, int64_t> opsets;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        name.second = reader.text("name");
        break;
      case 4:
        take_room(reader, room.items, kMostItems, "inputs and outputs of functions");
        function.inputs.emplace_back(reader.text_item("input"));
        break;
      case 5:
        take_room(reader, room.items, kMostItems, "inputs and outputs of functions");
        function.outputs.emplace_back(reader.text_item("output"));
        break;
      case 7:
        function.nodes.push_back(read_node(reader.message_item("node"), room));
        break;
      case 9:
        read_opset(reader.message_item("opset_import"), opsets);
        break;
      case 10:
        name.first = domain_name(reader.text("domain"));
        break;
      case 11:
        read_attribute(reader.message_item("attribute_proto"), function.usual, room);
        break;
      default:
        break;
    }
  }
  for (OnnxNode& node : function.nodes) {
    const auto opset = opsets.find(node.domain);
    if (opset != opsets.end()) node.opset = opset->second;
  }
  // Overloads of one name would have to be told apart by the nodes that call them.
  if (!model.functions.emplace(name, std::move(function)).second) {
    reader.fail(fmt::format("function '{}' comes twice", shown(name.second)));
  }
}

void read_model_field(ProtobufReader& reader, OnnxModel& model, bool& has_graph, Room& room) {
  switch (reader.field()) {
    case 1:
      model.ir_version = reader.integer("ir_version");
      break;
    case 2:
      model.producer = reader.text("producer_name");
      break;
    case 3:
      model.producer_version = reader.text("producer_version");
      break;
    case 6:
      model.documentation = reader.text("doc_string");
      break;
    case 7:
      model.graph = read_graph(reader.message("graph"), room);
      has_graph = true;
      break;
    case 8:
      read_opset(reader.message_item("opset_import"), model.opsets);
      break;
    case 14:
      expect_room(reader, model.metadata.size(), kMostItems, "metadata");
      model.metadata.push_back(read_entry(reader.message_item("metadata_props")));
      break;
    case 25:
      expect_room(reader, model.functions.size(), kMostItems, "functions");
      read_function(reader.message_item("functions"), model, room);
      break;
    default:
      break;
  }
}

// Every name stands for one value: an input, an initializer or a node's output.
void expect_unique_names(const OnnxModel& model, const std::string& who) {
  const auto fail = [&](const char* what, const std::string& name) {
    throw Error(fmt::format("{}: {} '{}' comes twice", who, what, shown(name)));
  };
  std::set<std::string> inputs;
  for (const OnnxValueInfo& input : model.graph.inputs) {
    if (!inputs.insert(input.name).second) fail("input", input.name);
  }
  std::set<std::string> made;
  for (const OnnxTensor& tensor : model.graph.initializers) {
    if (!made.insert(tensor.name).second) fail("initializer", tensor.name);
  }
  made.merge(inputs);
  for (const OnnxNode& node : model.graph.nodes) {
    for (const std::string& output : node.outputs) {
      if (!output.empty() && !made.insert(output).second) fail("value", output);
    }
  }
  std::set<std::string> keys;
  for (const auto& [key, value] : model.metadata) {
    if (!keys.insert(key).second) fail("metadata", key);
  }
}

}  // namespace

OnnxModel read_onnx(std::span<const std::byte> bytes, const std::string& who) {
  OnnxModel model;
  bool has_graph = false;
  ProtobufReader reader(bytes, who, "ONNX model");
  Room room;
  while (reader.next()) read_model_field(reader, model, has_graph, room);
  if (model.ir_version < kOldestIr || model.ir_version > kNewestIr) {
    reader.fail(
        fmt::format("IR version {} or newer expected, got {}", kOldestIr, model.ir_version));
  }
  if (!has_graph) reader.fail("no graph: the file is damaged or incomplete");
  if (model.opsets.empty()) reader.fail("no operator set: the file is damaged or incomplete");
  expect_unique_names(model, who);
  if (!model.functions.empty()) {
    inline_functions(model, who);
    expect_unique_names(model, who);
  }
  return model;
}

}  // namespace mnist
