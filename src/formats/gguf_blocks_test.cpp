#include "formats/gguf_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>

#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

std::vector<std::byte> from_hex(std::string_view digits) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(&digits[i], &digits[i] + 2, value, 16);
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

// Two blocks of random numbers as the Python package gguf 0.19.0 quantises them, and values 0, 1,
// 15, 16, 31, 32, 47, 63 as it reads them.
struct Case {
  GgufTensorType type;
  const char* blocks;
  std::vector<float> values;
};
const Case kCases[] = {
    {GgufTensorType::kQ4_0,
     "51a9739e678989497d998a703799996aab993e3c9aba785aa0ab7563991aa79538885caa",
     {0.207672119140625F, -0.24920654296875F, -0.041534423828125F, 0.041534423828125F,
      -0.041534423828125F, 2.12109375F, 2.12109375F, 2.12109375F}},
    {GgufTensorType::kQ4_1,
     "8e26e8b2f0b5bbdda0665a56ef346a749eb84722ba3bd6c6176b599806b8a63a45577799d86f9c8c",
     {-0.2158203125F, -0.087799072265625F, -0.16461181640625F, 0.168243408203125F,
      -0.16461181640625F, -0.0751953125F, 4.75390625F, 0.890625F}},
    {GgufTensorType::kQ5_0,
     "e2a3389b27f6458b97d7a105e6fcf2a33df5563d502287b64681c5541aa3410a9b040f3af4bf4ad8084f5482",
     {0.1693572998046875F, 0.0769805908203125F, -0.030792236328125F, -0.06158447265625F,
      -0.030792236328125F, 2.44775390625F, -0.81591796875F, 3.263671875F}},
    {GgufTensorType::kQ5_1,
     "3a22d8b2f0a7d7ab1cba1cb853da03270f04b30f040883b79336dac521308c54e8a0bf0d7782ebf1dcfd2fe5f3a4"
     "46f9",
     {-0.06793212890625F, -0.092254638671875F, 0.0658416748046875F, -0.0071258544921875F,
      0.1144866943359375F, 4.009765625F, -2.153564453125F, 0.311767578125F}},
    {GgufTensorType::kQ8_0,
     "21162ab176f802c2cf2642325130023828f9315610e8307ff2faf752851850ca6324c72ae10ca9e068cd69fb3802"
     "81e00bbfb415dba0d931e5355702c0b6ff320f1fe711",
     {0.06284523010253906F, -0.1182088851928711F, -0.010474205017089844F, 0.0733194351196289F,
      0.053867340087890625F, -1.641387939453125F, 1.111907958984375F, 0.900115966796875F}},
};

TEST(GgufBlocks, AreReadAsGgmlReadsThem) {
  for (const Case& each : kCases) {
    const std::vector<std::byte> blocks = from_hex(each.blocks);
    ASSERT_EQ(blocks.size(), 2 * gguf_block_bytes(each.type));
    const std::vector<float> values = values_from_blocks(each.type, blocks);
    ASSERT_EQ(values.size(), 64U);
    std::vector<float> some;
    for (size_t i : {0, 1, 15, 16, 31, 32, 47, 63}) some.push_back(values[i]);
    EXPECT_THAT(some, ElementsAreArray(each.values)) << static_cast<int>(each.type);
  }
  EXPECT_EQ(gguf_block_bytes(GgufTensorType::kF16), 0U);
}

TEST(GgufBlocks, AreRoundedAsGgmlDoes) {
  std::vector<float> values;
  for (int i = 0; i < 64; ++i) {
    const float value = (static_cast<float>(i * 37 % 64) - 31.5F) * 0.0123F;
    values.push_back(i < 32 ? value : value * -200.0F);
  }
  EXPECT_EQ(q8_0_blocks(values),
            from_hex("3f1a8116a93ed267fa8d22b54bde7306992ec257ea7f12a53ace63f6891eb147da6fba38fe6ed"
                     "445ab1b81f162c8389e0f7fe555bb2c920273d849af1f85f666cc3ca213"));
}

TEST(GgufBlocks, ExtremesOfTheScale) {
  std::vector<float> values(32, 0.0F);
  EXPECT_EQ(values_from_blocks(GgufTensorType::kQ8_0, q8_0_blocks(values)), values);
  values[3] = 1e-45F;
  EXPECT_EQ(values_from_blocks(GgufTensorType::kQ8_0, q8_0_blocks(values))[3], 0.0F);
  values[3] = 65'504.0F * 127.0F;
  EXPECT_EQ(values_from_blocks(GgufTensorType::kQ8_0, q8_0_blocks(values))[3], values[3]);
  values[3] = -1e7F;
  EXPECT_THAT(error_of([&] { q8_0_blocks(values); }), HasSubstr("does not fit q8_0"));
}

}  // namespace
}  // namespace mnist
