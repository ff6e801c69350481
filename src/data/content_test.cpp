#include "data/content.h"

#include <gmock/gmock.h>

#include "data/testing.h"

namespace mnist {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using testing::gzipped;
using ::testing::HasSubstr;
using testing::save;
using testing::TemporaryFolder;
using testing::operator+;

// All of the content, taken in pieces of `piece` bytes, and nothing behind it.
Bytes read_all(const std::filesystem::path& path, size_t piece = 1 << 20) {
  ContentReader reader(path);
  Bytes content;
  Bytes buffer(piece);
  while (size_t length = reader.read(buffer)) {
    content.insert(content.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(length));
  }
  reader.finish();
  EXPECT_EQ(reader.position(), content.size());
  return content;
}

Bytes patterned(size_t length) {
  Bytes bytes(length);
  for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i * i >> 7);
  return bytes;
}

TEST(ContentReader, GivesTheSameContentPlainAndGzipped) {
  TemporaryFolder folder;
  for (size_t length : {0UL, 1UL, 2UL, 3UL, 65535UL, 65536UL, 65537UL, 300'000UL}) {
    Bytes content = patterned(length);
    auto plain = save(folder / "plain", content);
    auto packed = save(folder / "packed", gzipped(content));
    for (size_t piece : {size_t{1 << 20}, size_t{1000}}) {
      EXPECT_EQ(read_all(plain, piece), content) << length;
      EXPECT_EQ(read_all(packed, piece), content) << length;
    }
  }
}

TEST(ContentReader, BoundsWhatCanFollow) {
  TemporaryFolder folder;
  ContentReader plain(save(folder / "plain", Bytes(1000)));
  EXPECT_EQ(plain.most_remaining(), 1000u);
  plain.skip(400, "start");
  EXPECT_EQ(plain.most_remaining(), 600u);
  Bytes packed = gzipped(Bytes(1000));
  ContentReader reader(save(folder / "packed", packed));
  EXPECT_GE(reader.most_remaining(), 1000u);
  EXPECT_LE(reader.most_remaining(), packed.size() * kMostDeflateRatio);
}

TEST(ContentReader, NamesWhatIsMissing) {
  TemporaryFolder folder;
  ContentReader reader(save(folder / "short", Bytes(10)));
  Bytes out(12);
  EXPECT_THAT(error_of([&] { reader.take(out, "pixels"); }),
              HasSubstr("short: pixels: 12 bytes expected at byte 0, 10 left"));
}

TEST(ContentReader, RefusesGzipThatIsCutAtAnyLength) {
  TemporaryFolder folder;
  Bytes packed = gzipped(patterned(500));
  for (size_t length = 2; length < packed.size(); ++length) {
    auto path = save(folder / "cut",
                     Bytes(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(length)));
    EXPECT_THAT(error_of([&] { read_all(path); }), HasSubstr("cut: gzip data")) << length;
  }
}

TEST(ContentReader, NeverGivesOtherContentForAWrongBit) {
  TemporaryFolder folder;
  const Bytes content = patterned(100);
  const Bytes packed = gzipped(content);
  size_t refused = 0;
  for (size_t i = 0; i < packed.size() * 8; ++i) {
    Bytes damaged = packed;
    damaged[i / 8] ^= std::byte(1 << i % 8);
    auto path = save(folder / "damaged", damaged);
    try {
      // The header's time, and codes that no symbol uses, may change without harm. A file that does
      // not start like gzip any more is a plain one.
      Bytes got = read_all(path);
      EXPECT_TRUE(got == content || i < 16) << i;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("damaged: "));
      ++refused;
    }
  }
  EXPECT_GT(refused, packed.size() * 7);
}

TEST(ContentReader, RefusesWhatFollowsTheGzipData) {
  TemporaryFolder folder;
  Bytes packed = gzipped(patterned(500));
  auto two = save(folder / "two", packed + packed);
  EXPECT_THAT(error_of([&] { read_all(two); }), HasSubstr("second gzip member"));
  auto more = save(folder / "more", packed + Bytes(1));
  EXPECT_THAT(error_of([&] { read_all(more); }), HasSubstr("something follows the gzip data"));
}

TEST(ContentReader, SaysWhatCannotBeOpened) {
  TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { ContentReader reader(folder / "none"); }),
              HasSubstr("none: cannot be opened: No such file"));
  EXPECT_THAT(error_of([&] { ContentReader reader(folder.path()); }), HasSubstr("directory"));
}

}  // namespace
}  // namespace mnist
