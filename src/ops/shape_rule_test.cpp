// Nodes that no op accepts, and what their errors say.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mnist/error.h"
#include "ops/op_list.h"
#include "ops/op_rows.h"

namespace mnist {
namespace {

using Integers = std::vector<int64_t>;
using Attributes = std::map<std::string, Attribute>;

RowInput x(Shape shape) { return {RowInput::Kind::kActivation, std::move(shape)}; }
RowInput w(Shape shape) { return {RowInput::Kind::kWeight, std::move(shape)}; }

OpRow row_of(const std::string& type, std::vector<RowInput> inputs, Attributes attributes) {
  OpRow row;
  row.node = {type, "n", {}, {}, std::move(attributes)};
  row.inputs = std::move(inputs);
  return row;
}

void expect_error(const std::string& type, std::vector<RowInput> inputs, Attributes attributes,
                  const std::string& text) {
  SCOPED_TRACE(fmt::format("{}: {}", type, text));
  try {
    make_row_op(row_of(type, std::move(inputs), std::move(attributes)));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
    if (text != "2^31") {
      EXPECT_THAT(error.what(), testing::HasSubstr(fmt::format("node 'n' ({})", type)));
    }
  }
}

const Integers kTwo = {2, 2};

TEST(ShapeRule, WindowsMustFit) {
  for (const char* type : {"MaxPool", "AveragePool"}) {
    auto expect = [&](const Shape& shape, Attributes attributes, const std::string& text) {
      expect_error(type, {x(shape)}, std::move(attributes), text);
    };
    expect({1, 4, 4}, {}, "'kernel_shape' is missing");
    expect({16}, {{"kernel_shape", kTwo}}, "(channels, height, width) expected, got (16)");
    expect({1, 0, 4}, {{"kernel_shape", kTwo}}, "got (1,0,4)");
    expect({1, 4, 4}, {{"kernel_shape", Integers{2}}}, "kernel_shape: 2 integers expected, got 1");
    expect({1, 4, 4}, {{"kernel_shape", Integers{0, 2}}},
           "kernel_shape: 1 to 1024 expected, got 0");
    expect({1, 4, 4}, {{"kernel_shape", "22"}}, "a list of integers expected");
    expect({1, 4, 4}, {{"kernel_shape", Integers{5, 2}}},
           "extent 5 is larger than the padded input");
    expect({1, 4, 4}, {{"kernel_shape", Integers{int64_t{1} << 62, 2}}}, "kernel_shape: 1 to 1024");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"dilations", Integers{4, 1}}},
           "extent 5 is larger");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"dilations", Integers{-1, 1}}}, "got -1");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"strides", Integers{0, 1}}}, "strides: 1 to 1024");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"pads", Integers{0, 0, -1, 0}}}, "pads: 0 to 1024");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"pads", Integers{1, 1}}}, "pads: 4 integers");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"pads", Integers{3, 0, 0, 0}}},
           "lies in the padding");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"pads", Integers{7, 0, 0, 0}}},
           "padding 7 is wider than the kernel's 2 and the input's 4");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"pads", Integers{2, 0, 0, 0}}},
           "lies in the padding");
    // Both of its taps are beside the only column.
    expect({1, 1, 1},
           {{"kernel_shape", kTwo}, {"dilations", Integers{2, 2}}, {"pads", Integers{1, 1, 1, 1}}},
           "window 0 of axis 0 lies in the padding");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"auto_pad", "SAME"}}, "got SAME");
    expect({1, 4, 4},
           {{"kernel_shape", kTwo}, {"auto_pad", "SAME_UPPER"}, {"pads", Integers{1, 0, 0, 0}}},
           "both 'pads' and 'auto_pad'");
    expect({1, 4, 4}, {{"kernel_shape", kTwo}, {"kernel", kTwo}},
           "attribute 'kernel' is not supported");
    expect_error(type, {w({1, 4, 4})}, {{"kernel_shape", kTwo}}, "must be an activation");
    expect_error(type, {}, {{"kernel_shape", kTwo}}, "inputs expected, got 0");
  }
  expect_error("GlobalAveragePool", {x({5})}, {}, "got (5)");
}

