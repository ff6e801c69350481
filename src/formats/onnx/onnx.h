// ONNX, the container: a graph of nodes, the tensors it starts from, what the file says of itself.
// What the nodes mean is for import.h to say.
//
// A protobuf message ModelProto (onnx/onnx.proto3; IR versions 3 and newer). What a reader of
// networks does not need is passed over: documentation, value_info, training information, device
// configurations. Sparse tensors are only known to be there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.h"
#include "mnist/model.h"

namespace mnist {

// TensorProto.DataType.
enum class OnnxType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
  kUint4 = 21,
  kInt4 = 22,
};
// "FLOAT", "INT64"; "type 17" for the rest.
std::string to_string(OnnxType type);
bool is_real(OnnxType type);   // of floating point
bool is_whole(OnnxType type);  // integers and bool

struct OnnxTensor {
  std::string name;
  Shape shape;
  OnnxType type = OnnxType::kUndefined;
  // The values, in one of these: little-endian bytes, or numbers of protobuf's own.
  bool is_raw = false;
  std::span<const std::byte> raw;
  std::vector<float> floats;    // FLOAT
  std::vector<double> doubles;  // DOUBLE
  std::vector<int64_t> whole;   // integers; FLOAT16 and BFLOAT16 as their bits
  // Where the values are in a file of their own: location, offset, length.
  std::map<std::string, std::string> external;
  bool is_external = false;
  std::shared_ptr<const std::vector<std::byte>> held;  // what `raw` refers to, if not the file

  bool operator==(const OnnxTensor& other) const;
};

// A kind of attribute that no node of a network here has: "a graph".
struct OnnxForeign {
  std::string kind;
  bool operator==(const OnnxForeign&) const = default;
};

// Within a function: the attribute `name` of the node that calls it.
struct OnnxReference {
  std::string name;
  bool operator==(const OnnxReference&) const = default;
};

struct OnnxGraph;
using OnnxSubgraph = std::shared_ptr<const OnnxGraph>;

using OnnxAttribute =
    std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                 std::vector<std::string>, OnnxTensor, OnnxSubgraph, OnnxReference, OnnxForeign>;

struct OnnxNode {
  std::string name;
  std::string type;
  std::string domain;  // "" for ONNX's own operators ("ai.onnx" is read as "")
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, OnnxAttribute> attributes;
  int64_t opset = 0;  // of a function's node: the version of its domain; 0: as the file says

  bool operator==(const OnnxNode&) const = default;
};

// An operator that the file itself defines by others.
struct OnnxFunction {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, OnnxAttribute> usual;  // attributes, where a node that calls it has none
  std::vector<OnnxNode> nodes;
};

// What is said of an input or output.
struct OnnxValueInfo {
  // An extent: a number, or a name or nothing (-1).
  struct Extent {
    int64_t value = -1;
    std::string name;
  };

  std::string name;
  bool is_tensor = false;
  OnnxType type = OnnxType::kUndefined;
  bool has_shape = false;
  std::vector<Extent> shape;
};

struct OnnxGraph {
  std::string name;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  std::vector<OnnxValueInfo> inputs;  // old files name initializers here, too
  std::vector<OnnxValueInfo> outputs;
  std::vector<OnnxValueInfo> values;  // only written
};

struct OnnxModel {
  int64_t ir_version = 0;
  std::string producer;
  std::string producer_version;
  std::string documentation;
  std::map<std::string, int64_t> opsets;  // by domain
  std::vector<std::pair<std::string, std::string>> metadata;
  std::map<std::pair<std::string, std::string>, OnnxFunction> functions;  // (domain, name), read
  OnnxGraph graph;
};

// Allocates in proportion to what `bytes` holds. Throws Error naming `who` for what is no ONNX
// file, and for what two readers could understand differently: names that stand for two things,
// fields twice. The nodes of functions are in their callers' places. `bytes` must outlive the
// tensors.
OnnxModel read_onnx(std::span<const std::byte> bytes, const std::string& who);

// Puts the functions' nodes in the places of the nodes that call them; there are no functions
// afterwards. Throws Error starting with `who` where they call each other in a circle or grow
// beyond what a graph may hold.
void inline_functions(OnnxModel& model, const std::string& who);

void write_onnx(const OnnxModel& model, Sink& sink);

}  // namespace mnist
