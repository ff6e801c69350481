// The model as a document: what the engine runs, the trainer changes, the formats read and write,
// and `mnist graph` draws. Nothing in it is code.
//
// The vocabulary is ONNX's: node types ("Conv", "Gemm", "MaxPool", "Relu", ...), attribute names
// and their defaults, activations NCHW, convolution weights OIHW. Two differences keep it small:
// shapes are per image (the batch is implicit and always the leading dimension), and what ONNX
// passes to an op as a constant integer tensor (Reshape's shape) is an attribute of the same name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace mnist {

// Extents, outermost first; without the batch where it describes an activation.
using Shape = std::vector<int64_t>;

// The product of the extents: 1 for an empty shape. Throws Error if one is negative or the product
// is over 2^31 (no tensor of a net of this field is near that).
size_t element_count(const Shape& shape);

// "(16,8,3,3)"
std::string to_string(const Shape& shape);

// Weights: float32, row-major. values.size() == element_count(shape).
struct Tensor {
  Shape shape;
  std::vector<float> values;
};

using Attribute =
    std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

struct Node {
  std::string type;  // ONNX's operator name
  std::string name;  // unique within the model
  // Names of values: the model's input, another node's output, or a weight. An empty name is an
  // input left out.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;  // exactly one
  std::map<std::string, Attribute> attributes;

  // The attribute's value, or `otherwise` where the node has none. Throw Error naming the node
  // where it has another type (integers are accepted as doubles).
  int64_t integer(const std::string& attribute, int64_t otherwise) const;
  double real(const std::string& attribute, double otherwise) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  std::vector<int64_t> integers(const std::string& attribute,
                                const std::vector<int64_t>& otherwise) const;
  std::vector<double> reals(const std::string& attribute,
                            const std::vector<double>& otherwise) const;
};

// How a pixel 0..255 becomes a network input: input = pixel * scale + offset.
struct PixelScaling {
  double scale = 1.0 / 255.0;
  double offset = 0.0;
};

struct Model {
  std::string architecture;  // "mnist-cnn", or whatever its author called it
  std::string input = "input";
  Shape input_shape;        // per image: (1,28,28) or (784)
  std::string output;       // name of the value that holds the logits or probabilities: (classes)
  std::vector<Node> nodes;  // in topological order
  std::map<std::string, Tensor> weights;
  PixelScaling pixels;
  std::vector<std::string> class_names;         // empty: "0", "1", ...
  std::map<std::string, std::string> metadata;  // anything else that is worth keeping

  const Tensor& weight(const std::string& name) const;  // throws Error if there is none
  bool is_weight(const std::string& name) const { return weights.contains(name); }
  size_t parameter_count() const;
};

// Throws Error if the document does not hold together: a name used before it is made, made twice or
// never made, a node without exactly one output, a weight whose values do not fill its shape, are
// not finite, or that no node uses, an input or output that is missing, a graph over 10,000 nodes
// or 2^28 parameters. Which ops exist and whether shapes fit is for the engine to say (describe.h).
void check_model(const Model& model);

}  // namespace mnist