TEST(ShapeRule, ConvAndGemm) {
  expect_error("Conv", {x({3, 5, 5}), w({4, 2, 3, 3})}, {}, "channels");
  expect_error("Conv", {x({3, 5, 5}), w({4, 3, 3, 3}), w({5})}, {}, "bias");
  expect_error("Conv", {x({3, 5, 5}), w({4, 3, 3})}, {}, "weights");
  expect_error("Conv", {x({3, 5, 5}), w({4, 3, 3, 3})}, {{"group", int64_t{2}}}, "groups");
  expect_error("Conv", {x({3, 5, 5}), w({4, 3, 3, 3})}, {{"group", int64_t{0}}}, "groups");
  expect_error("Conv", {x({3, 5, 5}), w({4, 3, 3, 3})}, {{"kernel_shape", kTwo}},
               "kernel_shape (2,2) does not fit the weights' (3,3)");
  expect_error("Conv", {x({3, 2, 5}), w({4, 3, 3, 3})}, {}, "extent 3 is larger");
  expect_error("Conv", {x({3, 5, 5}), x({4, 3, 3, 3})}, {}, "must be a weight");
  expect_error("Gemm", {x({5}), w({4, 6})}, {{"transB", int64_t{1}}}, "weights (4,6)");
  expect_error("Gemm", {x({5}), w({4, 5})}, {}, "weights (4,5)");
  expect_error("Gemm", {x({1, 5}), w({5, 4})}, {}, "Flatten");
  expect_error("Gemm", {x({5}), w({5, 4}), w({5})}, {}, "C of 4");
  expect_error("Gemm", {x({5}), w({5, 4})}, {{"transA", int64_t{1}}}, "transA");
}

TEST(ShapeRule, ConvTranspose) {
  auto expect = [](Attributes attributes, const std::string& text) {
    expect_error("ConvTranspose", {x({3, 5, 5}), w({3, 2, 3, 3})}, std::move(attributes), text);
  };
  expect_error("ConvTranspose", {x({3, 5, 5}), w({2, 3, 3, 3})}, {}, "got (3,5,5) and (2,3,3,3)");
  expect_error("ConvTranspose", {x({3, 5}), w({3, 2, 3, 3})}, {}, "(channels, height, width)");
  expect_error("ConvTranspose", {x({3, 5, 5}), w({3, 2, 3, 3}), w({3})}, {}, "bias (2) expected");
  expect({{"group", int64_t{2}}}, "2 groups do not divide 3 channels");
  expect({{"kernel_shape", kTwo}}, "does not fit the weights'");
  expect({{"strides", Integers{0, 1}}}, "strides: 2 integers of 1 to 1024");
  expect({{"pads", Integers{4, 0, 3, 0}}}, "the padding leaves nothing");
  expect({{"pads", Integers{-1, 0, 0, 0}}}, "pads: 4 integers of 0 to 1024");
  expect({{"output_padding", Integers{1, 0}}}, "less than the stride");
  expect({{"output_padding", Integers{1, 0}}, {"dilations", kTwo}}, "that the stride reaches over");
  expect({{"output_shape", Integers{8, 8}}}, "an output of 8 positions cannot be made: 1 to 7 can");
  expect({{"auto_pad", "SAME"}}, "got SAME");
}

