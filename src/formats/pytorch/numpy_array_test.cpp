#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/format_list.h"
#include "formats/pytorch/test_pickle.h"
#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::HasSubstr;

LooseWeights weights(const Bytes& bytes) {
  return std::get<LooseWeights>(format_by_name("pytorch").read({"x", bytes, nullptr}));
}

std::string refusal(const std::string& object) {
  return error_of([&] { weights(bytes_of(pickled(object))); });
}

std::string bytes_op(const std::string& bytes) {
  return std::string("B") + little(bytes.size(), 4) + bytes;
}

std::string type_op(const std::string& name, const std::string& order = "<") {
  return call_op("numpy", "dtype", {text_op(name), "\x89", "\x88"}) +
         tuple_op({"K\x03", text_op(order), "N"}) + "b";
}

// An array as NumPy pickles it: made empty, and then given its state.
std::string array_op(const std::vector<int64_t>& shape, const std::string& type,
                     const std::string& content, bool columns_first = false) {
  return call_op("numpy.core.multiarray", "_reconstruct",
                 {global_op("numpy", "ndarray"), integers_op({0}), bytes_op("b")}) +
         tuple_op({"K\x01", integers_op(shape), type, columns_first ? "\x88" : "\x89", content}) +
         "b";
}

const std::string kSix = bytes_op(floats({0, 1, 2, 3, 4, 5}));

void expect_six(const std::string& object, const std::vector<float>& values) {
  const LooseWeights read = weights(bytes_of(pickled(dict_op({{"W1", object}}))));
  ASSERT_EQ(read.tensors.size(), 1U);
  EXPECT_EQ(read.tensors[0].first, "W1");
  EXPECT_EQ(read.tensors[0].second.shape, (Shape{2, 3}));
  EXPECT_EQ(read.tensors[0].second.values, values);
}

TEST(NumpyArray, APickleOfArraysIsWeights) {
  expect_six(array_op({2, 3}, type_op("f4"), kSix), {0, 1, 2, 3, 4, 5});
  expect_six(array_op({2, 3}, type_op("f4"), kSix, true), {0, 2, 4, 1, 3, 5});
  // As protocol 5 has it.
  expect_six(call_op("numpy._core.numeric", "_frombuffer",
                     {kSix, type_op("f4"), integers_op({2, 3}), text_op("C")}),
             {0, 1, 2, 3, 4, 5});
}

TEST(NumpyArray, BytesAsTextAreDecoded) {
  // -2.0 is 00 00 00 c0, whose last byte is two in UTF-8.
  const std::string text = text_op(std::string("\0\0\0\xc3\x80", 5));
  const std::string object =
      array_op({1}, type_op("f4"), call_op("_codecs", "encode", {text, text_op("latin1")}));
  EXPECT_EQ(weights(bytes_of(pickled(dict_op({{"b", object}})))).tensors[0].second.values,
            std::vector<float>{-2});
  const std::string wrong = call_op("_codecs", "encode", {text_op("\xe2\x82\xac")});
  EXPECT_THAT(refusal(wrong), HasSubstr("_codecs.encode of a text that is no bytes"));
}

TEST(NumpyArray, ListsAndArraysOfArrays) {
  const std::string array = array_op({2, 3}, type_op("f4"), kSix);
  const auto names = [](const std::string& object) {
    std::vector<std::string> result;
    for (const auto& [name, tensor] : weights(bytes_of(pickled(object))).tensors) {
      result.push_back(name);
    }
    return result;
  };
  const std::string list = std::string("](") + array + array + "e";
  EXPECT_EQ(names(list), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(names(dict_op({{"w", array_op({2}, type_op("O8", "|"), list)}})),
            (std::vector<std::string>{"w.0", "w.1"}));
}

TEST(NumpyArray, WhatDoesNotHoldTogetherIsRefused) {
  const auto refused = [](const std::string& array) { return refusal(dict_op({{"w", array}})); };
  EXPECT_THAT(refused(array_op({2, 4}, type_op("f4"), kSix)),
              HasSubstr("x: tensor 'w': shape (2,4) needs 32 bytes, it has 24"));
  EXPECT_THAT(refused(array_op({2, 3}, type_op("f4", ">"), kSix)), HasSubstr("big-endian"));
  EXPECT_THAT(refused(array_op({-2, 3}, type_op("f4"), kSix)), HasSubstr("x: tensor 'w'"));
  EXPECT_THAT(refused(array_op({INT64_MAX, 3}, type_op("f4"), kSix)), HasSubstr("x: tensor 'w'"));
  EXPECT_THAT(refused(array_op({2, 3}, type_op("i4"), kSix)), HasSubstr("no weights"));
  // What is there beside them is not called.
  EXPECT_THAT(refused(call_op("os", "system", {text_op("x")})), HasSubstr("'os.system'"));
}

TEST(NumpyArray, AnOptimisersStateIsNamed) {
  EXPECT_THAT(error_of([] {
                weights(zip_file(dict_op({{"state", "}"}, {"param_groups", "]"}}), {}));
              }),
              HasSubstr("an optimiser's state without the weights"));
}

}  // namespace
}  // namespace mnist
