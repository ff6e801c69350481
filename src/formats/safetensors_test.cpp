#include "formats/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/half.h"
#include "formats/format_list.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

// A file of a header and so many bytes of data.
Bytes file_of(const std::string& header, size_t data, int64_t length_change = 0) {
  Bytes bytes(8 + header.size() + data);
  const uint64_t length = header.size() + static_cast<uint64_t>(length_change);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

TEST(Safetensors, AModelInSeveralFilesIsRead) {
  const Bytes first =
      file_of(R"({"fc.weight":{"dtype":"F32","shape":[10,784],"data_offsets":[0,31360]}})", 31360);
  const Bytes second =
      file_of(R"({"fc.bias":{"dtype":"F32","shape":[10],"data_offsets":[0,40]}})", 40);
  const std::string index =
      R"({"metadata":{},"weight_map":{"fc.weight":"a.safetensors","fc.bias":"b.safetensors"}})";
  const auto read = [&](const Bytes& other) {
    const auto beside = [&](const std::string& name, uint64_t) {
      return name == "a.safetensors" ? first : other;
    };
    return format_by_name("safetensors-index")
        .read({"i", std::as_bytes(std::span<const char>(index)), beside});
  };
  const FileContents contents = read(second);
  const auto& weights = std::get<LooseWeights>(contents);
  ASSERT_EQ(weights.tensors.size(), 2U);
  EXPECT_EQ(weights.tensors[0].first, "fc.weight");
  EXPECT_EQ(weights.tensors[1].second.shape, (Shape{10}));
  EXPECT_THAT(error_of([&] { read(first); }), HasSubstr("i: tensor 'fc.weight' is in two files"));
}

std::string refusal(const Bytes& bytes) {
  return error_of([&] { read_safetensors(bytes, "x"); });
}

std::string refusal(const std::string& header, size_t data) {
  return refusal(file_of(header, data));
}

Bytes written(const Model& model, TensorType type = TensorType::kF32) {
  MemorySink sink;
  format_by_name("safetensors").write(model, {.tensor_type = type}, sink);
  return sink.bytes;
}

constexpr char kOne[] = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(Safetensors, WhatTheFormatAllowsIsRead) {
  EXPECT_EQ(read_safetensors(file_of(kOne, 8), "x").tensors[0].shape, (Shape{2}));
  // Spaces behind the header, an empty tensor, a rank of 0, metadata, another order than that of
  // the data.
  const Safetensors file = read_safetensors(
      file_of(R"({"__metadata__":{"k":"v"},"b":{"dtype":"F16","shape":[],"data_offsets":[8,10]},)"
              R"("e":{"dtype":"I64","shape":[2,0],"data_offsets":[8,8]},)"
              R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}    )",
              10),
      "x");
  ASSERT_EQ(file.tensors.size(), 3U);
  EXPECT_EQ(file.tensors[0].name, "a");
  EXPECT_EQ(file.tensors[1].name, "e");
  EXPECT_EQ(file.tensors[2].shape, Shape());
  EXPECT_EQ(file.metadata.at("k"), "v");
}