TEST(ShapeRule, MatMulAndArgMax) {
  expect_error("MatMul", {x({3, 5}), w({4, 6})}, {}, "got (3,5) and (4,6)");
  expect_error("MatMul", {x({3, 5}), w({5})}, {}, "got (3,5) and (5)");
  expect_error("MatMul", {x({}), w({1, 5})}, {}, "got () and (1,5)");
  expect_error("MatMul", {x({3, 5}), x({4, 6})}, {}, "got (3,5) and (4,6)");
  expect_error("MatMul", {x({5}), x({5})}, {}, "got (5) and (5)");
  expect_error("MatMul", {x({2, 3, 5}), x({4, 5, 6})}, {}, "expected");
  expect_error("MatMul", {x({3, 5}), x({2, 5, 6})}, {}, "expected");
  expect_error("MatMul", {w({3, 5}), x({5, 6})}, {}, "must be an activation");
  expect_error("MatMul", {x({1 << 16, 1}), x({1, 1 << 16})}, {}, "2^31");
  expect_error("MatMul", {x({5})}, {}, "inputs expected, got 1");
  expect_error("ArgMax", {x({5})}, {}, "0 is the batch");
  EXPECT_FALSE(make_row_op(row_of("ArgMax", {x({5})}, {{"axis", int64_t{1}}}))->differentiable());
}

TEST(ShapeRule, BatchNormalization) {
  auto expect = [](const Shape& shape, std::vector<int64_t> counts, Attributes attributes,
                   const std::string& text) {
    std::vector<RowInput> inputs = {x(shape)};
    for (int64_t count : counts) inputs.push_back(w({count}));
    inputs.back().kind = RowInput::Kind::kPositiveWeight;
    expect_error("BatchNormalization", inputs, std::move(attributes), text);
  };
  expect({3, 4, 4}, {3, 3, 3}, {}, "inputs expected, got 4");
  expect({3, 4, 4}, {3, 3, 4, 3}, {}, "input 3: shape (3) expected");
  expect({}, {3, 3, 3, 3}, {}, "an input (channels, ...) expected");
  expect({3}, {3, 3, 3, 3}, {{"epsilon", 0.0}}, "epsilon");
  expect({3}, {3, 3, 3, 3}, {{"momentum", 1.5}}, "momentum");
  expect({3}, {3, 3, 3, 3}, {{"training_mode", int64_t{1}}}, "training_mode 0");
  std::vector<RowInput> signed_variance(5, w({30}));
  signed_variance[0] = x({30});
  expect_error("BatchNormalization", signed_variance, {}, "a variance is negative");
}

TEST(ShapeRule, FunctionsOfTwo) {
  for (const char* type : {"Add", "Mul", "Sub", "Div", "Pow", "Max", "Greater", "PRelu"}) {
    expect_error(type, {x({2, 3}), x({3})}, {},
                 "inputs of shapes (2,3) and (3) cannot be broadcast to each other");
    expect_error(type, {x({2, 3}), x({2, 4})}, {}, "cannot be broadcast");
    expect_error(type, {x({2, 3}), w({2})}, {}, "cannot be broadcast");
    expect_error(type, {x({2, 3}), w({5, 2, 3})}, {}, "cannot be broadcast");
    expect_error(type, {x({2, 0}), w({2, 0})}, {}, "cannot be broadcast");
    expect_error(type, {x({1 << 16, 1}), x({1, 1 << 16})}, {}, "2^31");
    expect_error(type, {w({3}), w({3})}, {}, "both are weights");
    expect_error(type, {x({3})}, {}, "two inputs expected");
    expect_error(type, {x({3}), x({3}), x({3})}, {}, "two inputs expected");
    expect_error(type, {x({3}), x({3})}, {{"axis", int64_t{1}}}, "'axis' is not supported");
  }
  auto greater = make_row_op(row_of("Greater", {x({3}), w({3})}, {}));
  EXPECT_FALSE(greater->differentiable());
  EXPECT_FALSE(greater->trainable(1));
  auto power = make_row_op(row_of("Pow", {x({3}), w({3})}, {}));
  EXPECT_TRUE(power->differentiable());
  EXPECT_FALSE(power->trainable(1));
  EXPECT_EQ(make_row_op(row_of("Mul", {x({3}), w({3})}, {}))->initial(1).kind, Initial::Kind::kOne);
  EXPECT_EQ(make_row_op(row_of("Add", {x({3}), w({3})}, {}))->initial(1).kind,
            Initial::Kind::kZero);
}

