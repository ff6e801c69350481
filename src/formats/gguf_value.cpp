#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "formats/gguf.h"
#include "mnist/error.h"

namespace mnist {
namespace {

template <typename T>
std::string number_text(ByteReader& reader) {
  return fmt::format("{}", reader.little<T>("a list's value"));
}

std::string element_text(ByteReader& reader, GgufValueType type) {
  switch (type) {
    case GgufValueType::kU8:
      return number_text<uint8_t>(reader);
    case GgufValueType::kI8:
      return number_text<int8_t>(reader);
    case GgufValueType::kU16:
      return number_text<uint16_t>(reader);
    case GgufValueType::kI16:
      return number_text<int16_t>(reader);
    case GgufValueType::kU32:
      return number_text<uint32_t>(reader);
    case GgufValueType::kI32:
      return number_text<int32_t>(reader);
    case GgufValueType::kF32:
      return number_text<float>(reader);
    case GgufValueType::kU64:
      return number_text<uint64_t>(reader);
    case GgufValueType::kI64:
      return number_text<int64_t>(reader);
    case GgufValueType::kF64:
      return number_text<double>(reader);
    case GgufValueType::kBool:
      return reader.little<uint8_t>("a list's value") == 1 ? "true" : "false";
    case GgufValueType::kText: {
      const auto length = reader.little<uint64_t>("a list's text");
      return std::string(reader.text(length, "a list's text"));
    }
    case GgufValueType::kArray:
      break;
  }
  reader.fail("a list of lists");
}

std::vector<std::string> element_texts(const GgufArray& array, const std::string& who) {
  ByteReader reader(array.bytes, who);
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < array.count; ++i) texts.push_back(element_text(reader, array.type));
  return texts;
}

struct ValueText {
  std::string operator()(std::string_view value) const { return std::string(value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const GgufArray& value) const {
    return fmt::format("[{}]", join(element_texts(value, "a list")));
  }
  template <typename Number>
  std::string operator()(Number value) const {
    return fmt::format("{}", value);
  }
};

}  // namespace

std::vector<std::string> gguf_texts(const GgufValue& value, const std::string& who,
                                    std::string_view key) {
  const auto* array = std::get_if<GgufArray>(&value);
  if (array == nullptr || array->type != GgufValueType::kText) {
    throw Error(fmt::format("{}: key '{}': a list of texts expected", who, key));
  }
  return element_texts(*array, who);
}

std::string gguf_value_text(const GgufValue& value) { return std::visit(ValueText{}, value); }

}  // namespace mnist
