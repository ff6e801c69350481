#include "formats/adaptive_window.h"

#include <gtest/gtest.h>

namespace mnist {
namespace {

TEST(AdaptiveWindow, WhereAllWindowsAreAlike) {
  const auto expect = [](int64_t extent, int64_t wanted, int64_t size, int64_t stride) {
    const auto window = adaptive_window(extent, wanted);
    ASSERT_TRUE(window) << extent << " to " << wanted;
    EXPECT_EQ(window->size, size);
    EXPECT_EQ(window->stride, stride);
  };
  expect(14, 7, 2, 2);
  expect(7, 7, 1, 1);
  expect(7, 1, 7, 7);
  expect(7, 3, 3, 2);                   // windows that overlap
  EXPECT_FALSE(adaptive_window(7, 4));  // they begin at 0, 1, 3 and 5
  EXPECT_FALSE(adaptive_window(7, 5));
  EXPECT_FALSE(adaptive_window(3, 7));
  EXPECT_FALSE(adaptive_window(7, 0));
  EXPECT_FALSE(adaptive_window(INT64_MAX, INT64_MAX));
}

}  // namespace
}  // namespace mnist