TEST(ShapeRule, Reductions) {
  for (const char* type : {"ReduceMean", "ReduceMax"}) {
    expect_error(type, {x({2, 3})}, {}, "all axes would include the batch");
    expect_error(type, {x({2, 3})}, {{"axes", Integers{0, 1}}}, "0 is the batch");
    expect_error(type, {x({2, 3})}, {{"axes", Integers{1, -2}}}, "axis -2 comes twice");
    expect_error(type, {x({2, 0})}, {{"axes", Integers{1}}}, "not empty");
  }
  expect_error("GlobalMaxPool", {x({5})}, {}, "got (5)");
}

TEST(ShapeRule, Views) {
  auto expect = [](const Integers& shape, const std::string& text) {
    expect_error("Reshape", {x({2, 3, 4})}, {{"shape", shape}}, text);
  };
  expect({5, 5}, "has 24 elements, which do not fill shape (5,5)");
  expect({5, -1}, "do not fill shape");
  expect({-1, -1}, "at most one of them -1");
  expect({0, 24}, "extents of an image");
  expect({-2, 12}, "extents of an image");
  expect({int64_t{1} << 62, int64_t{1} << 62}, "extents of an image");
  expect({}, "do not fill shape ()");
  expect_error("Reshape", {x({4})}, {}, "'shape' is missing");
  expect_error("Flatten", {x({2, 3, 4})}, {{"axis", int64_t{2}}}, "axis: 1 expected");
  expect_error("Flatten", {x({2, 3, 4})}, {{"axis", int64_t{0}}}, "axis: 1 expected");
  expect_error("Squeeze", {x({2, 1})}, {{"axes", Integers{1}}},
               "axis 1 of the input (2,1) is not 1");
  expect_error("Squeeze", {x({2, 1})}, {{"axes", Integers{0}}}, "0 is the batch");
  expect_error("Squeeze", {x({2, 1})}, {{"axes", Integers{2, -1}}}, "axis -1 comes twice");
  expect_error("Unsqueeze", {x({2})}, {{"axes", Integers{0}}}, "0 is the batch");
  expect_error("Unsqueeze", {x({2})}, {{"axes", Integers{4}}}, "axis: 1 to 2");
  expect_error("Unsqueeze", {x({2})}, {}, "'axes' is missing");
  expect_error("Identity", {x({2}), x({2})}, {}, "inputs expected, got 2");
}

TEST(ShapeRule, Functions) {
  expect_error("Gelu", {x({3})}, {{"approximate", "exact"}}, "none or tanh expected, got exact");
  expect_error("Gelu", {x({3})}, {{"alpha", 1.0}}, "'alpha' is not supported");
  expect_error("Gelu", {x({3}), x({3})}, {}, "inputs expected, got 2");
  expect_error("Celu", {x({3})}, {{"alpha", 0.0}}, "other than 0");
  expect_error("Elu", {x({3})}, {{"gamma", 1.0}}, "'gamma' is not supported");
  expect_error("Clip", {x({3})}, {{"min", "0"}}, "a number expected");
  expect_error("Exp", {w({3})}, {}, "must be an activation");
  EXPECT_TRUE(make_row_op(row_of("Exp", {x({3})}, {}))->differentiable());
  EXPECT_FALSE(make_row_op(row_of("Floor", {x({3})}, {}))->differentiable());
}

