#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "formats/format_list.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;

std::string written(const Model& model) {
  MemorySink sink;
  format_by_name("json").write(model, {}, sink);
  return {reinterpret_cast<const char*>(sink.bytes.data()), sink.bytes.size()};
}

Model read(const std::string& text) {
  return read_model(std::as_bytes(std::span(text.data(), text.size())), "x.json");
}

// input -> Gemm(w)
Model dense_model(std::vector<float> values) {
  Model model;
  model.architecture = "dense";
  model.input_shape = {1};
  model.nodes = {{"Gemm", "dense", {"input", "w"}, {"dense"}, {}}};
  model.output = "dense";
  model.weights["w"] = {{static_cast<int64_t>(values.size())}, std::move(values)};
  return model;
}

// `text` with the first `from` replaced.
std::string changed(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(JsonModel, AMillionFloatsComeBackBitForBit) {
  Random random(3);
  std::vector<float> values = {0.0F,
                               -0.0F,
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::lowest(),
                               std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::denorm_min()};
  while (values.size() < 1'000'000) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random.bits() >> 32));
    if (std::isfinite(value)) values.push_back(value);
  }
  const Model model = dense_model(values);
  expect_same_values(read(written(model)), model);
}

TEST(JsonModel, ValuesAreShort) {
  EXPECT_THAT(written(dense_model({0.1F, 1.0F, -2.5e-7F, 1.0F / 3.0F})),
              HasSubstr("\"w\": {\"shape\": [4], \"values\": [0.1,1,-2.5e-07,0.33333334]}"));
}

TEST(JsonModel, RowsHaveALineEach) {
  Model model = dense_model({1, 2, 3, 4, 5, 6});
  model.weights["w"].shape = {2, 3};
  EXPECT_THAT(written(model), HasSubstr("\"values\": [\n      1,2,3,\n      4,5,6]}"));
  model.weights["w"].shape = {1, 6};
  EXPECT_THAT(written(model), HasSubstr("\"values\": [1,2,3,4,5,6]}"));
}

TEST(JsonModel, MistakesAreNamedWithTheirPlace) {
  const std::string text = written(dense_model({1, 2, 3}));
  auto refusal = [&](const std::string& from, const std::string& to) {
    return error_of([&] { read(changed(text, from, to)); });
  };
  EXPECT_THAT(refusal("[1,2,3]", "[1,2]"),
              HasSubstr("x.json: at /weights/w/values: a list of 3 numbers expected"));
  EXPECT_THAT(refusal("[1,2,3]", "7"), HasSubstr("a list of 3 numbers expected"));
  EXPECT_THAT(refusal("[1,2,3]", "[1,\"2\",3]"), HasSubstr("value 1: a number in float32's range"));
  EXPECT_THAT(refusal("[1,2,3]", "[1,2,1e39]"), HasSubstr("value 2: a number in float32's range"));
  EXPECT_THAT(refusal("[1,2,3]", "[1,2,1e999]"), HasSubstr("x.json: line"));
  EXPECT_THAT(refusal("[1,2,3]", "[1,2,NaN]"), HasSubstr("x.json: line"));
  EXPECT_THAT(refusal("\"shape\": [3]", "\"shape\": [4000000000, 4000000000]"),
              HasSubstr("at /weights/w/shape: shape (4000000000,4000000000): more than 2^31"));
  EXPECT_THAT(refusal("\"shape\": [3]", "\"shape\": [2147483648]"),
              HasSubstr("a list of 2147483648 numbers expected"));
  EXPECT_THAT(refusal("\"values\"", "\"value\""),
              HasSubstr("at /weights/w: unknown key 'value': did you mean 'values'?"));
  EXPECT_THAT(refusal("mnist.cpp model", "mnist.cpp graph"),
              HasSubstr("a network without weights: train it first"));
  EXPECT_THAT(refusal("\"output\": \"dense\"", "\"output\": \"other\""), HasSubstr("x.json: "));
  EXPECT_THAT(refusal("\n}\n", "\n}\n}"), HasSubstr("x.json: line"));
}

TEST(JsonModel, TruncatedAnywhereIsRefused) {
  const std::string text = written(random_model("mnist-cnn", {1, 4, 4}, 2));
  const size_t last = text.rfind('}');
  // Every byte of the first part and of the end; the values between are all alike.
  for (size_t length = 0; length <= last;
       length += (length < 3'000 || length + 100 > last ? 1 : 97)) {
    EXPECT_THROW(read(text.substr(0, length)), Error) << length;
  }
  EXPECT_NO_THROW(read(text));
}

}  // namespace
}  // namespace mnist
