// The binary of ggml's first MNIST example (2023): two dense layers with a ReLU between them.
//
// Little-endian: int32 magic 0x67676d6c; then fc1.weight, fc1.bias, fc2.weight, fc2.bias, each as
// int32 number of dimensions, int32 extents innermost first, float32 values. Names, types and a
// place for anything else there are none. Other programs built on ggml begin their files with the
// same magic; they are refused at the first tensor.
#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "formats/format_list.h"
#include "formats/graph_builder.h"
#include "formats/layer_chain.h"
#include "formats/pixel_graph.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint32_t kMagic = 0x67676d6c;
static_assert(std::endian::native == std::endian::little, "values are written as they lie here");

struct Row {
  const char* name;
  int32_t dimensions;
};
constexpr Row kRows[] = {{"fc1.weight", 2}, {"fc1.bias", 1}, {"fc2.weight", 2}, {"fc2.bias", 1}};

Tensor read_tensor(ByteReader& reader, const Row& row) {
  const auto dimensions = reader.little<int32_t>(row.name);
  if (dimensions != row.dimensions) {
    reader.fail(
        fmt::format("{}: {} dimensions expected, got {}: only the two dense layers of "
                    "ggml's MNIST example are read",
                    row.name, row.dimensions, dimensions));
  }
  Tensor tensor;
  uint64_t count = 1;
  for (int32_t i = 0; i < dimensions; ++i) {
    const auto extent = reader.little<int32_t>(row.name);
    if (extent < 1) reader.fail(fmt::format("{}: an extent of {}", row.name, extent));
    tensor.shape.insert(tensor.shape.begin(), extent);
    count *= static_cast<uint64_t>(extent);  // both below 2^31
  }
  tensor.values = floats_from(reader.take(count * sizeof(float), row.name));
  return tensor;
}

// An image where the number of pixels is a square's.
Shape input_shape(int64_t pixels) {
  int64_t side = 1;
  while (side * side < pixels) ++side;
  return side * side == pixels ? Shape{1, side, side} : Shape{pixels};
}

FileContents read(const ModelSource& source) {
  ByteReader reader(source.bytes, source.who);
  if (reader.little<uint32_t>("the magic") != kMagic) {
    reader.fail("not a ggml binary: it must begin 'lmgg'");
  }
  std::vector<Tensor> tensors;
  for (const Row& row : kRows) tensors.push_back(read_tensor(reader, row));
  if (reader.remaining() != 0) {
    reader.fail(fmt::format("{} bytes too many", reader.remaining()));
  }
  const int64_t pixels = tensors[0].shape[1];
  const bool is_ggmls = tensors[0].shape == Shape{500, 784} && tensors[3].shape == Shape{10};
  GraphBuilder builder(source.who, "input", input_shape(pixels));
  std::vector<std::string> weights;
  for (size_t i = 0; i < tensors.size(); ++i) {
    weights.push_back(builder.add_weight(kRows[i].name, std::move(tensors[i])));
  }
  const std::map<std::string, Attribute> transposed = {{"transB", int64_t{1}}};
  std::string value = builder.add_node("Flatten", "flatten", {builder.input()});
  value = builder.add_node("Gemm", "fc1", {value, weights[0], weights[1]}, transposed);
  value = builder.add_node("Relu", "relu1", {value});
  value = builder.add_node("Gemm", "fc2", {value, weights[2], weights[3]}, transposed);
  Model model = std::move(builder).finish(value);
  model.architecture = is_ggmls ? "mnist-fc" : "mlp";
  return model;
}

// The two dense layers of a network that consists of nothing else. A Softmax at the end is left
// out: the programs that read such a file add it.
std::vector<const Node*> dense_layers(const Model& model) {
  std::vector<const Node*> nodes;
  std::string types;
  for (const ChainLayer& layer : layer_chain(model)) {
    types += layer.node->type + " ";
    if (layer.node->type == "Gemm") nodes.push_back(layer.node);
  }
  for (const char* known : {"Gemm Relu Gemm ", "Gemm Relu Gemm Softmax "}) {
    if (types == known || types == fmt::format("Flatten {}", known)) return nodes;
  }
  throw Error(fmt::format("a ggml binary holds two dense layers with a ReLU between them, not {}",
                          types.substr(0, 200)));
}

template <typename T>
void put(Sink& sink, T value) {
  sink.write(std::as_bytes(std::span<const T>(&value, 1)));
}

void write_tensor(Sink& sink, const Shape& shape, const std::vector<float>& values) {
  put(sink, static_cast<int32_t>(shape.size()));
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {
    put(sink, static_cast<int32_t>(*extent));
  }
  sink.write(std::as_bytes(std::span(values)));
}

void write(const Model& network, const SaveOptions&, Sink& sink) {
  const Model model = scaling_as_pixels(network);
  const std::vector<const Node*> nodes = dense_layers(model);
  put(sink, kMagic);
  for (const Node* node : nodes) {
    LayerWeights layer = dense_weights(model, *node);
    if (node == nodes.front()) read_plain_pixels(layer, model.pixels);
    write_tensor(sink, {layer.outputs, layer.inputs}, layer.weights);
    write_tensor(sink, {layer.outputs}, layer.bias);
  }
}

bool recognises(std::span<const std::byte> head) {
  return head.size() >= sizeof(kMagic) && std::memcmp(head.data(), &kMagic, sizeof(kMagic)) == 0;
}

}  // namespace

extern const Format kGgmlBinary;
const Format kGgmlBinary = {
    .name = "ggml",
    .description = "the binary of ggml's first MNIST example: two dense layers",
    .suffixes = {".ggml", ".bin"},
    .recognises = recognises,
    .read = read,
    .write = write,
};

}  // namespace mnist
