#include "formats/hdf5/hdf5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <ctime>

#include "base/file.h"
#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

Hdf5Group small_tree() {
  Hdf5Group root;
  root.groups["vars"];
  Hdf5Group& dense = root.groups["layers"].groups["dense"].groups["vars"];
  dense.tensors["0"] = {{2, 3}, {1, 2, 3, -4, 0.1F, 5e-30F}};
  dense.tensors["1"] = {{3}, {7, 8, 9}};
  root.tensors["scalar"] = {{}, {3.5F}};
  return root;
}

void expect_same(const Hdf5Group& a, const Hdf5Group& b) {
  ASSERT_EQ(a.groups.size(), b.groups.size());
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    EXPECT_EQ(tensor.shape, b.tensors.at(name).shape) << name;
    EXPECT_EQ(tensor.values, b.tensors.at(name).values) << name;
  }
  for (const auto& [name, group] : a.groups) expect_same(group, b.groups.at(name));
}

TEST(Hdf5, WhatIsWrittenComesBack) {
  const Hdf5Group tree = small_tree();
  const Bytes bytes = write_hdf5(tree, "x.h5");
  EXPECT_TRUE(is_hdf5(bytes));
  const Hdf5Group read = read_hdf5(bytes, "x.h5");
  expect_same(read, tree);
  EXPECT_EQ(read.tensor("layers/dense/vars/1")->values, (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(read.tensor("layers/dense/vars/2"), nullptr);
  EXPECT_EQ(read.group("layers/other"), nullptr);
  EXPECT_EQ(bytes, write_hdf5(tree, "x.h5"));
}

TEST(Hdf5, SkippedGroupsAreNotLookedAt) {
  const Bytes bytes = write_hdf5(small_tree(), "x.h5");
  EXPECT_EQ(read_hdf5(bytes, "x.h5", {"layers"}).group("layers"), nullptr);
}

TEST(Hdf5, ManyMembersNeedTreesOfSeveralLevels) {
  Hdf5Group root;
  for (int i = 0; i < 2'000; ++i) root.tensors["tensor" + std::to_string(i)] = {{1}, {float(i)}};
  expect_same(read_hdf5(write_hdf5(root, "x.h5"), "x.h5"), root);
}

TEST(Hdf5, LongListsComeInParts) {
  Hdf5Group group;
  group.texts = {{"weight_names0", {"a", "b"}}, {"weight_names1", {"c"}}, {"other", {"d"}}};
  EXPECT_THAT(group.text_list("weight_names"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(group.text_list("other"), ElementsAre("d"));
  EXPECT_THAT(group.text_list("missing"), ElementsAre());
}

TEST(Hdf5, TruncatedAnywhereIsRefused) {
  const Bytes bytes = write_hdf5(small_tree(), "x.h5");
  for (size_t length = 0; length < bytes.size(); ++length) {
    const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THAT(error_of([&] { read_hdf5(part, "x.h5"); }), testing::StartsWith("x.h5: "))
        << length;
  }
}

// Every bit: read, if the bit says nothing, or refused; in time, and by nothing but an Error.
void flip_every_bit(Bytes bytes, size_t step) {
  for (size_t bit = 0; bit < bytes.size() * 8; bit += step) {
    const auto mask = static_cast<std::byte>(1 << (bit % 8));
    bytes[bit / 8] ^= mask;
    const std::clock_t start = std::clock();  // of this process alone
    try {
      read_hdf5(bytes, "x.h5");
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 0.1) << "bit " << bit;
    bytes[bit / 8] ^= mask;
  }
}

TEST(Hdf5, EveryBitFlippedIsReadOrRefused) { flip_every_bit(write_hdf5(small_tree(), "x.h5"), 1); }

TEST(Hdf5, FlippedBitsOfAFileOfKerasAreReadOrRefused) {
  const auto path = outside_file("MNIST_ZOO_DIR", "keras_h5/adilbaaj.h5");
  if (!path) GTEST_SKIP() << "MNIST_ZOO_DIR is not set";
  const char* step = std::getenv("MNIST_HDF5_FLIP_STEP");
  flip_every_bit(read_file(*path), step == nullptr ? 101 : std::strtoul(step, nullptr, 10));
}

// A number of the file replaced.
template <typename T>
std::string refusal_with(Bytes bytes, size_t position, T value) {
  std::memcpy(&bytes.at(position), &value, sizeof(value));
  return error_of([&] { read_hdf5(bytes, "x.h5"); });
}

TEST(Hdf5, MistakesAreNamed) {
  const Bytes bytes = write_hdf5(small_tree(), "x.h5");
  EXPECT_THAT(refusal_with<uint8_t>(bytes, 0, 'x'), HasSubstr("x.h5: an HDF5 file expected"));
  EXPECT_THAT(refusal_with<uint8_t>(bytes, 8, 2), HasSubstr("superblock of version 0 expected"));
  EXPECT_THAT(refusal_with<uint64_t>(bytes, 40, 1 << 20), HasSubstr("should end at byte 1048576"));
  EXPECT_THAT(refusal_with<uint64_t>(bytes, 64, ~uint64_t{0} - 4), HasSubstr("object header"));
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_THAT(error_of([&] { read_hdf5(longer, "x.h5"); }), HasSubstr("it has"));
}

}  // namespace
}  // namespace mnist
