// A TensorFlow graph as data: of a SavedModel (Protocol Buffers) or of TensorFlow.js (JSON).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mnist/model.h"

namespace mnist {

// A tensor that is known: its values are of one kind.
struct TfConstant {
  enum class Kind { kFloat, kInteger, kText } kind = Kind::kFloat;
  Shape shape;
  std::vector<float> floats = {};
  std::vector<int64_t> integers = {};
  std::vector<std::string> texts = {};
};
using TfConstantRef = std::shared_ptr<const TfConstant>;

struct TfAttribute {
  int64_t integer = 0;
  double real = 0.0;
  bool flag = false;
  int64_t type = 0;  // a data type's number
  std::string text;  // also a function's name
  std::vector<int64_t> integers = {};
  std::vector<std::string> texts = {};
  TfConstantRef constant;
};

struct TfNode {
  std::string name;
  std::string op;
  std::vector<std::string> inputs = {};  // without those for control
  std::map<std::string, TfAttribute> attributes = {};

  // Null if there is none.
  const TfAttribute* find(const std::string& attribute) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  bool flag(const std::string& attribute, bool otherwise) const;
  int64_t integer(const std::string& attribute, int64_t otherwise) const;
  double real(const std::string& attribute, double otherwise) const;
  std::vector<int64_t> integers(const std::string& attribute) const;
};

using TfNodes = std::map<std::string, TfNode>;

struct TfFunction {
  std::vector<std::string> arguments;
  std::vector<std::string> results;  // references to nodes: "Identity:output:0"
  TfNodes nodes;
};

struct TfGraph {
  TfNodes nodes;
  std::map<std::string, TfFunction> functions;
  // What is fed and fetched, as the signature for prediction says.
  std::string input;  // "serving_default_input:0"
  std::string output;
  Shape input_shape;       // with the batch; -1 is what may be of any size
  int64_t input_type = 1;  // a data type's number
};

// TensorFlow's numbers of data types (tensorflow/core/framework/types.proto).
enum TfType : int64_t {
  kTfFloat = 1,
  kTfDouble = 2,
  kTfInt32 = 3,
  kTfUint8 = 4,
  kTfInt16 = 5,
  kTfInt8 = 6,
  kTfText = 7,
  kTfInt64 = 9,
  kTfBool = 10,
  kTfBfloat16 = 14,
  kTfHalf = 19,
};

// A name's node and the number of its output: "dense/BiasAdd:output:0", "Split:1", "^control".
struct TfReference {
  std::string node;
  std::string result;  // "output"; empty outside of functions
  size_t number = 0;
};
TfReference parse_reference(const std::string& text);

// `bytes` as values of the type; throws Error starting with `who` unless they fill the shape.
TfConstant decode_constant(int64_t type, const Shape& shape, std::span<const std::byte> bytes,
                           const std::string& who);

inline constexpr size_t kMostTfNodes = 20'000;

}  // namespace mnist
