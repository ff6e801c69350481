#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mnist/error.h"

namespace mnist {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
  try {
    parse_json(text, "x.json");
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << text;
  return "";
}

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(Json, ReadsWhatIsJson) {
  const Json json =
      parse_json(R"( {"a": [1, -2, 2.5, 1e3, true, null, "\u00e9\ud83d\ude00"]} )", "x");
  EXPECT_EQ(json["a"][0], 1);
  EXPECT_EQ(json["a"][1], -2);
  EXPECT_EQ(json["a"][2], 2.5);
  EXPECT_TRUE(json["a"][3].is_number_float());
  EXPECT_EQ(json["a"][6], "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(parse_json("18446744073709551615", "x").get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(parse_json("9007199254740993", "x").get<int64_t>(), 9'007'199'254'740'993);
  EXPECT_EQ(parse_json("[]", "x").size(), 0U);
  EXPECT_NO_THROW(parse_json(nested(64), "x"));
}

TEST(Json, RefusesWhatIsNot) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{\"a\" 1}",
                           "{a:1}",
                           "{'a':1}",
                           "[1 2]",
                           "[1]]",
                           "{} x",
                           "nul",
                           "NaN",
                           "[NaN]",
                           "Infinity",
                           "-Infinity",
                           "[-]",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "0x10",
                           "1e",
                           "\"\t\"",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "// c\n1",
                           "[1] # c",
                           "1e999",
                           "-1e999",
                           "[1e400]",
                           "18446744073709551616",
                           "-9223372036854775809",
                           "123456789012345678901234567890",
                           "{\"a\":1,\"a\":1}",
                           "{\"a\":{\"b\":1,\"b\":2}}",
                           "{\"a\":1,\"\\u0061\":1}"}) {
    const std::string message = refusal(text);
    EXPECT_TRUE(message.starts_with("x.json: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
  refusal(std::string("[1]\0", 4));
  refusal(std::string("[\0]", 3));
  refusal(nested(65));
  refusal(std::string(1'000'000, '['));
  refusal(std::string(100'000, '[') + "{\"a\":");
}

TEST(Json, SaysWhere) {
  EXPECT_THAT(refusal("{\n  \"a\": 1,\n  \"b\": x\n}"),
              HasSubstr("x.json: line 3, column 8: not JSON"));
  EXPECT_THAT(refusal("{\"list\": [0, {\"key\": 1, \"key\": 2}]}"),
              HasSubstr("at /list/1/key: the key 'key' comes twice"));
  EXPECT_THAT(refusal("{\"n\": [1e999]}"), HasSubstr("1e999"));
  EXPECT_THAT(refusal("{\"n\": 99999999999999999999}"), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(refusal(nested(65)), HasSubstr("more than 64 levels"));
}

TEST(Json, HasALimit) {
  EXPECT_NO_THROW(parse_json("[1]", "x", 3));
  EXPECT_THROW(parse_json("[1] ", "x", 3), Error);
}

TEST(Json, ViewsSayWhatIsWrong) {
  const Json json =
      parse_json(R"({"a": {"b": [1, "two", 3.5]}, "big": 18446744073709551615})", "x");
  const JsonView view(json, "x.json");
  auto message = [](auto action) {
    try {
      action();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message([&] { view.at("c"); }), "x.json: at /: the key 'c' is missing");
  EXPECT_EQ(message([&] { view.at("a").text(); }), "x.json: at /a: a text expected, got object");
  EXPECT_EQ(message([&] { view.at("a").at("b").integers(); }),
            "x.json: at /a/b/1: an integer expected, got \"two\"");
  EXPECT_EQ(message([&] { view.at("a").at("b").elements()[2].integer(); }),
            "x.json: at /a/b/2: an integer expected, got 3.5");
  EXPECT_EQ(message([&] { view.at("big").integer(); }),
            "x.json: at /big: an integer expected, got 18446744073709551615");
  EXPECT_EQ(message([&] {
              view.expect_keys({"a", "bigger"});
            }),
            "x.json: at /: unknown key 'big': expected one of a, bigger");
  EXPECT_EQ(message([&] {
              view.expect_keys({"aa", "big"});
            }),
            "x.json: at /: unknown key 'a': did you mean 'aa'?");
  EXPECT_EQ(message([&] { view.at("a").at("b").at("c"); }),
            "x.json: at /a/b: an object expected, got array");
  EXPECT_EQ(view.at("a").at("b").elements()[2].number(), 3.5);
}

TEST(Json, QuotesTexts) {
  EXPECT_EQ(quote_json("a\"\n\xc3\xa9", "x"), "\"a\\\"\\n\xc3\xa9\"");
  EXPECT_THROW(quote_json("\xff", "x"), Error);
}

}  // namespace
}  // namespace mnist