TEST(Safetensors, HeadersThatLieAreRefused) {
  EXPECT_THAT(refusal(Bytes()), HasSubstr("x: header length: 8 bytes expected"));
  EXPECT_THAT(refusal(file_of("", 0)), HasSubstr("must begin '{'"));
  EXPECT_THAT(refusal(file_of(kOne, 8, 9)), HasSubstr("x: header: 63 bytes expected"));
  EXPECT_NE(refusal(file_of(kOne, 8, -1)), "");
  EXPECT_NE(refusal(file_of(kOne, 8, 1)), "");
  EXPECT_THAT(refusal(file_of(kOne, 8, 2'000'001)), HasSubstr("at most 2000000 are accepted"));
  EXPECT_THAT(refusal(file_of(kOne, 8, -100)), HasSubstr("are accepted"));  // almost 2^64
  EXPECT_THAT(refusal("{", 0), HasSubstr("x: header: line 1"));
  EXPECT_THAT(refusal("[]", 0), HasSubstr("must begin '{'"));
  EXPECT_THAT(refusal(" {}", 0), HasSubstr("must begin '{'"));
  EXPECT_THAT(refusal("\xef\xbb\xbf{}", 0), HasSubstr("must begin '{'"));
  EXPECT_NE(refusal("{\"\xff\":1}", 0), "");
  EXPECT_NE(refusal(R"({"\ud800":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4), "");
  EXPECT_NE(refusal(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},})", 4), "");
  EXPECT_THAT(refusal(std::string("{\"a\":") + std::string(100, '['), 0), HasSubstr("64 levels"));
  EXPECT_THAT(refusal("{}", 1), HasSubstr("x: 1 bytes after the last tensor"));
}

TEST(Safetensors, TensorsThatDoNotFillTheirBytesAreRefused) {
  const auto tensor = [](const std::string& type, const std::string& shape,
                         const std::string& offsets, size_t data) {
    return refusal(fmt::format(R"({{"a":{{"dtype":"{}","shape":{},"data_offsets":{}}}}})", type,
                               shape, offsets),
                   data);
  };
  EXPECT_THAT(tensor("F32", "[2,2]", "[0,4]", 4),
              HasSubstr("x: header: at /a: F32 (2,2) needs 16 bytes, it has 4"));
  EXPECT_THAT(tensor("F32", "[2,9223372036854775807]", "[0,8]", 8), HasSubstr("is too large"));
  EXPECT_NE(tensor("F32", "[2,18446744073709551614]", "[0,8]", 8), "");
  EXPECT_NE(tensor("F32", "[4611686018427387904,4]", "[0,0]", 0), "");
  EXPECT_THAT(tensor("F32", "[-2]", "[0,8]", 8), HasSubstr("-2 is negative"));
  EXPECT_THAT(tensor("F32", "[2.0]", "[0,8]", 8), HasSubstr("an integer expected"));
  EXPECT_THAT(tensor("F32", "[2]", "[0,8e0]", 8), HasSubstr("an integer expected"));
  EXPECT_THAT(tensor("F32", "[2]", "[8,0]", 8), HasSubstr("bytes 8 to 0"));
  EXPECT_THAT(tensor("F32", "[2]", "[0,16]", 8), HasSubstr("bytes 0 to 16 of 8"));
  EXPECT_THAT(tensor("F32", "[2]", "[0]", 8), HasSubstr("[begin, end] expected"));
  EXPECT_THAT(tensor("F32", "[2]", "[0,8,8]", 8), HasSubstr("[begin, end] expected"));
  EXPECT_THAT(tensor("F33", "[2]", "[0,8]", 8), HasSubstr("unknown type 'F33'"));
  EXPECT_THAT(tensor("F32", "[2]", "[4,12]", 12), HasSubstr("begins at byte 4 of the data, 0"));
  EXPECT_THAT(tensor("F32", "2", "[0,8]", 8), HasSubstr("a list expected"));
  std::string dimensions = "1";
  for (int i = 0; i < 32; ++i) dimensions += ",1";
  EXPECT_THAT(tensor("F32", "[" + dimensions + "]", "[0,4]", 4), HasSubstr("32 dimensions"));
}

TEST(Safetensors, WhatReadersUnderstandDifferentlyIsRefused) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_THAT(refusal("{" + a + "," + a + "}", 8), HasSubstr("the key 'a' comes twice"));
  EXPECT_THAT(refusal("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8),
              HasSubstr("must neither overlap nor leave holes"));
  EXPECT_THAT(refusal("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12),
              HasSubstr("tensor 'b' begins at byte 4 of the data, 8 expected"));
  EXPECT_THAT(refusal("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})", 20),
              HasSubstr("tensor 'b' begins at byte 12 of the data, 8 expected"));
  EXPECT_THAT(refusal("{" + a + "}", 9), HasSubstr("1 bytes after the last tensor"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8),
              HasSubstr("the key 'dtype' comes twice"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}})", 8),
              HasSubstr("unknown key 'more'"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2]}})", 8), HasSubstr("'data_offsets'"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"k":1}})", 0), HasSubstr("a text expected"));
  EXPECT_THAT(refusal(R"({"__metadata__":[]})", 0), HasSubstr("an object expected"));
  EXPECT_THAT(refusal(R"({"a":null})", 0), HasSubstr("an object expected"));
  EXPECT_THAT(refusal(std::string("{\"a\0b\":{}}", 10), 0), HasSubstr("a 0 at byte"));
  const std::string name(70'000, 'n');
  EXPECT_THAT(refusal("{\"" + name + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8),
              HasSubstr("a name of 70000 bytes"));
}

TEST(Safetensors, TenThousandTensorsOnOneBlockAreRefusedQuickly) {
  std::string header = "{";
  for (int i = 0; i < 10'000; ++i) {
    header += fmt::format(R"({}"t{}":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                          i == 0 ? "" : ",", i);
  }
  EXPECT_THAT(refusal(header + "}", 8), HasSubstr("overlap"));
}

TEST(Safetensors, EveryTruncationAndEveryFlippedBitOfTheHeader) {
  const Bytes good = written(random_model("mnist-cnn", {1, 4, 4}, 2));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(read_safetensors({good.data(), length}, "x"), Error) << length;
  }
  uint64_t header = 0;
  std::memcpy(&header, good.data(), 8);
  for (size_t bit = 0; bit < (8 + header) * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    try {
      const Model model = read_model(bytes, "x.safetensors");
      EXPECT_EQ(model.parameter_count(), 8U * 9 + 8 + 16 * 72 + 16 + 32 + 2);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, 13), "x.safetensors");
    }
  }
}

