#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mnist {
namespace {

// The value that IEEE 754 gives the bits, by its definition.
double f16_by_definition(uint32_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = static_cast<int>((bits >> 10) & 0x1f);
  const double fraction = bits & 0x3ff;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Half, AllF16ValuesAreExactBothWays) {
  for (uint32_t bits = 0; bits < 65'536; ++bits) {
    const float value = float_from_f16(static_cast<uint16_t>(bits));
    const double expected = f16_by_definition(bits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_EQ(f16_from_float(value), bits | 0x200) << bits;  // made quiet, payload kept
      continue;
    }
    EXPECT_EQ(static_cast<double>(value), expected) << bits;
    EXPECT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
    EXPECT_EQ(f16_from_float(value), bits) << bits;
  }
}

TEST(Half, AllBf16ValuesAreExactBothWays) {
  for (uint32_t bits = 0; bits < 65'536; ++bits) {
    const float value = float_from_bf16(static_cast<uint16_t>(bits));
    EXPECT_EQ(std::bit_cast<uint32_t>(value), bits << 16);
    EXPECT_EQ(bf16_from_float(value), std::isnan(value) ? bits | 0x40 : bits) << bits;
  }
}

// Between two neighbours a value goes to the nearer one, and from the middle to the even one.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = float_from_f16(static_cast<uint16_t>(bits));
    const float high = float_from_f16(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2;  // exact: it has one bit more
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    EXPECT_EQ(f16_from_float(middle), even) << bits;
    EXPECT_EQ(f16_from_float(std::nextafter(middle, low)), bits) << bits;
    EXPECT_EQ(f16_from_float(std::nextafter(middle, high)), bits + 1) << bits;
    EXPECT_EQ(f16_from_float(-middle), even | 0x8000) << bits;
  }
  for (uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    const float middle = std::bit_cast<float>((bits << 16) | 0x8000);
    EXPECT_EQ(bf16_from_float(middle), bits % 2 == 0 ? bits : bits + 1) << bits;
    EXPECT_EQ(bf16_from_float(std::nextafter(middle, 0.0F)), bits) << bits;
    EXPECT_EQ(bf16_from_float(std::nextafter(middle, INFINITY)), bits + 1) << bits;
  }
}

TEST(Half, OverflowsToInfinity) {
  EXPECT_EQ(f16_from_float(65'504.0F), 0x7bff);
  EXPECT_EQ(f16_from_float(65'519.996F), 0x7bff);
  EXPECT_EQ(f16_from_float(65'520.0F), 0x7c00);
  EXPECT_EQ(f16_from_float(-1e30F), 0xfc00);
  EXPECT_EQ(f16_from_float(1e-30F), 0);
  EXPECT_EQ(bf16_from_float(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(bf16_from_float(-INFINITY), 0xff80);
}

}  // namespace
}  // namespace mnist