TEST(ShapeRule, Moves) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  auto transpose = [](const Integers& order, const std::string& text) {
    expect_error("Transpose", {x({2, 3})}, {{"perm", order}}, text);
  };
  expect_error("Transpose", {x({2, 3})}, {}, "perm (): 3 axes expected");
  transpose({1, 0, 2}, "the first of them 0, the batch");
  transpose({0, 1}, "3 axes expected");
  transpose({0, 1, 1}, "axis 1 comes twice");
  transpose({0, 1, 3}, "axis: 1 to 2");
  auto pad = [](const Integers& pads, const std::string& text) {
    expect_error("Pad", {x({2, 3})}, {{"pads", pads}}, text);
  };
  expect_error("Pad", {x({2, 3})}, {}, "pads (): 6 integers expected");
  pad({1, 1}, "6 integers expected");
  pad({1, 0, 0, 0, 0, 0}, "those of the batch (first and 3) 0");
  pad({0, 0, 0, 0, 0, -3}, "an extent of 0");
  pad({0, 0, 0, 0, 0, kHuge}, "1048576 at most expected");
  pad({0, 0, 0, 0, -kHuge, 0}, "1048576 at most expected");
  pad({0, 1 << 19, 1 << 19, 0, 0, 0}, "2^31");
  expect_error("Pad", {x({2})}, {{"pads", Integers{0, 0, 0, 0}}, {"mode", "mirror"}}, "got mirror");
  auto slice = [](const Integers& starts, const Integers& ends, const Integers& axes,
                  const Integers& steps, const std::string& text) {
    expect_error("Slice", {x({4, 3})},
                 {{"starts", starts}, {"ends", ends}, {"axes", axes}, {"steps", steps}}, text);
  };
  slice({0}, {2}, {0}, {1}, "0 is the batch");
  slice({0, 0}, {2}, {1}, {1}, "of one length");
  slice({}, {}, {}, {}, "of one length");
  slice({0}, {2}, {1}, {0}, "a step is 0");
  slice({2}, {2}, {1}, {1}, "axis 1: nothing lies from 2 to 2");
  slice({0}, {-kHuge}, {1}, {kHuge}, "nothing lies from 0");
  slice({kHuge}, {kHuge}, {1}, {-kHuge}, "nothing lies");
  slice({0, 0}, {1, 1}, {1, -2}, {1, 1}, "axis -2 comes twice");
  Attributes gather = {{"axis", int64_t{1}}, {"indices", int64_t{4}}};
  expect_error("Gather", {x({4, 3})}, gather, "4 is not a position of an axis of 4");
  gather["indices"] = Integers{0, -5};
  expect_error("Gather", {x({4, 3})}, gather, "-5 is not a position");
  gather["indices"] = Integers{};
  expect_error("Gather", {x({4, 3})}, gather, "an extent of 0");
  expect_error("Gather", {x({4, 3})}, {{"axis", int64_t{1}}}, "'indices' is missing");
  expect_error("Gather", {x({4, 3})}, {{"indices", int64_t{0}}}, "0 is the batch");
  expect_error("Expand", {x({4, 3})}, {{"shape", Integers{2, 3}}}, "cannot be broadcast to");
  expect_error("Expand", {x({1, 3})}, {{"shape", Integers{kHuge, 3}}}, "repeats expected");
  expect_error("Expand", {x({3})}, {{"shape", Integers{2, 3}}}, "cannot be broadcast to");
  expect_error("Expand", {x({1})}, {{"shape", Integers{0}}}, "1 to 1048576 repeats");
  expect_error("Tile", {x({3})}, {{"repeats", Integers{2, 3}}}, "the first of them 1");
  expect_error("Tile", {x({3})}, {{"repeats", Integers{1, 0}}}, "repeats expected, got 0");
  expect_error("Tile", {x({3})}, {{"repeats", Integers{1, 1 << 20}}}, "an extent of 3145728");
  expect_error("Slice", {x({1 << 21})},
               {{"starts", Integers{0}}, {"ends", Integers{1}}, {"axes", Integers{1}}},
               "an extent of 2097152: 1 to 1048576 expected");
}

