// Field numbers are those of tensorflow/core/protobuf/{saved_model,meta_graph}.proto and
// tensorflow/core/framework/{graph,function,node_def,attr_value,tensor,tensor_shape,op_def}.proto.
#include "formats/tensorflow/graph_proto.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/half.h"
#include "base/text.h"
#include "formats/protobuf.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// Of all tensors that are written shorter than they are, together.
constexpr size_t kMostRepeated = size_t{1} << 22;

class SavedModelReader {
 public:
  explicit SavedModelReader(const std::string& who) : who_(who) {}
  TfGraph read(std::span<const std::byte> bytes);

 private:
  bool read_meta_graph(ProtobufReader reader, TfGraph& graph);
  void read_graph(ProtobufReader reader, TfGraph& graph);
  void read_library(ProtobufReader reader, TfGraph& graph);
  void read_function(ProtobufReader reader, TfGraph& graph);
  TfNode read_node(ProtobufReader reader);
  TfAttribute read_attribute(ProtobufReader reader);
  TfConstant read_tensor(ProtobufReader reader);

  const std::string& who_;
  size_t nodes_ = 0;
  size_t repeated_ = 0;
};

Shape read_shape(ProtobufReader reader) {
  constexpr size_t kMostDimensions = 32;
  Shape shape;
  while (reader.next()) {
    if (reader.field() == 3 && reader.boolean("unknown_rank"))
      reader.fail("a tensor of unknown rank");
    if (reader.field() != 2) continue;
    ProtobufReader dimension = reader.message_item("dim");
    int64_t size = 0;  // as Protocol Buffers leave out
    while (dimension.next()) {
      if (dimension.field() == 1) size = dimension.integer("size");
    }
    if (size < -1 || shape.size() >= kMostDimensions) reader.fail("an extent expected");
    shape.push_back(size);
  }
  return shape;
}

// A tensor's values in the fields for single ones: fewer than its elements, the last counts for the
// rest.
template <typename T>
std::vector<T> filled(std::vector<T> values, size_t count, size_t& repeated,
                      ProtobufReader& place) {
  if (values.size() > count) place.fail("more values than elements");
  if (values.size() == count) return values;
  repeated += count - values.size();
  if (repeated > kMostRepeated) place.fail("too many elements without a value of their own");
  values.resize(count, values.empty() ? T() : values.back());
  return values;
}

TfConstant SavedModelReader::read_tensor(ProtobufReader reader) {
  int64_t type = 0;
  Shape shape;
  std::optional<std::span<const std::byte>> content;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> integers;
  std::vector<int64_t> halves;
  std::vector<std::string> texts;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        type = reader.integer("dtype");
        break;
      case 2:
        shape = read_shape(reader.message("tensor_shape"));
        break;
      case 4:
        content = reader.bytes("tensor_content");
        break;
      case 5:
        reader.append(floats, "float_val");
        break;
      case 6:
        reader.append(doubles, "double_val");
        break;
      case 7:
        reader.append(integers, "int_val");
        break;
      case 8:
        texts.emplace_back(reader.text_item("string_val"));
        break;
      case 10:
        reader.append(integers, "int64_val");
        break;
      case 11:
        reader.append(integers, "bool_val");
        break;
      case 13:
        reader.append(halves, "half_val");
        break;
      default:
        break;
    }
  }
  if (content && !content->empty()) {
    return decode_constant(type, shape, *content, fmt::format("{}: a tensor", who_));
  }
  const size_t count = element_count(shape);
  TfConstant constant{.shape = shape};
  floats.insert(floats.end(), doubles.begin(), doubles.end());
  for (int64_t half : halves) {
    const auto bits = static_cast<uint16_t>(half);
    floats.push_back(type == kTfHalf ? float_from_f16(bits) : float_from_bf16(bits));
  }
  if (type == kTfText) {
    constant.kind = TfConstant::Kind::kText;
    if (texts.size() != count) reader.fail("as many texts as elements expected");
    constant.texts = std::move(texts);
  } else if (type == kTfFloat || type == kTfDouble || type == kTfHalf || type == kTfBfloat16) {
    constant.floats = filled(std::move(floats), count, repeated_, reader);
  } else {
    constant.kind = TfConstant::Kind::kInteger;
    constant.integers = filled(std::move(integers), count, repeated_, reader);
  }
  return constant;
}

