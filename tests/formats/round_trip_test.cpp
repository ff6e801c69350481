// Every network through every format and back: the same logits, bit for bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "data/synthetic.h"
#include "engine/inference.h"
#include "formats/format_list.h"
#include "mnist/error.h"
#include "mnist/model_file.h"
#include "model/architectures.h"
#include "ops/op_rows.h"
#include "train/trainer.h"

namespace mnist {
namespace {

std::vector<float> logits_of(const Model& model, const Dataset& images) {
  ThreadPool threads(1);
  Inference inference(model, threads);
  std::vector<float> logits(images.size() * inference.output_elements());
  inference.run(images.pixels.data(), images.size(), logits.data());
  return logits;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// What `format` makes of `model`: nothing where the format is another program's, whose words are
// too few for it.
std::optional<std::vector<std::byte>> written(const Format& format, const Model& model) {
  try {
    return model_bytes(model, "model" + format.suffixes.front(), {.format = format.name});
  } catch (const Error& error) {
    const bool may_refuse = !format.abilities.keeps_document ||
                            std::string(error.what()).find("cannot say it") != std::string::npos;
    EXPECT_TRUE(may_refuse) << format.name << ": " << error.what();
    return std::nullopt;
  }
}

TEST(RoundTrip, EveryArchitectureGivesTheSameLogitsFromEveryFormat) {
  const Dataset images = synthetic_digits(50, 1);
  for (const Format* format : formats()) {
    if (format->write == nullptr || format->read == nullptr) continue;
    size_t count = 0;
    for (const std::string& name : architecture_names()) {
      SCOPED_TRACE(format->name + " " + name);
      Model model = make_architecture(name);
      initialize_weights(model, 7);
      const auto bytes = written(*format, model);
      if (!bytes) continue;
      ++count;
      const Model again = read_model(*bytes, "model" + format->suffixes.front(), {&model});
      EXPECT_TRUE(same_bits(logits_of(model, images), logits_of(again, images)));
    }
    fmt::print("{}: {} of {} architectures\n", format->name, count, architecture_names().size());
    EXPECT_GT(count, 0U) << format->name;
  }
}

// A value of `shape`, made of the model's input: for nodes with several activations.
std::string add_value(Model& model, const Shape& shape) {
  if (shape == model.input_shape) return model.input;
  const std::string name = "other" + std::to_string(model.nodes.size());
  const auto from = static_cast<int64_t>(element_count(model.input_shape));
  const auto to = static_cast<int64_t>(element_count(shape));
  model.weights[name + ".weight"] = {{to, from},
                                     std::vector<float>(static_cast<size_t>(to * from), 0.5F)};
  model.nodes.push_back({"Flatten", name + ".flat", {model.input}, {name + ".flat"}, {}});
  model.nodes.push_back({"Gemm",
                         name + ".dense",
                         {name + ".flat", name + ".weight"},
                         {name + ".dense"},
                         {{"transB", int64_t{1}}}});
  model.nodes.push_back({"Reshape", name, {name + ".dense"}, {name}, {{"shape", shape}}});
  return name;
}

// A model that is one row's node, its weights those of the row.
Model model_of(const OpRow& row) {
  Model model;
  model.architecture = "row";
  Node node = row.node;
  node.name = "node";
  node.outputs = {"output"};
  node.inputs.clear();
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    const RowInput& input = row.inputs[i];
    if (input.kind == RowInput::Kind::kAbsent) {
      node.inputs.emplace_back();
    } else if (input.is_weight()) {
      const std::string name = "weight" + std::to_string(i);
      model.weights[name] = {input.shape, row_values(row, i, 1)};
      node.inputs.push_back(name);
    } else {
      if (model.input_shape.empty()) model.input_shape = input.shape;
      node.inputs.push_back(add_value(model, input.shape));
    }
  }
  model.output = "output";
  model.nodes.push_back(node);
  return model;
}

bool same_document(const Model& a, const Model& b) {
  if (a.nodes.size() != b.nodes.size() || a.weights.size() != b.weights.size()) return false;
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    const Node& x = a.nodes[i];
    const Node& y = b.nodes[i];
    if (x.type != y.type || x.inputs != y.inputs || x.attributes != y.attributes) return false;
  }
  for (const auto& [name, tensor] : a.weights) {
    const auto other = b.weights.find(name);
    if (other == b.weights.end() || other->second.shape != tensor.shape ||
        !same_bits(other->second.values, tensor.values)) {
      return false;
    }
  }
  return a.input_shape == b.input_shape;
}

TEST(RoundTrip, EveryOpsRowsSurviveEveryFormatThatKeepsDocuments) {
  for (const Format* format : formats()) {
    if (!format->abilities.keeps_document) continue;
    size_t count = 0;
    size_t rows = 0;
    for (const OpRow& row : read_op_rows(MNIST_SOURCE_DIR "/tests/ops/rows.json")) {
      SCOPED_TRACE(format->name + " " + row.node.name);
      const Model model = model_of(row);
      const auto bytes = written(*format, model);
      ++rows;
      if (!bytes) continue;
      ++count;
      EXPECT_TRUE(same_document(model, read_model(*bytes, "x" + format->suffixes.front())));
    }
    fmt::print("{}: {} of {} rows\n", format->name, count, rows);
    EXPECT_GT(count, 0U) << format->name;
  }
}

}  // namespace
}  // namespace mnist
