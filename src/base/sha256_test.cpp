#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace mnist {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Examples of FIPS 180-2, appendix B, and the empty message of NIST's SHA256ShortMsg.rsp.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(bytes_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::vector<std::byte>(1'000'000, std::byte{'a'})),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnThePiecesThatBytesComeIn) {
  std::vector<std::byte> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31);
  for (size_t length : {0UL, 55UL, 56UL, 63UL, 64UL, 65UL, 119UL, 120UL, 128UL, 1000UL}) {
    auto message = std::span<const std::byte>(bytes).first(length);
    for (size_t piece : {1UL, 3UL, 63UL, 64UL, 65UL}) {
      Sha256 hash;
      for (size_t at = 0; at < length; at += piece) {
        hash.update(message.subspan(at, std::min(piece, length - at)));
      }
      EXPECT_EQ(hash.finish(), sha256(message)) << length << " bytes in pieces of " << piece;
    }
  }
}

}  // namespace
}  // namespace mnist