TEST(ShapeRule, Resize) {
  using Reals = std::vector<double>;
  for (const char* type : {"Resize", "Upsample"}) {
    auto expect = [&](const Reals& scales, const std::string& text) {
      expect_error(type, {x({2, 3})}, {{"scales", scales}}, text);
    };
    expect_error(type, {x({2, 3})}, {}, "3 numbers expected");
    expect({2.0, 2.0}, "3 numbers expected");
    expect({2.0, 2.0, 2.0}, "a scale of 1 for the batch");
    expect({1.0, 0.25, 1.0}, "an axis of 2 would be of 0");
    expect({1.0, 1.0, -1.0}, "an axis of 3 would be of -3");
    expect({1.0, 1.0, std::nan("")}, "an axis of 3 would be of nan");
    expect({1.0, 1.0, 1e300}, "an axis of 3 would be of");
    expect({1.0, 1e5, 1e5}, "2^31");
  }
  const Attribute twice = Reals{1.0, 2.0};
  expect_error("Resize", {x({2})}, {{"scales", twice}, {"mode", "cubic"}}, "got cubic");
  expect_error("Resize", {x({2})}, {{"scales", twice}, {"nearest_mode", "odd"}}, "got odd");
  expect_error("Resize", {x({2})}, {{"scales", twice}, {"antialias", int64_t{1}}}, "antialias");
  expect_error("Resize", {x({2})}, {{"scales", twice}, {"sizes", Integers{1, 4}}}, "2 numbers");
  expect_error("Resize", {x({2})},
               {{"scales", twice}, {"coordinate_transformation_mode", "tf_crop_and_resize"}},
               "got tf_crop_and_resize");
}

TEST(ShapeRule, Quantization) {
  auto given = [](Shape shape, std::vector<float> values) {
    return RowInput{RowInput::Kind::kWeight, std::move(shape), std::move(values)};
  };
  for (const char* type : {"QuantizeLinear", "DequantizeLinear"}) {
    expect_error(type, {x({3, 2})}, {}, "inputs expected, got 1");
    expect_error(type, {x({3, 2}), x({})}, {}, "must be a weight");
    expect_error(type, {x({3, 2}), given({2}, {1, 1})}, {}, "a scale, or 3 of them");
    expect_error(type, {x({3, 2}), given({3}, {1, 1, 1})}, {{"axis", int64_t{0}}}, "the batch");
    expect_error(type, {x({3, 2}), given({}, {-1})}, {}, "a scale is negative");
    expect_error(type, {x({3, 2}), given({}, {1}), given({2}, {0, 0})}, {}, "as many zero points");
    expect_error(type, {x({3, 2}), given({}, {1}), given({}, {0.5F})}, {}, "not a whole number");
    auto op = make_row_op(row_of(type, {x({3, 2}), given({}, {1}), given({}, {3})}, {}));
    EXPECT_FALSE(op->trainable(1));
    EXPECT_FALSE(op->trainable(2));
    EXPECT_EQ(op->initial(1).kind, Initial::Kind::kOne);
  }
  expect_error("QuantizeLinear", {x({3}), given({}, {1})}, {{"to", "float8"}}, "got float8");
}

TEST(ShapeRule, Normalizations) {
  const Shape maps = {4, 2, 3};
  expect_error("LayerNormalization", {x(maps), w({4})}, {}, "input 1: 3 values expected, got (4)");
  expect_error("LayerNormalization", {x(maps), w({3}), w({2})}, {}, "input 2: 3 values");
  expect_error("LayerNormalization", {x(maps), w({3})}, {{"axis", int64_t{0}}}, "the batch");
  expect_error("LayerNormalization", {x(maps), w({3})}, {{"epsilon", 0.0}}, "epsilon");
  expect_error("LayerNormalization", {x({}), w({})}, {}, "at least one axis");
  expect_error("InstanceNormalization", {x(maps), w({4})}, {}, "inputs expected, got 2");
  expect_error("InstanceNormalization", {x(maps), w({4}), w({3})}, {}, "input 2: 4 values");
  Attributes groups = {{"num_groups", int64_t{3}}};
  expect_error("GroupNormalization", {x(maps), w({4}), w({4})}, groups, "a divisor of 4");
  expect_error("GroupNormalization", {x(maps), w({4}), w({4})}, {}, "a divisor of 4");
  groups["num_groups"] = int64_t{2};
  expect_error("GroupNormalization", {x(maps), w({3}), w({3})}, groups, "4 values expected");
  expect_error("GroupNormalization", {x(maps), w({2}), w({4})}, groups, "2 values expected");
  expect_error("MeanVarianceNormalization", {x(maps)}, {}, "0 is the batch");
  expect_error("MeanVarianceNormalization", {x(maps)}, {{"axes", Integers{1, 3}}}, "side by side");
  expect_error("LpNormalization", {x(maps)}, {{"p", int64_t{3}}}, "1 or 2 expected, got 3");
  expect_error("Normalizer", {x(maps)}, {{"norm", "L3"}}, "got L3");
  expect_error("LRN", {x(maps)}, {}, "size: 1 to 2^20 expected, got 0");
  expect_error("LRN", {x(maps)}, {{"size", int64_t{3}}, {"bias", 0.0}}, "bias over 0");
  expect_error("LRN", {x({})}, {{"size", int64_t{3}}}, "(channels, ...)");
}

