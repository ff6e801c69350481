// Files that lie: refused with a line, quickly and without much memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "formats/onnx/onnx_test_support.h"
#include "formats/protobuf.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;

// What became of a file: "" where it was read, else the refusal, which must be one line that names
// the file.
std::string outcome(std::span<const std::byte> bytes) {
  try {
    const Model model = read_model(bytes, "bad.onnx");
    check_model(model);
    return "";
  } catch (const Error& error) {
    const std::string line = error.what();
    EXPECT_THAT(line, testing::StartsWith("bad.onnx: ")) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    return line;
  }
}

OnnxGraphMaker small_graph() {
  OnnxGraphMaker graph(13);
  graph.input({-1, 1, 3, 3}).weights("w", {2, 1, 2, 2}).whole("zero", {1}, {0});
  graph.whole("rest", {1}, {-1}).node("Conv", {"x", "w"}, {"c"}, {{"pads", Shape{0, 0, 0, 0}}});
  graph.node("Shape", {"c"}, {"shape"}).node("Gather", {"shape", "zero"}, {"n"});
  graph.node("Concat", {"n", "rest"}, {"target"}, {{"axis", int64_t{0}}});
  graph.node("Reshape", {"c", "target"}, {"flat"}).weights("d", {8, 2});
  graph.node("MatMul", {"flat", "d"}, {"y"});
  graph.model.metadata = {{"names", "['a', 'b']"}};
  return graph;
}

TEST(OnnxHostile, CutAnywhere) {
  const std::vector<std::byte> whole = small_graph().bytes();
  ASSERT_EQ(outcome(whole), "");
  size_t accepted = 0;
  for (size_t size = 1; size < whole.size(); ++size) {
    // What follows the operator set is metadata: a file without it is a file.
    if (outcome(std::span(whole).first(size)).empty()) ++accepted;
  }
  EXPECT_LE(accepted, 2U);
  const std::vector<std::byte> document = [] {
    MemorySink sink;
    format_by_name("onnx").write(random_model("lenet5"), {}, sink);
    return sink.bytes;
  }();
  for (size_t size = 1; size < document.size(); size += 997) {
    EXPECT_NE(outcome(std::span(document).first(size)), "") << size;
  }
}

TEST(OnnxHostile, EveryBitFlipped) {
  std::vector<std::byte> bytes = small_graph().bytes();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const std::byte flip{static_cast<unsigned char>(1U << bit % 8)};
    bytes[bit / 8] ^= flip;
    outcome(bytes);
    bytes[bit / 8] ^= flip;
  }
}

// ---- containers that lie ----

// A model around the fields of a graph.
std::vector<std::byte> model_of(const ProtobufWriter& graph) {
  ProtobufWriter opset;
  opset.text(1, "");
  opset.integer(2, 17);
  ProtobufWriter model;
  model.integer(1, 8);
  model.message(7, graph);
  model.message(8, opset);
  const auto bytes = std::as_bytes(std::span<const char>(model.content()));
  return {bytes.begin(), bytes.end()};
}

ProtobufWriter value(const std::string& name, int64_t type, const Shape& shape) {
  ProtobufWriter dimensions;
  for (int64_t extent : shape) {
    ProtobufWriter dimension;
    dimension.integer(1, extent);
    dimensions.message(1, dimension);
  }
  ProtobufWriter tensor;
  tensor.integer(1, type);
  tensor.message(2, dimensions);
  ProtobufWriter outer;
  outer.message(1, tensor);
  ProtobufWriter info;
  info.text(1, name);
  info.message(2, outer);
  return info;
}

// x (1,4), the tensor w as it is, y = x w.
std::vector<std::byte> with_weight(const ProtobufWriter& weight, const Shape& input = {1, 4}) {
  ProtobufWriter node;
  node.text(1, "x");
  node.text(1, "w");
  node.text(2, "y");
  node.text(4, "MatMul");
  ProtobufWriter graph;
  graph.message(1, node);
  graph.message(5, weight);
  graph.message(11, value("x", 1, input));
  graph.message(12, value("y", 1, {1, 2}));
  return model_of(graph);
}

ProtobufWriter weight_of(const Shape& shape, int64_t type = 1) {
  ProtobufWriter weight;
  weight.integers(1, shape);
  weight.integer(2, type);
  weight.text(8, "w");
  return weight;
}

