#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/zip.h"
#include "formats/format_list.h"
#include "formats/recognise.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Bytes = std::vector<std::byte>;
using Files = std::vector<std::pair<std::string, std::string>>;

std::string npy(const std::string& type, const std::string& shape, const std::string& content,
                const std::string& order = "False") {
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': ({}), }}", type, order, shape);
  text.resize((10 + text.size() + 64) / 64 * 64 - 10, ' ');
  text.back() = '\n';
  std::string result("\x93NUMPY\x01\x00", 8);
  result += static_cast<char>(text.size() & 0xff);
  result += static_cast<char>(text.size() >> 8);
  return result + text + content;
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

Bytes npz(const Files& files) {
  MemorySink sink;
  ZipWriter zip(sink);
  for (const auto& [name, content] : files) zip.add(name, content);
  zip.finish();
  return sink.bytes;
}

LooseWeights weights(const Bytes& bytes) {
  return std::get<LooseWeights>(format_by_name("npz").read({"x", bytes, nullptr}));
}

std::string refusal(const Files& files) {
  return error_of([&] { weights(npz(files)); });
}

TEST(NpzModel, ArraysInTheirOrder) {
  const Bytes bytes = npz({{"W1.npy", npy("<f4", "2, 3", floats({1, 2, 3, 4, 5, 6}))},
                           {"b1.npy", npy("<f4", "3,", floats({7, 8, 9}))},
                           {"step.npy", npy("<i8", "", std::string(8, '\1'))}});
  EXPECT_TRUE(format_by_name("npz").recognises(bytes));
  const LooseWeights read = weights(bytes);
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.tensors[0].first, "W1");
  EXPECT_EQ(read.tensors[0].second.shape, (Shape{2, 3}));
  EXPECT_EQ(read.tensors[1].second.values, (std::vector<float>{7, 8, 9}));
}

TEST(NpzModel, FortransOrderAndOtherWidths) {
  const std::vector<double> wide = {0.5, -2.0};
  const std::string content(reinterpret_cast<const char*>(wide.data()), 16);
  const LooseWeights read =
      weights(npz({{"a.npy", npy("<f4", "2, 3", floats({1, 4, 2, 5, 3, 6}), "True")},
                   {"b.npy", npy("<f8", "2,", content)},
                   {"c.npy", npy("<f2", "1,", std::string("\x00\x3e", 2))}}));
  EXPECT_EQ(read.tensors[0].second.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read.tensors[1].second.values, (std::vector<float>{0.5F, -2.0F}));
  EXPECT_EQ(read.tensors[2].second.values, (std::vector<float>{1.5F}));
}

TEST(NpzModel, ANetworkOfNumPysKind) {
  const std::vector<float> first(784 * 30, 0.5F);
  const std::vector<float> second(300, 0.25F);
  const Bytes bytes = npz({{"arr_0.npy", npy("<f4", "784, 30", floats(first))},
                           {"arr_1.npy", npy("<f4", "1, 30", floats(std::vector<float>(30)))},
                           {"arr_2.npy", npy("<f4", "30, 10", floats(second))},
                           {"arr_3.npy", npy("<f4", "1, 10", floats(std::vector<float>(10)))}});
  const Candidates found = [&] {
    const auto path = std::filesystem::path(testing::TempDir()) / "mnist_npz_model.npz";
    write_file(path, [&](Sink& sink) { sink.write(bytes); });
    return load_candidates(path);
  }();
  EXPECT_EQ(found.models[0].metadata.at(kRecognisedKey), "FC30-relu-FC10");
}

TEST(NpzModel, WhatIsNotWeightsIsRefused) {
  EXPECT_THAT(refusal({{"x_train.npy", npy("|u1", "2, 28, 28", std::string(1568, 'x'))}}),
              HasSubstr("x: array 'x_train': type '|u1': floats expected; a data set?"));
  EXPECT_THAT(refusal({{"a.npy", npy("|O", "9,", std::string(100, 'x'))}}),
              HasSubstr("type '|O': floats expected"));
  EXPECT_THAT(refusal({{"a.npy", npy(">f4", "3,", floats({1, 2, 3}))}}), HasSubstr("type '>f4'"));
  EXPECT_THAT(refusal({{"a.txt", "hello"}}), HasSubstr("no arrays of floats"));
  EXPECT_THAT(refusal({{"a.npy", npy("<f4", "3,", floats({1, 2}))}}),
              HasSubstr("x: array 'a': (3) of type <f4 needs 12 bytes, it has 8"));
  EXPECT_THAT(refusal({{"a.npy", npy("<f4", "4294967296, 4294967296", floats({1}))}}),
              HasSubstr("x: array 'a': shape (4294967296,4294967296): more than 2^31"));
  EXPECT_THAT(refusal({{"a.npy", npy("<f4", "18446744073709551615,", floats({1}))}}),
              HasSubstr("more than 2^31"));
  EXPECT_THAT(refusal({{"a.npy", "PICKLE"}}), HasSubstr("not a NumPy array"));
}

TEST(NpzModel, EveryTruncationAndEveryFlippedBit) {
  const Bytes good = npz({{"W.npy", npy("<f4", "2, 1", floats({1, 2}))}});
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(weights({good.begin(), good.begin() + static_cast<ptrdiff_t>(length)}), Error);
  }
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    try {
      EXPECT_EQ(weights(bytes).tensors[0].second.values, (std::vector<float>{1, 2}));
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StartsWith("x: "));
    }
  }
}

}  // namespace
}  // namespace mnist
