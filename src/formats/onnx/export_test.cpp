#include "formats/onnx/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/import.h"
#include "formats/onnx/onnx_test_support.h"

namespace mnist {
namespace {

using testing::HasSubstr;

std::vector<std::byte> written(const OnnxModel& file) {
  MemorySink sink;
  write_onnx(file, sink);
  return sink.bytes;
}

TEST(OnnxExport, TheDocumentComesBackFromEveryKindOfFile) {
  Model model = random_model("mnist-fast");
  model.pixels = {0.5, -1};
  model.metadata = {{"note", "kept"}, {"mnist.own", "kept too"}};
  for (bool preprocessing : {false, true}) {
    const OnnxModel file = onnx_from_model(model, {TensorType::kF32, preprocessing});
    EXPECT_EQ(file.opsets.at(""), 17);
    EXPECT_EQ(file.graph.inputs[0].shape[0].name, "batch");
    const Model again = read_model(written(file), "m.onnx");
    expect_same_graph(again, model);
    expect_same_values(again, model);
  }
  const Model half = read_model(written(onnx_from_model(model, {TensorType::kF16})), "m.onnx");
  expect_same_graph(half, model);
  EXPECT_EQ(half.weight("bn1.var").values, model.weight("bn1.var").values);
  EXPECT_NE(half.weight("conv1.weight").values, model.weight("conv1.weight").values);
}

TEST(OnnxExport, AGraphThatWasChangedSinceCounts) {
  const Model model = random_model("mnist-mlp");
  OnnxModel file = onnx_from_model(model, {});
  file.graph.nodes[2].type = "Tanh";
  const Model changed = read_model(written(file), "m.onnx");
  EXPECT_EQ(changed.nodes[2].type, "Tanh");
  EXPECT_EQ(changed.pixels.scale, model.pixels.scale);
  EXPECT_FALSE(changed.metadata.contains("mnist.graph"));
  file = onnx_from_model(model, {});
  for (auto& [key, value] : file.metadata) {
    if (key == kOnnxGraphKey) value = "{}";
  }
  EXPECT_EQ(types_of(read_model(written(file), "m.onnx")), types_of(model));
}

TEST(OnnxExport, PixelsInTheGraphAreSeenByEverybody) {
  Model model = random_model("mnist-mlp");
  model.pixels = {0.01, -0.25};
  OnnxModel file = onnx_from_model(model, {TensorType::kF32, true});
  file.metadata.clear();
  const Model read = read_model(written(file), "m.onnx");
  EXPECT_EQ(types_of(read), "Mul Add " + types_of(model));
  EXPECT_EQ(read.pixels.scale, 1.0);
  EXPECT_EQ(read.pixels.offset, 0.0);
}

TEST(OnnxExport, ValuesHaveTheirShapes) {
  const OnnxModel file = onnx_from_model(random_model("mnist-cnn"), {});
  ASSERT_EQ(file.graph.values.size() + 1, file.graph.nodes.size());
  for (const OnnxValueInfo& value : file.graph.values) {
    EXPECT_EQ(value.shape[0].name, "batch") << value.name;
    EXPECT_GE(value.shape.size(), 2U) << value.name;
  }
  EXPECT_EQ(file.graph.outputs[0].shape[1].value, 10);
}

}  // namespace
}  // namespace mnist