TEST(SafetensorsModel, TheGraphTravelsAlong) {
  Model model = random_model("mnist-fast", {1, 28, 28});
  model.metadata = {{"note", "line\nline"}, {"format", "ours"}};
  model.pixels = {0.5, -1.0};
  const Bytes bytes = written(model);
  const Safetensors file = read_safetensors(bytes, "x");
  EXPECT_EQ(file.metadata.at("format"), "pt");
  std::vector<std::string> names;
  for (const SafetensorsTensor& tensor : file.tensors) {
    names.push_back(tensor.name);
    EXPECT_EQ((tensor.bytes.data() - bytes.data()) % 4, 0) << tensor.name;
  }
  EXPECT_THAT(names,
              testing::IsSupersetOf({"conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean",
                                     "bn1.running_var", "dense.weight"}));
  const Model read = read_model(bytes, "x");
  expect_same_graph(read, model);
  expect_same_values(read, model);
}

TEST(SafetensorsModel, HalfPrecisionRoundsWeightsAndKeepsBiases) {
  const Model model = random_model("mnist-cnn");
  for (TensorType type : {TensorType::kF16, TensorType::kBF16}) {
    const Bytes bytes = written(model, type);
    EXPECT_LT(bytes.size() * 100, written(model).size() * 60);
    const Model read = read_model(bytes, "x");
    EXPECT_EQ(read.weight("conv1.bias").values, model.weight("conv1.bias").values);
    const float value = model.weight("dense.weight").values[123];
    const float rounded = type == TensorType::kF16 ? float_from_f16(f16_from_float(value))
                                                   : float_from_bf16(bf16_from_float(value));
    EXPECT_EQ(read.weight("dense.weight").values[123], rounded);
    expect_same_values(read_model(written(read, type), "x"), read);
  }
  Model large = model;
  large.weights["conv1.weight"].values[0] = 70'000.0F;
  EXPECT_THAT(error_of([&] { written(large, TensorType::kF16); }),
              HasSubstr("tensor 'conv1.weight': 70000 does not fit f16"));
}

TEST(SafetensorsModel, WhatIsNoModelIsSaid) {
  const auto refusal_of = [](const std::string& header, size_t data) {
    return error_of([&] { read_model(file_of(header, data), "x"); });
  };
  EXPECT_EQ(refusal_of(R"({"Xtrain":{"dtype":"U8","shape":[4,4],"data_offsets":[0,16]}})", 16),
            "x: not a model: no tensor holds floats (Xtrain U8 (4,4)); a data set?");
  EXPECT_THAT(refusal_of("{}", 0), HasSubstr("there is none"));
  EXPECT_THAT(refusal_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                         R"("q":{"dtype":"I8","shape":[16],"data_offsets":[8,24]}})",
                         24),
              HasSubstr("x: tensor 'q': F32, F16, BF16 or F64 expected, got I8"));
  const auto zoo = outside_file("MNIST_ZOO_DIR", "safetensors/mlajtos.safetensors");
  if (!zoo) GTEST_SKIP() << "MNIST_ZOO_DIR is not set";
  EXPECT_THAT(error_of([&] { load_model(*zoo); }), HasSubstr("no tensor holds floats"));
}

TEST(SafetensorsModel, AGraphThatDoesNotFitItsTensorsIsRefused) {
  const Bytes good = written(random_model("mnist-mlp"));
  const auto changed = [&](const std::string& from, const std::string& to) {
    Safetensors file = read_safetensors(good, "x");
    std::string& graph = file.metadata["mnist.graph"];
    graph.replace(graph.find(from), from.size(), to);
    MemorySink sink;
    write_safetensors(file, sink);
    return error_of([&] { read_model(sink.bytes, "x"); });
  };
  EXPECT_THAT(changed("\"fc1.bias\": [128]", "\"fc1.bias\": [129]"),
              HasSubstr("tensor 'fc1.bias' of shape (129) expected: got (128)"));
  EXPECT_THAT(changed("\"fc1.bias\": [128]", "\"fc9.bias\": [128]"), HasSubstr("fc"));
  EXPECT_THAT(changed("\"fc1.bias\": [128],", ""),
              HasSubstr("its graph has 5 weights, the file 6"));
  EXPECT_THAT(changed("\"nodes\"", "\"knots\""), HasSubstr("unknown key 'knots'"));
}

}  // namespace
}  // namespace mnist