void read_list(ProtobufReader reader, TfAttribute& attribute) {
  while (reader.next()) {
    if (reader.field() == 2) attribute.texts.emplace_back(reader.text_item("s"));
    if (reader.field() == 3) reader.append(attribute.integers, "i");
  }
}

TfAttribute SavedModelReader::read_attribute(ProtobufReader reader) {
  TfAttribute attribute;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        read_list(reader.message("list"), attribute);
        break;
      case 2:
        attribute.text = std::string(reader.text("s"));
        break;
      case 3:
        attribute.integer = reader.integer("i");
        break;
      case 4:
        attribute.real = static_cast<double>(reader.real("f"));
        break;
      case 5:
        attribute.flag = reader.boolean("b");
        break;
      case 6:
        attribute.type = reader.integer("type");
        break;
      case 8:
        attribute.constant =
            std::make_shared<const TfConstant>(read_tensor(reader.message("tensor")));
        break;
      case 10: {
        ProtobufReader function = reader.message("func");
        while (function.next()) {
          if (function.field() == 1) attribute.text = std::string(function.text("name"));
        }
        break;
      }
      default:
        break;
    }
  }
  return attribute;
}

TfNode SavedModelReader::read_node(ProtobufReader reader) {
  if (++nodes_ > kMostTfNodes) reader.fail(fmt::format("more than {} nodes", kMostTfNodes));
  TfNode node;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        node.name = std::string(reader.text("name"));
        break;
      case 2:
        node.op = std::string(reader.text("op"));
        break;
      case 3: {
        const std::string_view input = reader.text_item("input");
        if (!input.starts_with('^')) node.inputs.emplace_back(input);
        break;
      }
      case 5: {
        ProtobufReader entry = reader.message_item("attr");
        std::string key;
        TfAttribute attribute;
        while (entry.next()) {
          if (entry.field() == 1) key = std::string(entry.text("key"));
          // Shapes of all outputs: long, and often unknown.
          if (entry.field() == 2 && key != "_output_shapes") {
            attribute = read_attribute(entry.message("value"));
          }
        }
        node.attributes[key] = std::move(attribute);
        break;
      }
      default:
        break;
    }
  }
  return node;
}

void add_node(TfNode node, TfNodes& nodes, ProtobufReader& place) {
  const std::string name = node.name;
  if (!nodes.emplace(name, std::move(node)).second) {
    place.fail(fmt::format("node '{}' is there twice", printable(name, 80)));
  }
}

std::vector<std::string> read_argument_names(ProtobufReader reader, TfFunction& function,
                                             std::string& name) {
  std::vector<std::string> results;
  while (reader.next()) {
    if (reader.field() == 1) name = std::string(reader.text("name"));
    if (reader.field() != 2 && reader.field() != 3) continue;
    const bool is_input = reader.field() == 2;
    ProtobufReader argument = reader.message_item("argument");
    std::string argument_name;
    while (argument.next()) {
      if (argument.field() == 1) argument_name = std::string(argument.text("name"));
    }
    (is_input ? function.arguments : results).push_back(argument_name);
  }
  return results;
}

void SavedModelReader::read_function(ProtobufReader reader, TfGraph& graph) {
  TfFunction function;
  std::string name;
  std::vector<std::string> results;
  std::map<std::string, std::string> returned;
  while (reader.next()) {
    if (reader.field() == 1) {
      results = read_argument_names(reader.message("signature"), function, name);
    } else if (reader.field() == 3) {
      add_node(read_node(reader.message_item("node_def")), function.nodes, reader);
    } else if (reader.field() == 4) {
      ProtobufReader entry = reader.message_item("ret");
      std::string key;
      while (entry.next()) {
        if (entry.field() == 1) key = std::string(entry.text("key"));
        if (entry.field() == 2) returned[key] = std::string(entry.text("value"));
      }
    }
  }
  for (const std::string& result : results) function.results.push_back(returned[result]);
  if (!graph.functions.emplace(name, std::move(function)).second) {
    reader.fail(fmt::format("function '{}' is there twice", printable(name, 80)));
  }
}

void SavedModelReader::read_library(ProtobufReader reader, TfGraph& graph) {
  while (reader.next()) {
    if (reader.field() == 1) read_function(reader.message_item("function"), graph);
  }
}

void SavedModelReader::read_graph(ProtobufReader reader, TfGraph& graph) {
  while (reader.next()) {
    if (reader.field() == 1) add_node(read_node(reader.message_item("node")), graph.nodes, reader);
    if (reader.field() == 2) read_library(reader.message("library"), graph);
  }
}

