// Errors, bytes, random numbers and threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "base/bytes.h"
#include "base/random.h"
#include "base/simd.h"
#include "base/text.h"
#include "base/threads.h"
#include "mnist/error.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Printable, KeepsTextAndEscapesTheRest) {
  EXPECT_EQ(printable("größe 3×4", 100), "größe 3×4");
  EXPECT_EQ(printable("a\nb\x1b[31m", 100), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(printable("\xff\xc0\x80", 100), "\\xff\\xc0\\x80");
  EXPECT_EQ(printable("\xe2\x80\xae", 100), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(std::string(Error("x\ny").what()), "x\\x0ay");
}

TEST(NearestWord, FindsTypingErrorsOnly) {
  EXPECT_EQ(nearest_word("mnits-cnn", {"mnist-fc", "mnist-cnn"}), "mnist-cnn");
  EXPECT_EQ(nearest_word("zebra", {"mnist-fc", "mnist-cnn"}), "");
}

TEST(Grouped, HasACommaEveryThreeDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(Checked, ProductsAndSumsThatDoNotFitAreNothing) {
  EXPECT_EQ(checked_multiply(3, 4), 12U);
  EXPECT_EQ(checked_multiply(uint64_t{1} << 32, uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(checked_add(UINT64_MAX, 1), std::nullopt);
}

TEST(ByteReader, ReadsNumbersAndStopsAtTheEnd) {
  const uint8_t raw[] = {1, 2, 3, 4, 5};
  ByteReader reader(std::as_bytes(std::span(raw)), "file");
  EXPECT_EQ(reader.big<uint16_t>("a"), 0x0102);
  EXPECT_EQ(reader.little<uint16_t>("b"), 0x0403);
  EXPECT_THAT([&] { reader.little<uint32_t>("width"); },
              ThrowsMessage<Error>(HasSubstr("file: width: 4 bytes expected at byte 4, 1 left")));
  EXPECT_THAT([&] { reader.take(UINT64_MAX, "all"); }, ThrowsMessage<Error>(HasSubstr("all")));
  EXPECT_THAT([&] { reader.seek(6, "table"); }, ThrowsMessage<Error>(HasSubstr("table")));
}

TEST(Random, IsAFunctionOfKeyAndCounter) {
  Random one(random_key(1, RandomUse::kShuffle, 2, 3));
  Random same(random_key(1, RandomUse::kShuffle, 2, 3));
  Random other(random_key(1, RandomUse::kDropout, 2, 3));
  EXPECT_EQ(one.bits(), same.bits());
  EXPECT_NE(one.bits(), other.bits());
  EXPECT_NE(random_key(1, RandomUse::kShuffle, 2, 3), random_key(1, RandomUse::kShuffle, 3, 2));
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(5);
  constexpr int kCount = 100'000;
  double uniform = 0.0;
  double normal = 0.0;
  double squares = 0.0;
  for (int i = 0; i < kCount; ++i) {
    const double u = random.uniform();
    EXPECT_TRUE(u >= 0.0 && u < 1.0);
    uniform += u;
    const double n = random.normal();
    normal += n;
    squares += n * n;
  }
  EXPECT_NEAR(uniform / kCount, 0.5, 0.005);
  EXPECT_NEAR(normal / kCount, 0.0, 0.015);
  EXPECT_NEAR(squares / kCount, 1.0, 0.02);
}

TEST(Random, PermutationHoldsEveryNumberOnce) {
  const std::vector<uint32_t> order = random_permutation(1000, 3);
  EXPECT_EQ(std::set<uint32_t>(order.begin(), order.end()).size(), 1000U);
  EXPECT_NE(order, random_permutation(1000, 4));
}

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (size_t count : {1, 2, 5}) {
    ThreadPool threads(count);
    EXPECT_EQ(threads.threads(), count);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> done(37);
      threads.run(done.size(), [&](size_t index, size_t thread) {
        EXPECT_LT(thread, count);
        ++done[index];
      });
      for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
    }
  }
}

TEST(Simd, EveryChoiceCanBeTaken) {
  for (const std::string& name : simd_choices()) {
    choose_simd(name);
    EXPECT_EQ(simd_name(), name);
    EXPECT_TRUE(simd_lanes() == 4 || simd_lanes() == 8 || simd_lanes() == 16);
  }
  choose_simd("");
  EXPECT_EQ(simd_name(), simd_choices().front());
  EXPECT_THAT([] { choose_simd("MMX"); }, ThrowsMessage<Error>(HasSubstr("this processor has")));
}

TEST(Bytes, FloatsAreReadWhereverTheyLie) {
  std::vector<float> values(100'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.37F;
  const auto bytes = std::as_bytes(std::span(values));
  EXPECT_EQ(floats_from(bytes), values);
  std::vector<std::byte> shifted(1);
  shifted.insert(shifted.end(), bytes.begin(), bytes.end());
  EXPECT_EQ(floats_from(std::span<const std::byte>(shifted).subspan(1)), values);
  EXPECT_TRUE(floats_from({}).empty());
}

}  // namespace
}  // namespace mnist
