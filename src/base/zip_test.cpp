#include "base/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <concepts>
#include <cstring>

#include "mnist/error.h"

namespace mnist {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes archive_of(const std::vector<std::pair<std::string, std::string>>& files,
                 size_t alignment = 1) {
  MemorySink sink;
  ZipWriter zip(sink, alignment);
  for (const auto& [name, content] : files) zip.add(name, content);
  zip.finish();
  return sink.bytes;
}

Bytes small_archive() { return archive_of({{"a/one", "first"}, {"a/two", "second content"}}); }

std::string error_of(const Bytes& bytes) {
  try {
    const ZipArchive archive(bytes, "x.zip");
    for (const ZipEntry& entry : archive.entries()) archive.content(entry);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <typename T>
void put(Bytes& bytes, size_t at, T value) {
  std::memcpy(&bytes.at(at), &value, sizeof(value));
}

template <std::integral T>
void append(Bytes& bytes, T value) {
  bytes.resize(bytes.size() + sizeof(T));
  put(bytes, bytes.size() - sizeof(T), value);
}

void append(Bytes& bytes, std::string_view text) {
  const Bytes more = bytes_of(text);
  bytes.insert(bytes.end(), more.begin(), more.end());
}

size_t find(const Bytes& bytes, std::string_view text, size_t from = 0) {
  const size_t at = text_of(bytes).find(text, from);
  EXPECT_NE(at, std::string::npos) << text;
  return at;
}

TEST(Zip, WhatIsWrittenIsRead) {
  const Bytes bytes =
      archive_of({{"a/one", "first"}, {"a/two", ""}, {"b", std::string(70'000, 'x')}});
  const ZipArchive archive(bytes, "x.zip");
  ASSERT_EQ(archive.entries().size(), 3U);
  EXPECT_EQ(text_of(archive.plain(*archive.find("a/one"))), "first");
  EXPECT_EQ(archive.content(*archive.find("a/two")).size(), 0U);
  EXPECT_EQ(archive.content(*archive.find("b")).size(), 70'000U);
  EXPECT_EQ(archive.find("a"), nullptr);
}

TEST(Zip, ContentIsAligned) {
  for (size_t length = 0; length < 70; ++length) {
    const Bytes bytes = archive_of({{std::string(length + 1, 'n'), "one"}, {"b", "two"}}, 64);
    const ZipArchive archive(bytes, "x.zip");
    for (const ZipEntry& entry : archive.entries()) {
      EXPECT_EQ((entry.stored.data() - bytes.data()) % 64, 0) << length;
    }
  }
}

// One deflated entry, described behind its content or in front of it.
Bytes deflated_archive(const std::string& content, uint32_t size, bool described_later) {
  Bytes packed(compressBound(content.size()) + 64);
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  const auto crc = static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  const auto packed_size = static_cast<uint32_t>(packed.size());
  const uint16_t flags = described_later ? 8 : 0;

  Bytes bytes = bytes_of({"PK\3\4\x14\0", 6});
  append(bytes, flags);
  append(bytes, uint16_t{8});
  append(bytes, uint32_t{0});
  for (uint32_t value : {crc, packed_size, size}) append(bytes, described_later ? 0 : value);
  append(bytes, uint32_t{1});
  append(bytes, "n");
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  if (described_later) {
    append(bytes, "PK\7\x08");
    for (uint32_t value : {crc, packed_size, size}) append(bytes, value);
  }
  const auto directory = static_cast<uint32_t>(bytes.size());
  append(bytes, std::string_view("PK\1\2\x14\0\x14\0", 8));
  append(bytes, flags);
  append(bytes, uint16_t{8});
  append(bytes, uint32_t{0});
  for (uint32_t value : {crc, packed_size, size}) append(bytes, value);
  append(bytes, uint16_t{1});
  bytes.resize(bytes.size() + 12);
  append(bytes, uint32_t{0});
  append(bytes, "n");
  const auto end = static_cast<uint32_t>(bytes.size());
  append(bytes, std::string_view("PK\5\6\0\0\0\0\1\0\1\0", 12));
  append(bytes, end - directory);
  append(bytes, directory);
  append(bytes, uint16_t{0});
  return bytes;
}

TEST(Zip, DeflatedEntriesAreInflated) {
  const std::string content(100'000, 'z');
  for (bool described_later : {false, true}) {
    const Bytes bytes = deflated_archive(content, 100'000, described_later);
    const ZipArchive archive(bytes, "x.zip");
    EXPECT_EQ(text_of(archive.content(archive.entries()[0])), content);
    EXPECT_THROW(archive.plain(archive.entries()[0]), Error);
  }
}

TEST(Zip, DeflatedEntriesThatLieAboutTheirSizeAreRefused) {
  const std::string content(1'000, 'z');
  EXPECT_THAT(error_of(deflated_archive(content, 999, false)), HasSubstr("entry 'n' is damaged"));
  EXPECT_THAT(error_of(deflated_archive(content, 1'001, true)), HasSubstr("entry 'n' is damaged"));
  EXPECT_THAT(error_of(deflated_archive(content, 1 << 30, false)), HasSubstr("cannot hold"));
}

TEST(Zip, ArchivesThatWouldInflateWithoutEndAreRefusedAtOnce) {
  const std::string zeros(size_t{20} << 20, '\0');
  EXPECT_THAT(error_of(deflated_archive(zeros, 20 << 20, false)),
              HasSubstr("entry 'n': 20971520 bytes inflated, far more than the archive's"));
  std::string varied(size_t{2} << 20, '\0');
  for (size_t i = 0; i < varied.size(); i += 16) varied[i] = static_cast<char>(i >> 4);
  EXPECT_EQ(error_of(deflated_archive(varied, 2 << 20, false)), "");
}

TEST(Zip, HeadersThatDisagreeAreRefused) {
  const Bytes good = small_archive();
  const size_t second = find(good, "PK\3\4", 4);
  const size_t directory = find(good, "PK\1\2");
  // Flags, method, CRC, sizes and name of the second entry.
  for (size_t at : {6U, 8U, 14U, 18U, 22U, 30U}) {
    Bytes bytes = good;
    bytes[second + at] ^= std::byte{1};
    EXPECT_NE(error_of(bytes), "") << at;
  }
  Bytes bytes = good;
  bytes[second + 31] = std::byte{'x'};
  EXPECT_THAT(error_of(bytes), HasSubstr("'a/two' and its line in the directory differ"));
  bytes = good;
  put(bytes, directory + 8, uint16_t{1});  // encrypted
  put(bytes, 6, uint16_t{1});
  EXPECT_THAT(error_of(bytes), HasSubstr("encrypted entries are not supported"));
  bytes = good;
  put(bytes, directory + 10, uint16_t{12});
  put(bytes, 8, uint16_t{12});
  EXPECT_THAT(error_of(bytes), HasSubstr("compression method 12 is not supported"));
}

TEST(Zip, ContentIsCheckedAgainstItsCrc) {
  Bytes bytes = small_archive();
  bytes[find(bytes, "first")] ^= std::byte{1};
  EXPECT_THAT(error_of(bytes), HasSubstr("x.zip: entry 'a/one' is damaged: its CRC does not fit"));
}

TEST(Zip, NothingHidesBesideTheEntries) {
  const Bytes good = small_archive();
  Bytes bytes = good;
  bytes.insert(bytes.begin(), 4, std::byte{0});
  EXPECT_THAT(error_of(bytes), HasSubstr("x.zip: the zip directory is not where its end says"));
  bytes = good;
  bytes.push_back(std::byte{0});
  EXPECT_THAT(error_of(bytes), HasSubstr("does not end as a zip archive"));
  // A hole before the directory.
  bytes = good;
  const size_t directory = find(bytes, "PK\1\2");
  bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(directory), std::byte{0});
  put(bytes, bytes.size() - 6, static_cast<uint32_t>(directory + 1));
  EXPECT_THAT(error_of(bytes), HasSubstr("bytes that belong to no zip entry"));
  // A comment.
  bytes = good;
  put(bytes, bytes.size() - 2, uint16_t{1});
  EXPECT_NE(error_of(bytes), "");
}

TEST(Zip, NamesThatMeanOtherPlacesAreRefused) {
  for (const char* name : {"/a", "../a", "a/../b", "a//b", "./a", "a\\b", ""}) {
    EXPECT_THAT(error_of(archive_of({{name, "x"}})), HasSubstr("is not accepted")) << name;
  }
  EXPECT_THAT(error_of(archive_of({{"a", "x"}, {"a", "y"}})),
              HasSubstr("two entries are called 'a'"));
}

TEST(Zip, CountsThatCannotBeAreRefusedAtOnce) {
  Bytes bytes = small_archive();
  for (size_t at : {bytes.size() - 14, bytes.size() - 12}) put(bytes, at, uint16_t{65'535});
  EXPECT_THAT(error_of(bytes), HasSubstr("65535 entries do not fit"));
}

TEST(Zip, EveryTruncationAndEveryFlippedBitIsRefusedOrHarmless) {
  const Bytes good = small_archive();
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(error_of({good.begin(), good.begin() + static_cast<ptrdiff_t>(length)}), "")
        << length;
  }
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    if (!error_of(bytes).empty()) continue;
    const ZipArchive archive(bytes, "x.zip");  // times, versions and attributes mean nothing
    EXPECT_EQ(text_of(archive.plain(*archive.find("a/two"))), "second content");
  }
}

}  // namespace
}  // namespace mnist