// A tensor of a signature.
struct TensorInfo {
  std::string name;
  int64_t type = 0;
  Shape shape;
};

std::vector<TensorInfo> read_tensor_info(ProtobufReader entry, std::vector<TensorInfo> list) {
  TensorInfo info;
  while (entry.next()) {
    if (entry.field() != 2) continue;
    ProtobufReader value = entry.message("value");
    while (value.next()) {
      if (value.field() == 1) info.name = std::string(value.text("name"));
      if (value.field() == 2) info.type = value.integer("dtype");
      if (value.field() == 3) info.shape = read_shape(value.message("tensor_shape"));
    }
  }
  list.push_back(std::move(info));
  return list;
}

struct Signature {
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  std::string method;
};

Signature read_signature(ProtobufReader reader) {
  Signature signature;
  while (reader.next()) {
    if (reader.field() == 1) {
      signature.inputs =
          read_tensor_info(reader.message_item("inputs"), std::move(signature.inputs));
    } else if (reader.field() == 2) {
      // Of outputs the shape is not asked for, and may be unknown.
      ProtobufReader entry = reader.message_item("outputs");
      TensorInfo info;
      while (entry.next()) {
        if (entry.field() != 2) continue;
        ProtobufReader value = entry.message("value");
        while (value.next()) {
          if (value.field() == 1) info.name = std::string(value.text("name"));
        }
      }
      signature.outputs.push_back(std::move(info));
    } else if (reader.field() == 3) {
      signature.method = std::string(reader.text("method_name"));
    }
  }
  return signature;
}

// The signature for prediction: the one that TensorFlow Serving asks by itself, or the only one.
void choose_signature(std::map<std::string, Signature> signatures, ProtobufReader& place,
                      TfGraph& graph) {
  std::erase_if(signatures, [](const auto& each) {
    return each.second.inputs.empty() || each.second.outputs.empty();
  });
  auto found = signatures.find("serving_default");
  if (found == signatures.end() && signatures.size() == 1) found = signatures.begin();
  if (found == signatures.end()) place.fail("a signature 'serving_default' expected");
  const Signature& signature = found->second;
  if (signature.inputs.size() != 1 || signature.outputs.size() != 1) {
    place.fail(fmt::format(
        "signature '{}': {} inputs and {} outputs: networks with one of each are read",
        printable(found->first, 60), signature.inputs.size(), signature.outputs.size()));
  }
  graph.input = signature.inputs[0].name;
  graph.input_shape = signature.inputs[0].shape;
  graph.input_type = signature.inputs[0].type;
  graph.output = signature.outputs[0].name;
}

// False where the graph is not the one for serving.
bool SavedModelReader::read_meta_graph(ProtobufReader reader, TfGraph& graph) {
  std::map<std::string, Signature> signatures;
  std::vector<std::string> tags;
  while (reader.next()) {
    if (reader.field() == 1) {
      ProtobufReader information = reader.message("meta_info_def");
      while (information.next()) {
        if (information.field() == 4) tags.emplace_back(information.text_item("tags"));
      }
    } else if (reader.field() == 2) {
      read_graph(reader.message("graph_def"), graph);
    } else if (reader.field() == 5) {
      ProtobufReader entry = reader.message_item("signature_def");
      std::string key;
      while (entry.next()) {
        if (entry.field() == 1) key = std::string(entry.text("key"));
        if (entry.field() == 2 && !key.starts_with("__")) {
          signatures[key] = read_signature(entry.message("value"));
        }
      }
    }
  }
  if (std::find(tags.begin(), tags.end(), "serve") == tags.end()) return false;
  choose_signature(std::move(signatures), reader, graph);
  return true;
}

TfGraph SavedModelReader::read(std::span<const std::byte> bytes) {
  ProtobufReader reader(bytes, who_, "the SavedModel");
  while (reader.next()) {
    if (reader.field() != 2) continue;
    TfGraph graph;
    if (read_meta_graph(reader.message_item("meta_graphs"), graph)) return graph;
  }
  reader.fail("a graph with the tag 'serve' expected");
}

}  // namespace

TfGraph read_saved_model(std::span<const std::byte> bytes, const std::string& who) {
  return SavedModelReader(who).read(bytes);
}

}  // namespace mnist
