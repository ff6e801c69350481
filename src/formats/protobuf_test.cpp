#include "formats/protobuf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/test_support.h"

namespace mnist {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProtobufReader reader_of(std::string_view content) {
  return {std::as_bytes(std::span<const char>(content.data(), content.size())), "file", "model"};
}

// Goes through all fields.
void read_all(std::string_view content) {
  ProtobufReader reader = reader_of(content);
  while (reader.next()) {
  }
}

TEST(Protobuf, WhatIsWrittenIsRead) {
  ProtobufWriter inner;
  inner.integer(1, INT64_MIN);
  ProtobufWriter outer;
  outer.integer(1, -1);
  outer.boolean(2, true);
  outer.real(3, -0.5F);
  outer.text(4, "text");
  outer.message(5, inner);
  outer.integers(6, std::vector<int64_t>{0, 127, 128, INT64_MAX, -7});
  outer.integer(1000, 300);
  ProtobufReader reader = reader_of(outer.content());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 1U);
  EXPECT_EQ(reader.integer("one"), -1);
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.boolean("two"));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.real("three"), -0.5F);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.text("four"), "text");
  ASSERT_TRUE(reader.next());
  ProtobufReader message = reader.message("five");
  ASSERT_TRUE(message.next());
  EXPECT_EQ(message.integer("one"), INT64_MIN);
  EXPECT_FALSE(message.next());
  ASSERT_TRUE(reader.next());
  std::vector<int64_t> values;
  reader.append(values, "six");
  EXPECT_THAT(values, ElementsAre(0, 127, 128, INT64_MAX, -7));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 1000U);
  EXPECT_FALSE(reader.next());
}

TEST(Protobuf, RepeatedNumbersArePackedOrNot) {
  // Field 1: 5, then packed 6, 300; field 2: floats 1.0, then packed 2.0, 3.0.
  ProtobufReader reader = reader_of(std::string_view(
      "\x08\x05\x0a\x03\x06\xac\x02\x15\0\0\x80\x3f\x12\x08\0\0\0\x40\0\0\x40\x40", 22));
  std::vector<int64_t> whole;
  std::vector<float> real;
  while (reader.next()) {
    if (reader.field() == 1) reader.append(whole, "whole");
    if (reader.field() == 2) reader.append(real, "real");
  }
  EXPECT_THAT(whole, ElementsAre(5, 6, 300));
  EXPECT_THAT(real, ElementsAre(1, 2, 3));
}

TEST(Protobuf, FixedNumbers) {
  ProtobufReader reader = reader_of(
      std::string_view("\x0d\x01\0\0\x80\x11\x02\0\0\0\0\0\0\x80\x19\0\0\0\0\0\0\xf0\x3f", 23));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.fixed32("one"), 0x80000001U);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.fixed64("two"), 0x8000000000000002U);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.real64("three"), 1.0);
  std::vector<double> values;
  reader.append(values, "three");
  EXPECT_THAT(values, ElementsAre(1.0));
}

TEST(Protobuf, WhatIsNoMessageIsRefused) {
  const std::string most(9, '\xff');
  EXPECT_NO_THROW(read_all("\x08" + most + "\x01"));
  const std::pair<std::string, const char*> cases[] = {
      {"\x08" + most + "\x02", "a number of more than 64 bits"},
      {"\x08" + most + "\xff\x01", "a number of more than 64 bits"},
      {"\x08\x80", "a number is cut off"},
      {"\x08", "a number is cut off"},
      {std::string("\x02\x00", 2), "field 0 is impossible"},
      {"\x80\x80\x80\x80\x10\x01", "field 536870912 is impossible"},
      {"\x0b", "field 1: wire type 3: 0, 1, 2 or 5 expected"},
      {"\x0c", "wire type 4"},
      {"\x0e", "wire type 6"},
      {"\x0f", "wire type 7"},
      {"\x09\x01\x02", "field 1: 8 bytes expected, 2 are left"},
      {"\x0d\x01", "field 1: 4 bytes expected, 1 are left"},
      {"\x0a\x02z",
       "file: model: field 1: 2 bytes expected, 1 are left: the file is damaged or "
       "incomplete (at byte 0)"},
      {"\x0a" + most + "\x01", "field 1: 18446744073709551615 bytes expected, 0 are left"},
  };
  for (const auto& [content, reason] : cases) {
    EXPECT_THAT(error_of([&, bytes = content] { read_all(bytes); }), HasSubstr(reason));
  }
}

TEST(Protobuf, OtherTypesAndSingularFieldsTwiceAreRefused) {
  ProtobufReader reader = reader_of(std::string_view("\x08\x01\x08\x02\x12\x00\x12\x01\x80", 9));
  reader.next();
  EXPECT_EQ(reader.integer("version"), 1);
  EXPECT_THAT(error_of([&] { reader.text("name"); }),
              HasSubstr("name comes twice"));  // the field was taken as another one
  EXPECT_THAT(error_of([&] { reader.text_item("name"); }),
              HasSubstr("file: model: name: wire type 2 expected, got 0 (at byte 0)"));
  reader.next();
  EXPECT_THAT(error_of([&] { reader.integer("version"); }),
              HasSubstr("version comes twice (at byte 2)"));
  reader.next();
  EXPECT_EQ(reader.text_item("texts"), "");
  std::vector<float> floats;
  EXPECT_NO_THROW(reader.append(floats, "floats"));
  reader.next();
  EXPECT_EQ(reader.text_item("texts"), "\x80");
  EXPECT_THAT(error_of([&] { reader.append(floats, "floats"); }),
              HasSubstr("floats: a multiple of 4 bytes expected, got 1"));
  std::vector<int64_t> whole;
  EXPECT_THAT(error_of([&] { reader.append(whole, "whole"); }),
              HasSubstr("file: whole: a number is cut off: the file is damaged or incomplete (at "
                        "byte 8)"));
}

TEST(Protobuf, DepthIsBounded) {
  std::string content;
  for (int i = 0; i < kProtobufMostDepth; ++i) {
    ProtobufWriter outer;
    outer.text(1, content);
    content = outer.content();
  }
  std::vector<ProtobufReader> readers = {reader_of(content)};
  for (int i = 1; i < kProtobufMostDepth; ++i) {
    ASSERT_TRUE(readers.back().next());
    readers.push_back(readers.back().message("inner"));
  }
  ASSERT_TRUE(readers.back().next());
  EXPECT_THAT(error_of([&] { readers.back().message("inner"); }),
              HasSubstr("inner: more than 32 messages within one another"));
}

}  // namespace
}  // namespace mnist