TEST(ShapeRule, ConcatSoftmaxDropout) {
  Attributes second = {{"axis", int64_t{2}}};
  expect_error("Concat", {x({2, 3}), x({3, 3})}, second, "(2,3) and (3,3) do not fit together");
  expect_error("Concat", {x({2, 3}), x({2})}, second, "do not fit together");
  expect_error("Concat", {x({2, 3}), x({2, 3, 1})}, second, "do not fit together");
  expect_error("Concat", {x({2, 3}), x({2, 3})}, {}, "'axis' is missing");
  expect_error("Concat", {x({2, 3}), x({2, 3})}, {{"axis", int64_t{0}}}, "0 is the batch");
  expect_error("Concat", {x({2, 3}), x({2, 3})}, {{"axis", int64_t{-3}}}, "got -3");
  expect_error("Concat", {x({int64_t{1} << 30}), x({int64_t{1} << 30}), x({int64_t{1} << 30})},
               {{"axis", int64_t{1}}}, "2^31");
  expect_error("Concat", {}, second, "at least one input");
  expect_error("Softmax", {x({10})}, {{"axis", int64_t{2}}}, "axis: 1 to 1 or -1 to -1 expected");
  expect_error("LogSoftmax", {x({10})}, {{"axis", int64_t{0}}}, "got 0");
  expect_error("Softmax", {x({10})}, {{"axis", 1.5}}, "an integer expected");
  expect_error("Dropout", {x({10})}, {{"ratio", 1.0}}, "within [0, 1)");
  expect_error("Dropout", {x({10})}, {{"ratio", -0.1}}, "within [0, 1)");
  expect_error("Dropout", {x({10})}, {{"ratio", std::nan("")}}, "within [0, 1)");
  expect_error("Relu6", {x({10})}, {}, "did you mean Relu?");
}

// What the engine is told besides.
TEST(ShapeRule, PropertiesOfOps) {
  Attributes pool = {{"kernel_shape", kTwo}, {"strides", kTwo}};
  EXPECT_EQ(make_row_op(row_of("MaxPool", {x({1, 4, 6})}, pool))->epilogue(),
            Epilogue::kMaxPool2x2);
  EXPECT_EQ(make_row_op(row_of("MaxPool", {x({1, 4, 5})}, pool))->epilogue(), Epilogue::kNone);
  pool["pads"] = Integers{0, 1, 0, 1};
  EXPECT_EQ(make_row_op(row_of("MaxPool", {x({1, 4, 6})}, pool))->epilogue(), Epilogue::kNone);

  RowInput variance = {RowInput::Kind::kPositiveWeight, {3}};
  auto norm = make_row_op(row_of("BatchNormalization", {x({3}), w({3}), w({3}), w({3}), variance},
                                 {{"momentum", 0.75}}));
  EXPECT_EQ(norm->statistic_rate(), 0.25);
  EXPECT_GE(norm->least_images(), 32U);
  std::vector<bool> trainable;
  std::vector<Initial::Kind> kinds;
  for (size_t i = 1; i <= 4; ++i) {
    trainable.push_back(norm->trainable(i));
    kinds.push_back(norm->initial(i).kind);
  }
  EXPECT_EQ(trainable, (std::vector<bool>{true, true, false, false}));
  using Kind = Initial::Kind;
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::kOne, Kind::kZero, Kind::kZero, Kind::kOne}));
}

}  // namespace
}  // namespace mnist
