// The container against hostile files: the cases of ggml's own tests/test-gguf.cpp and more.
#include "formats/gguf.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>

#include "formats/format_list.h"
#include "formats/test_support.h"
#include "mnist/model_file.h"

namespace mnist {
namespace {

using testing::HasSubstr;

constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kU8 = 0, kU32 = 4, kI32 = 5, kBool = 7, kText = 8, kArray = 9, kU64 = 10;
constexpr uint32_t kF32Tensor = 0, kQ4_0 = 2, kI8Tensor = 24, kI64Tensor = 27;

// GGUF byte by byte, so that every byte can be wrong.
struct Bytes {
  std::string text;

  template <typename T>
  Bytes& put(T value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  Bytes& u32(uint32_t value) { return put(value); }
  Bytes& u64(uint64_t value) { return put(value); }
  Bytes& string(const std::string& value) {
    u64(value.size());
    text += value;
    return *this;
  }
  Bytes& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    text += "GGUF";
    return u32(version).u64(tensors).u64(keys);
  }
  Bytes& architecture(const std::string& value = "mnist-fc") {
    return string("general.architecture").u32(kText).string(value);
  }
  Bytes& alignment(uint32_t value) { return string("general.alignment").u32(kU32).u32(value); }
  Bytes& tensor(const std::string& name, const std::vector<uint64_t>& extents, uint32_t type,
                uint64_t offset) {
    string(name).u32(static_cast<uint32_t>(extents.size()));
    for (uint64_t extent : extents) u64(extent);
    return u32(type).u64(offset);
  }
  Bytes& pad(size_t alignment = 32) {
    while (text.size() % alignment != 0) text += '\0';
    return *this;
  }
  Bytes& data(size_t count) {
    text.append(count, '\1');
    return *this;
  }
};

GgufFile parse(const std::string& text) {
  return read_gguf(std::as_bytes(std::span(text.data(), text.size())), "x.gguf");
}

struct BadCase {
  const char* name;
  std::function<Bytes()> make;
  const char* message;  // part of it
};

// One tensor of 4 floats with a given description.
Bytes one_tensor(const std::string& name, const std::vector<uint64_t>& extents, uint32_t type,
                 uint64_t offset = 0, size_t data = 32) {
  return Bytes().header(1, 0).tensor(name, extents, type, offset).pad().data(data);
}

Bytes two_tensors(const std::string& second, uint64_t second_offset) {
  return Bytes()
      .header(2, 0)
      .tensor("a", {4}, 0, 0)
      .tensor(second, {4}, 0, second_offset)
      .pad()
      .data(64);
}

// One case to a line.
// clang-format off
const BadCase kBadHeaders[] = {
    {"BadMagic", [] { Bytes b; b.text = "FUGG"; return b.u32(3).u64(0).u64(0); }, "must begin 'GGUF'"},
    {"Empty", [] { return Bytes(); }, "the magic: 4 bytes expected"},
    {"Version0", [] { return Bytes().header(0, 0, 0); }, "version 2 or 3 expected, got 0"},
    {"Version1", [] { return Bytes().header(0, 0, 1); }, "version 2 or 3 expected, got 1"},
    {"VersionFuture", [] { return Bytes().header(0, 0, 4); }, "version 2 or 3 expected, got 4"},
    {"BigEndian", [] { return Bytes().header(0, 0, 0x03000000); }, "a big-endian GGUF file"},
    {"TensorsHuge", [] { return Bytes().header(kHuge, 0).data(100); }, "tensors cannot be in 100 bytes"},
    {"KeysHuge", [] { return Bytes().header(0, kHuge).data(100); }, "keys cannot be in 100 bytes"},
    {"KeysOneTooMany", [] { return Bytes().header(0, 2).architecture(); }, "a key's length: 8 bytes expected"},
    {"BytesBehind", [] { return Bytes().header(0, 0).data(64); }, "bytes too many"},
};

const BadCase kBadKeys[] = {
    {"KeyHuge", [] { return Bytes().header(0, 1).u64(kHuge).data(50); }, "a key of 18446744073709551615 bytes"},
    {"KeyEmpty", [] { return Bytes().header(0, 1).string("").u32(kU8).data(50); }, "a key of 0 bytes"},
    {"KeyOver65535", [] { return Bytes().header(0, 1).string(std::string(65'536, 'k')).u32(kU8).data(50); }, "a key of 65536 bytes"},
    {"KeyWithNul", [] { return Bytes().header(0, 1).string(std::string("a\0b", 3)).u32(kU8).data(50); }, "has control characters"},
    {"KeyWithEscape", [] { return Bytes().header(0, 1).string("a\x1b[31m").u32(kU8).data(50); }, "key 'a\\x1b[31m' has control characters"},
    {"KeyNotUtf8", [] { return Bytes().header(0, 1).string("a\xff").u32(kU8).data(50); }, "is not UTF-8"},
    {"TypeUnknown", [] { return Bytes().header(0, 1).string("k").u32(13).data(50); }, "values of type 13 are unknown"},
    {"Twice", [] { return Bytes().header(0, 2).architecture().architecture(); }, "key 'general.architecture' comes twice"},
    {"TextHuge", [] { return Bytes().header(0, 1).string("k").u32(kText).u64(kHuge); }, "a value: 18446744073709551615 bytes expected"},
    {"BoolTwo", [] { return Bytes().header(0, 1).string("k").u32(kBool).put<uint8_t>(2); }, "bool 2: 0 or 1 expected"},
    {"ListOfBoolTwo", [] { return Bytes().header(0, 1).string("k").u32(kArray).u32(kBool).u64(1).put<uint8_t>(2); }, "a bool that is neither 0 nor 1"},
    {"ListHuge", [] { return Bytes().header(0, 1).string("k").u32(kArray).u32(kU64).u64(uint64_t{1} << 61); }, "a list of 2305843009213693952 values"},
    {"ListOfTextsHuge", [] { return Bytes().header(0, 1).string("k").u32(kArray).u32(kText).u64(kHuge).data(80); }, "a list of"},
    {"ListOfTextsLies", [] { return Bytes().header(0, 1).string("k").u32(kArray).u32(kText).u64(2).string("a").u64(99).data(20); }, "a list's text: 99 bytes expected"},
    {"ListOfLists", [] { return Bytes().header(0, 1).string("k").u32(kArray).u32(kArray).u64(1).data(80); }, "a list of lists"},
    {"ListOfUnknown", [] { return Bytes().header(0, 1).string("k").u32(kArray).u32(99).u64(1).data(80); }, "values of type 99"},
    {"Alignment0", [] { return Bytes().header(0, 1).alignment(0); }, "general.alignment 0: a power of two"},
    {"Alignment13", [] { return Bytes().header(0, 1).alignment(13); }, "general.alignment 13"},
    {"Alignment2To31", [] { return Bytes().header(0, 1).alignment(1U << 31); }, "general.alignment 2147483648"},
    {"AlignmentMost", [] { return Bytes().header(0, 1).alignment(0xffffffff); }, "general.alignment 4294967295"},
    {"AlignmentSigned", [] { return Bytes().header(0, 1).string("general.alignment").u32(kI32).u32(32); }, "an unsigned integer expected"},
};

const BadCase kBadTensors[] = {
    {"NameHuge", [] { return Bytes().header(1, 0).u64(kHuge).data(80); }, "a tensor's name of 18446744073709551615 bytes"},
    {"NameEmpty", [] { return one_tensor("", {4}, 0); }, "a tensor's name of 0 bytes"},
    {"Name64", [] { return one_tensor(std::string(64, 'n'), {4}, 0); }, "a tensor's name of 64 bytes"},
    {"NameWithNewline", [] { return one_tensor("a\nb", {4}, 0); }, "tensor 'a\\x0ab' has control characters"},
    {"NameWithNul", [] { return one_tensor(std::string("a\0", 2), {4}, 0); }, "has control characters"},
    {"Twice", [] { return two_tensors("a", 32); }, "tensor 'a' comes twice"},
    {"Dimensions5", [] { return one_tensor("a", {1, 1, 1, 1, 4}, 0); }, "5 dimensions, at most 4"},
    {"DimensionsHuge", [] { return Bytes().header(1, 0).string("a").u32(0xffffffff).data(80); }, "4294967295 dimensions"},
    {"ExtentNegative", [] { return one_tensor("a", {kHuge}, 0); }, "an extent is negative"},
    {"ExtentsTooBig", [] { return one_tensor("a", {8589934588, 8589934588, 8589934588, 8589934588}, 0); }, "does not fit"},
    {"BytesTooBig", [] { return one_tensor("a", {uint64_t{1} << 31, uint64_t{1} << 30}, kI64Tensor); }, "does not fit"},
    {"WrapToZero", [] { return one_tensor("a", {uint64_t{1} << 32, uint64_t{1} << 32}, 0); }, "does not fit"},
    {"WrapToOne", [] { return one_tensor("a", {274'177, 67'280'421'310'721}, kI8Tensor); }, "does not fit"},
    {"WrapNegative", [] { return one_tensor("a", {uint64_t{1} << 62, 2}, kI8Tensor); }, "does not fit"},
    {"WrapBehindZero", [] { return one_tensor("a", {0, uint64_t{1} << 62, 8}, kI8Tensor, 0, 0); }, "does not fit"},
    {"TypeUnknown", [] { return one_tensor("a", {4}, 4); }, "values of type 4 are unknown here"},
    {"TypeHuge", [] { return one_tensor("a", {4}, 0xffffffff); }, "values of type 4294967295"},
    {"PartOfABlock", [] { return one_tensor("a", {48}, kQ4_0); }, "rows of 48 values, Q4_0 has blocks of 32"},
    {"OffsetHuge", [] { return one_tensor("a", {4}, 0, kHuge); }, "offset 0 expected, got 18446744073709551615"},
    {"OffsetUnaligned", [] { return two_tensors("b", 16); }, "offset 32 expected, got 16"},
    {"OffsetOverlaps", [] { return two_tensors("b", 0); }, "offset 32 expected, got 0"},
    {"OffsetLeavesAHole", [] { return two_tensors("b", 64); }, "offset 32 expected, got 64"},
    {"OrderSwapped", [] { return Bytes().header(2, 0).tensor("a", {4}, 0, 32).tensor("b", {4}, 0, 0).pad().data(64); }, "offset 0 expected, got 32"},
    {"AlignmentInconsistent", [] { return Bytes().header(2, 1).alignment(64).tensor("a", {4}, 0, 0).tensor("b", {4}, 0, 32).pad(64).data(128); }, "offset 64 expected, got 32"},
    {"OneByteShort", [] { return one_tensor("a", {4}, 0, 0, 31); }, "16 bytes of F32 expected, the file ends after 31: cut off?"},
    {"NoData", [] { return one_tensor("a", {4}, 0, 0, 0); }, "the file ends after 0"},
    {"OneByteMore", [] { return one_tensor("a", {4}, 0, 0, 33); }, "1 bytes too many"},
    {"SumWraps", [] { return Bytes().header(2, 0).tensor("a", {0x7fffffffffffffc0}, kI8Tensor, 0).tensor("b", {0x7fffffffffffffc0}, kI8Tensor, 0x7fffffffffffffc0).pad().data(32); }, "9223372036854775744 bytes of I8 expected"},
    {"PaddingWraps", [] { return one_tensor("a", {0x7fffffffffffffff}, kI8Tensor); }, "the file ends after 32"},
};

// clang-format on

class GgufRefuses : public testing::TestWithParam<BadCase> {};

TEST_P(GgufRefuses, It) {
  const std::string text = GetParam().make().text;
  const std::string message = error_of([&] { parse(text); });
  EXPECT_TRUE(message.starts_with("x.gguf: ")) << message;
  EXPECT_THAT(message, HasSubstr(GetParam().message));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

std::string case_name(const testing::TestParamInfo<BadCase>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Header, GgufRefuses, testing::ValuesIn(kBadHeaders), case_name);
INSTANTIATE_TEST_SUITE_P(Key, GgufRefuses, testing::ValuesIn(kBadKeys), case_name);
INSTANTIATE_TEST_SUITE_P(Tensor, GgufRefuses, testing::ValuesIn(kBadTensors), case_name);

TEST(Gguf, WhatGgmlAcceptsIsAccepted) {
  EXPECT_TRUE(parse(Bytes().header(0, 0).text).tensors.empty());
  EXPECT_TRUE(parse(Bytes().header(0, 0, 2).text).tensors.empty());
  EXPECT_EQ(parse(Bytes().header(0, 1).architecture().text).values.size(), 1U);
  EXPECT_EQ(parse(one_tensor("a", {0, 3}, 0, 0, 0).text).tensors.at("a").shape, (Shape{3, 0}));
  EXPECT_EQ(parse(one_tensor("a", {}, 0).text).tensors.at("a").bytes.size(), 4U);
  EXPECT_EQ(parse(one_tensor("a", {32, 1}, kQ4_0).text).tensors.at("a").bytes.size(), 18U);
  EXPECT_EQ(parse(two_tensors("b", 32).text).tensors.at("b").bytes.size(), 16U);
  const std::string wide = Bytes()
                               .header(2, 1)
                               .alignment(64)
                               .tensor("a", {4}, 0, 0)
                               .tensor("b", {4}, 0, 64)
                               .pad(64)
                               .data(128)
                               .text;
  EXPECT_EQ(parse(wide).tensors.size(), 2U);
}

TEST(Gguf, ValuesOfEveryTypeAreRead) {
  Bytes b = Bytes().header(0, 13);
  b.string("u8").u32(0).put<uint8_t>(200);
  b.string("i8").u32(1).put<int8_t>(-100);
  b.string("u16").u32(2).put<uint16_t>(65'000);
  b.string("i16").u32(3).put<int16_t>(-30'000);
  b.string("u32").u32(4).put<uint32_t>(4'000'000'000);
  b.string("i32").u32(5).put<int32_t>(-2'000'000'000);
  b.string("f32").u32(6).put<float>(0.5F);
  b.string("bool").u32(7).put<uint8_t>(1);
  b.string("text").u32(8).string("one\ntwo");
  b.string("list").u32(9).u32(3).u64(2).put<int16_t>(-1).put<int16_t>(7);
  b.string("u64").u32(10).put<uint64_t>(kHuge);
  b.string("i64").u32(11).put<int64_t>(INT64_MIN);
  b.string("f64").u32(12).put<double>(0.1);
  const GgufFile file = parse(b.text);
  std::map<std::string_view, std::string> texts;
  for (const auto& [key, value] : file.values) texts[key] = gguf_value_text(value);
  const std::map<std::string_view, std::string> expected = {{"u8", "200"},
                                                            {"i8", "-100"},
                                                            {"u16", "65000"},
                                                            {"i16", "-30000"},
                                                            {"u32", "4000000000"},
                                                            {"i32", "-2000000000"},
                                                            {"f32", "0.5"},
                                                            {"bool", "true"},
                                                            {"text", "one\ntwo"},
                                                            {"list", "[-1, 7]"},
                                                            {"u64", "18446744073709551615"},
                                                            {"i64", "-9223372036854775808"},
                                                            {"f64", "0.1"}};
  EXPECT_EQ(texts, expected);
}

TEST(Gguf, AMillionKeysTakeBoundedTime) {
  Bytes b = Bytes().header(0, 1'000'000);
  for (int i = 0; i < 1'000'000; ++i) b.string(fmt::format("{}", i)).u32(kU8).put<uint8_t>(1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse(b.text).values.size(), 1'000'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// A small file with names and metadata: in ggml's layout, or with its graph and few weights.
std::vector<std::byte> small_file(bool standard) {
  Model model = standard ? random_model("mnist-cnn") : random_model("mnist-cnn", {1, 5, 5}, 2);
  model.class_names = std::vector<std::string>(standard ? 10 : 2, "c");
  model.metadata = {{"note", "n"}};
  MemorySink sink;
  format_by_name("gguf").write(model, {}, sink);
  return sink.bytes;
}

TEST(Gguf, TruncatedAnywhereIsRefused) {
  const std::vector<std::byte> bytes = small_file(false);
  for (size_t length = 0; length < bytes.size(); ++length) {
    // A copy of its own, so that a sanitizer sees reads behind the end.
    const std::vector<std::byte> part(bytes.begin(),
                                      bytes.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_THROW(read_model(part, "x.gguf"), Error) << length;
  }
  EXPECT_NO_THROW(read_model(bytes, "x.gguf"));
}

TEST(Gguf, AnyBitOfTheHeaderFlippedIsReadOrRefused) {
  std::vector<std::byte> bytes = small_file(true);
  const GgufFile file = read_gguf(bytes, "x.gguf");
  const auto header =
      static_cast<size_t>(file.tensors.at("conv1.kernel").bytes.data() - bytes.data());
  size_t accepted = 0;
  for (size_t bit = 0; bit < header * 8; ++bit) {
    const auto mask = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= mask;
    try {
      const Model model = read_model(bytes, "x.gguf");
      EXPECT_EQ(model.parameter_count(), 9'098U);
      ++accepted;
    } catch (const Error&) {
    }
    bytes[bit / 8] ^= mask;
  }
  // The bits of texts, and of the padding.
  EXPECT_LT(accepted, header * 8 / 2);
}

TEST(Gguf, WhatCannotBeWrittenIsSaid) {
  MemorySink sink;
  GgufOutput output;
  output.tensors = {{std::string(64, 'n'), {1}, {}, {0.0F}}};
  EXPECT_THROW(write_gguf(output, sink), Error);
  output.tensors = {{"a", {1}, {}, {0.0F}}, {"a", {1}, {}, {0.0F}}};
  EXPECT_THROW(write_gguf(output, sink), Error);
  output.tensors = {{"a", {1, 1, 1, 1, 1}, {}, {0.0F}}};
  EXPECT_THROW(write_gguf(output, sink), Error);
}

}  // namespace
}  // namespace mnist