TEST(OnnxHostile, TensorsThatLie) {
  ProtobufWriter good = weight_of({4, 2});
  good.text(9, std::string(32, '\0'));
  ASSERT_EQ(outcome(with_weight(good)), "");
  const auto raw = [](const Shape& shape, int64_t type, size_t bytes) {
    ProtobufWriter weight = weight_of(shape, type);
    weight.text(9, std::string(bytes, '\0'));
    return outcome(with_weight(weight));
  };
  EXPECT_THAT(raw({4, 2}, 1, 31),
              HasSubstr("tensor 'w': 32 bytes expected for (4,2) of FLOAT, got 31"));
  EXPECT_THAT(raw({4, 2}, 1, 33), HasSubstr("got 33"));
  EXPECT_THAT(raw({4, 2}, 1, 0), HasSubstr("got 0"));
  EXPECT_THAT(raw({-4, 2}, 1, 32), HasSubstr("an extent is negative"));
  EXPECT_THAT(raw({int64_t{1} << 32, int64_t{1} << 32}, 1, 0), HasSubstr("more than 2^31"));
  EXPECT_THAT(raw({int64_t{1} << 31, 2}, 1, 32), HasSubstr("more than 2^31"));
  EXPECT_THAT(raw({int64_t{1} << 30, 1}, 1, 32), HasSubstr("4294967296 bytes expected"));
  EXPECT_THAT(raw({4, 2}, 8, 8), HasSubstr("values of STRING are not read"));
  EXPECT_THAT(raw({4, 2}, 17, 8), HasSubstr("values of type 17 are not read"));
  EXPECT_THAT(raw({4, 2}, 0, 32), HasSubstr("values of type 0 are not read"));
  EXPECT_THAT(raw({4, 2}, -1, 32), HasSubstr("data_type -1 is impossible"));
  EXPECT_THAT(raw(Shape(33, 1), 1, 4), HasSubstr("33 dimensions, at most 32 are read"));
  ProtobufWriter infinite = weight_of({4, 2});
  infinite.text(9, std::string(28, '\0') + std::string("\0\0\x80\x7f", 4));
  EXPECT_THAT(outcome(with_weight(infinite)), HasSubstr("value 7 is inf"));
  ProtobufWriter twice = weight_of({4, 2});
  twice.text(9, std::string(32, '\0'));
  twice.real(4, 1.0F);
  EXPECT_THAT(outcome(with_weight(twice)), HasSubstr("its values come twice"));
  ProtobufWriter few = weight_of({4, 2});
  few.real(4, 1.0F);
  EXPECT_THAT(outcome(with_weight(few)), HasSubstr("has 8 values, 1 are stored"));
  ProtobufWriter bits = weight_of({4, 2}, 10);
  bits.integers(5, Shape(8, 65'536));
  EXPECT_THAT(outcome(with_weight(bits)), HasSubstr("65536 is not 16 bits"));
  ProtobufWriter segment = weight_of({4, 2});
  segment.message(3, ProtobufWriter());
  EXPECT_THAT(outcome(with_weight(segment)), HasSubstr("segments"));
}

TEST(OnnxHostile, InputsThatLie) {
  ProtobufWriter weight = weight_of({4, 2});
  weight.text(9, std::string(32, '\0'));
  EXPECT_THAT(outcome(with_weight(weight, {1, int64_t{1} << 40})),
              HasSubstr("an extent of 1099511627776"));
  EXPECT_THAT(outcome(with_weight(weight, {1, -7})), HasSubstr("an extent of -7"));
  EXPECT_THAT(outcome(with_weight(weight, {1, INT32_MAX, INT32_MAX})), HasSubstr("more than 2^31"));
  EXPECT_THAT(outcome(with_weight(weight, {1, 5})), HasSubstr("node 'y' (Gemm)"));
  EXPECT_THAT(outcome(with_weight(weight, {})), HasSubstr("its shape is missing"));
}

TEST(OnnxHostile, NamesThatStandForTwoThings) {
  OnnxGraphMaker value;
  value.input({-1, 10}).node("Relu", {"x"}, {"y"}).node("Neg", {"x"}, {"y"});
  EXPECT_THAT(outcome(value.bytes()), HasSubstr("bad.onnx: value 'y' comes twice"));
  OnnxGraphMaker input;
  input.input({-1, 10}).node("Relu", {"x"}, {"x"});
  EXPECT_THAT(outcome(input.bytes()), HasSubstr("value 'x' comes twice"));
  OnnxGraphMaker weight;
  weight.input({-1, 10}).weights("w", {10}).weights("w", {10}).node("Add", {"x", "w"}, {"y"});
  EXPECT_THAT(outcome(weight.bytes()), HasSubstr("initializer 'w' comes twice"));
  OnnxGraphMaker metadata;
  metadata.input({-1, 10}).node("Relu", {"x"}, {"y"});
  metadata.model.metadata = {{"a", "1"}, {"a", "2"}};
  EXPECT_THAT(outcome(metadata.bytes()), HasSubstr("metadata 'a' comes twice"));
  OnnxGraphMaker escape;
  escape.input({-1, 10}).node("\x1b[31mEvil\n", {"x"}, {"y"});
  EXPECT_THAT(outcome(escape.bytes()), HasSubstr("(\\x1b[31mEvil\\x0a)"));
}

TEST(OnnxHostile, WhatIsNoOnnxFile) {
  const auto refused = [](const ProtobufWriter& writer) {
    return outcome(std::as_bytes(std::span<const char>(writer.content())));
  };
  ProtobufWriter version;
  version.integer(1, 8);
  EXPECT_THAT(refused(version), HasSubstr("no graph"));
  ProtobufWriter graph = version;
  graph.message(7, ProtobufWriter());
  EXPECT_THAT(refused(graph), HasSubstr("no operator set"));
  graph.message(7, ProtobufWriter());
  EXPECT_THAT(refused(graph), HasSubstr("graph comes twice"));
  ProtobufWriter old;
  old.integer(1, 2);
  EXPECT_THAT(refused(old), HasSubstr("IR version 3 or newer expected, got 2"));
}

TEST(OnnxHostile, GraphsAndFunctionsWithoutEndAreRefused) {
  // An attribute with a graph in a graph in a graph ...
  ProtobufWriter inner;
  for (int i = 0; i < 100; ++i) {
    ProtobufWriter attribute;
    attribute.text(1, "then_branch");
    attribute.integer(20, 5);
    attribute.message(6, inner);
    ProtobufWriter node;
    node.text(1, "x");
    node.text(2, "y");
    node.text(4, "If");
    node.message(5, attribute);
    ProtobufWriter graph;
    graph.message(1, node);
    graph.message(11, value("x", 1, {1, 4}));
    graph.message(12, value("y", 1, {1, 4}));
    inner = graph;
  }
  EXPECT_THAT(outcome(model_of(inner)), HasSubstr("more than 32 messages within one another"));
  OnnxGraphMaker call;
  call.model.opsets["own"] = 1;
  call.input({-1, 10}).node("F", {"x"}, {"y"}, {}, "own");
  ProtobufWriter node;  // F calls F
  node.text(1, "a");
  node.text(2, "b");
  node.text(4, "F");
  node.text(7, "own");
  ProtobufWriter function;
  function.text(1, "F");
  function.text(4, "a");
  function.text(5, "b");
  function.message(7, node);
  function.text(10, "own");
  ProtobufWriter extra;
  extra.message(25, function);
  std::vector<std::byte> bytes = call.bytes();
  const auto more = std::as_bytes(std::span<const char>(extra.content()));
  bytes.insert(bytes.end(), more.begin(), more.end());
  EXPECT_THAT(outcome(bytes), HasSubstr("bad.onnx: function 'F': calls itself"));
}

// ---- a few bytes that ask for a lot ----

TEST(OnnxHostile, ConstantsThatGrowAreRefused) {
  const auto grown = [](const std::string& type, const Shape& shape) {
    OnnxGraphMaker graph;
    graph.input({-1, 10}).whole("shape", {static_cast<int64_t>(shape.size())}, shape);
    graph.real("one", Shape(shape.size(), 1), {1});
    std::vector<std::string> inputs = {"shape"};
    if (type != "ConstantOfShape") inputs = {"one", "shape"};
    graph.node(type, inputs, {"big"}).node("Add", {"x", "big"}, {"y"});
    return outcome(graph.bytes());
  };
  const int64_t large = int64_t{1} << 30;
  for (const char* type : {"ConstantOfShape", "Expand", "Tile"}) {
    EXPECT_THAT(grown(type, {large}), HasSubstr("too many for this file")) << type;
    EXPECT_THAT(grown(type, {large, large, large}),
                AnyOf(HasSubstr("more than 2^31"), HasSubstr("too many for this file")))
        << type;
    EXPECT_THAT(grown(type, {INT64_MAX, 2}), HasSubstr("bad.onnx: node")) << type;
    EXPECT_THAT(grown(type, {-5}), HasSubstr("bad.onnx: node")) << type;
  }
  OnnxGraphMaker range;
  range.input({-1, 10}).whole("a", {}, {0}).whole("b", {}, {INT64_MAX}).whole("c", {}, {1});
  range.node("Range", {"a", "b", "c"}, {"big"}).node("Cast", {"big"}, {"f"}, {{"to", int64_t{1}}});
  range.node("Add", {"x", "f"}, {"y"});
  EXPECT_THAT(outcome(range.bytes()), HasSubstr("impossible range"));
  OnnxGraphMaker doubled;  // 2^40 values by forty concatenations
  doubled.input({-1, 10}).real("c0", {1}, {1});
  for (int i = 0; i < 40; ++i) {
    const std::string from = fmt::format("c{}", i);
    doubled.node("Concat", {from, from}, {fmt::format("c{}", i + 1)}, {{"axis", int64_t{0}}});
  }
  doubled.node("Add", {"x", "c40"}, {"y"});
  EXPECT_THAT(outcome(doubled.bytes()), HasSubstr("too many for this file"));
}

TEST(OnnxHostile, ArithmeticAtItsLimits) {
  const auto computed = [](const std::string& type, int64_t a, int64_t b) {
    OnnxGraphMaker graph;
    graph.input({-1, 4}).whole("a", {1}, {a}).whole("b", {1}, {b}).whole("n", {1}, {0});
    graph.node(type, {"a", "b"}, {"c"}).node("Concat", {"n", "c"}, {"s"}, {{"axis", int64_t{0}}});
    graph.node("Reshape", {"x", "s"}, {"y"});
    return outcome(graph.bytes());
  };
  EXPECT_NE(computed("Div", 1, 0), "");
  EXPECT_NE(computed("Mod", 1, 0), "");
  EXPECT_NE(computed("Div", INT64_MIN, -1), "");
  EXPECT_NE(computed("Mod", INT64_MIN, -1), "");
  EXPECT_NE(computed("Mul", INT64_MAX, 2), "");
  EXPECT_NE(computed("Add", INT64_MAX, 1), "");
  EXPECT_NE(computed("Sub", INT64_MIN, 1), "");
  EXPECT_NE(computed("Pow", 10, 40), "");
  EXPECT_NE(computed("Max", INT64_MAX, INT64_MIN), "");
}

TEST(OnnxHostile, LongFilesOfNothingAreQuick) {
  const auto start = std::chrono::steady_clock::now();
  OnnxGraphMaker chain;
  chain.input({-1, 10}).node("Relu", {"x"}, {"v0"});
  for (int i = 0; i < 9'998; ++i) {
    chain.node("Identity", {fmt::format("v{}", i)}, {fmt::format("v{}", i + 1)});
  }
  chain.node("Neg", {"v9998"}, {"y"});
  EXPECT_EQ(outcome(chain.bytes()), "");
  chain.node("Neg", {"v9998"}, {"z"});
  EXPECT_THAT(outcome(chain.bytes()), HasSubstr("more than 10000 nodes"));
  // Two bytes each.
  ProtobufWriter tensors;
  for (int i = 0; i < 100'000; ++i) tensors.message(5, ProtobufWriter());
  EXPECT_THAT(outcome(model_of(tensors)), HasSubstr("more than 10000 initializers"));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 2.0);
}

// ---- values in another file ----

class OnnxExternal : public testing::Test {
 protected:
  void SetUp() override {
    // Of its own: tests run beside each other.
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("mnist_onnx_external_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models" / "below");
    put("models/w.bin", std::string(16, 'x') + std::string(32, '\0'));
    put("models/below/w.bin", std::string(48, '\0'));
    put("secret.bin", std::string(48, '\0'));
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  // The model with a weight (4,2) in another file.
  std::string load(const std::string& location, const std::string& offset = "16",
                   const std::string& length = "32") const {
    ProtobufWriter weight = weight_of({4, 2});
    for (const auto& [key, text] : {std::pair<std::string, std::string>{"location", location},
                                    {"offset", offset},
                                    {"length", length}}) {
      if (text == "-") continue;
      ProtobufWriter entry;
      entry.text(1, key);
      entry.text(2, text);
      weight.message(13, entry);
    }
    weight.integer(14, 1);
    const std::vector<std::byte> bytes = with_weight(weight);
    put("models/m.onnx", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    try {
      return load_model(folder_ / "models" / "m.onnx").weight("w").values == std::vector<float>(8)
                 ? ""
                 : "other values";
    } catch (const Error& error) {
      return error.what();
    }
  }

  fs::path folder_;
};

TEST_F(OnnxExternal, ValuesBesideTheModelAreRead) {
  EXPECT_EQ(load("w.bin"), "");
  EXPECT_EQ(load("w.bin", "16", "-"), "");
  put("models/only.bin", std::string(32, '\0'));
  EXPECT_EQ(load("only.bin", "-", "-"), "");
}

TEST_F(OnnxExternal, PlacesElsewhereAreRefused) {
  const std::string absolute = (folder_ / "secret.bin").string();
  for (const std::string& location :
       {std::string("../secret.bin"), std::string("below/../../secret.bin"), absolute,
        std::string("below/w.bin"), std::string("./w.bin"), std::string(".."), std::string("."),
        std::string(), std::string("..\\secret.bin"), std::string("C:w.bin"),
        std::string("w.bin\0.txt", 10), std::string("/proc/self/mem"), std::string("/dev/zero")}) {
    EXPECT_THAT(load(location), HasSubstr("a plain name beside the model expected")) << location;
  }
  EXPECT_NE(load("missing.bin"), "");
  EXPECT_NE(load(std::string(5'000, 'a')), "");
  EXPECT_NE(load("W.BIN"), "");
  fs::create_symlink(folder_ / "secret.bin", folder_ / "models" / "link.bin");
  EXPECT_NE(load("link.bin"), "");
  fs::create_hard_link(folder_ / "secret.bin", folder_ / "models" / "hard.bin");
  EXPECT_NE(load("hard.bin"), "");
  EXPECT_NE(load("below"), "") << "a folder";
  ASSERT_EQ(mkfifo((folder_ / "models" / "pipe.bin").c_str(), 0600), 0);
  EXPECT_NE(load("pipe.bin"), "");
}

TEST_F(OnnxExternal, PlacesThatLieAreRefused) {
  EXPECT_THAT(load("w.bin", "17"), HasSubstr("32 bytes at 17 expected, 'w.bin' has 48"));
  EXPECT_THAT(load("w.bin", "18446744073709551615"), HasSubstr("'w.bin' has 48"));
  EXPECT_THAT(load("w.bin", "-1"), HasSubstr("offset '-1': a number expected"));
  EXPECT_THAT(load("w.bin", "0x10"), HasSubstr("a number expected"));
  EXPECT_THAT(load("w.bin", "99999999999999999999"), HasSubstr("a number expected"));
  EXPECT_THAT(load("w.bin", "16", "31"), HasSubstr("32 bytes expected for (4,2) of FLOAT, got 31"));
  EXPECT_THAT(load("w.bin", "0", "1125899906842624"), HasSubstr("got 1125899906842624"));
  EXPECT_THAT(load("w.bin", "0", "-5"), HasSubstr("a number expected"));
  EXPECT_THAT(load("-"), HasSubstr("external data without a location"));
}

TEST_F(OnnxExternal, AModelInMemoryHasOnlyTheFilesThatItIsGiven) {
  const auto model = [](const std::string& location) {
    ProtobufWriter weight = weight_of({4, 2});
    ProtobufWriter entry;
    entry.text(1, "location");
    entry.text(2, location);
    weight.message(13, entry);
    weight.integer(14, 1);
    return with_weight(weight);
  };
  EXPECT_THAT(outcome(model("w.bin")), HasSubstr("the model lies in memory"));
  std::vector<std::string> asked;
  const auto beside = [&](const std::string& name, uint64_t) {
    asked.push_back(name);
    return std::vector<std::byte>(32);
  };
  const Candidates given = read_candidates(model("w.bin"), "m.onnx", {}, beside);
  EXPECT_EQ(given.models.at(0).weight("w").values, std::vector<float>(8));
  EXPECT_EQ(asked, std::vector<std::string>{"w.bin"});
  for (const char* elsewhere : {"../w.bin", "below/w.bin", "/w.bin", "..", "C:w.bin"}) {
    EXPECT_THROW(read_candidates(model(elsewhere), "m.onnx", {}, beside), Error) << elsewhere;
  }
  EXPECT_EQ(asked.size(), 1U) << "names that are not plain are not asked for";
}

}  // namespace
}  // namespace mnist
