// Protocol Buffers' wire format, read from untrusted bytes and written: what ONNX and TensorFlow
// store their graphs in.
//
// A message is a sequence of fields: a varint (number << 3 | wire type) and a value, which is a
// varint, 4 or 8 bytes, or a length and that many bytes: a text, a message, or a repeated field's
// numbers side by side ("packed"). Nothing says what a field means; that is for the reader of each
// format. Source: protobuf.dev/programming-guides/encoding.
//
// Stricter than protobuf: a singular field that comes twice (its libraries take the last one, or
// merge), groups, and varints beyond 64 bits are refused. Unknown fields are skipped, as they must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mnist {

// A cursor over the fields of one message. Copies nothing and allocates nothing; numbers that are
// collected take at most eight times the bytes that they lie in.
//
//   ProtobufReader reader(bytes, who, "the model");
//   while (reader.next()) {
//     switch (reader.field()) {
//       case 1: version = reader.integer("ir_version"); break;
//       case 7: read_graph(reader.message("graph")); break;
//       case 8: opsets.push_back(read_opset(reader.message_item("opset_import"))); break;
//     }                              // what is not asked for is passed over
//   }
class ProtobufReader {
 public:
  // `who` (the file's name; it must outlive the reader) starts every message, `what` says which
  // message this is.
  ProtobufReader(std::span<const std::byte> bytes, std::string_view who, std::string_view what)
      : bytes_(bytes), who_(who), what_(what) {}

  // Goes to the next field; false at the end. Throws Error for anything that is no field.
  bool next();
  uint32_t field() const { return field_; }

  // The value of a singular field. `name` is the field's, for messages. Throw Error where the wire
  // type is another, and where the field was met before.
  int64_t integer(const char* name);  // int32, int64, uint32, enum
  bool boolean(const char* name);
  float real(const char* name);        // float
  double real64(const char* name);     // double
  uint32_t fixed32(const char* name);  // fixed32, sfixed32
  uint64_t fixed64(const char* name);
  std::string_view text(const char* name);  // string; any bytes: a library would not say it either
  std::span<const std::byte> bytes(const char* name);
  ProtobufReader message(const char* name);

  // One element of a repeated field, or a map's entry.
  std::string_view text_item(const char* name);
  std::span<const std::byte> bytes_item(const char* name);
  ProtobufReader message_item(const char* name);

  // The numbers that this occurrence of a repeated field holds, packed or a single one, are added
  // to `values`. The shorter types are int32 or uint32 as varints, and 4- or 8-byte floats.
  void append(std::vector<int64_t>& values, const char* name);  // varints
  void append(std::vector<float>& values, const char* name);
  void append(std::vector<double>& values, const char* name);

  // Throws Error "who: what: reason (at byte POSITION)": the place of the field in the file.
  [[noreturn]] void fail(std::string_view reason) const;

 private:
  enum class Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  uint64_t varint();
  std::span<const std::byte> take(uint64_t count);
  void expect(Wire wire, const char* name) const;
  void expect_first(const char* name);
  template <typename T>
  T number(Wire wire, const char* name);
  template <typename T>
  void append_fixed(std::vector<T>& values, Wire wire, const char* name);

  std::span<const std::byte> bytes_;
  std::string_view who_;
  std::string_view what_;
  size_t base_ = 0;      // where bytes_ begins in the file
  size_t position_ = 0;  // within bytes_
  size_t start_ = 0;     // of the field
  int depth_ = 0;
  uint32_t field_ = 0;
  Wire wire_ = Wire::kVarint;
  uint64_t value_ = 0;                      // kVarint
  std::span<const std::byte> value_bytes_;  // the rest: what lies in the file
  std::vector<uint32_t> singular_;          // fields that may not come again
};

// Messages within messages, the outermost counted; what protobuf's own libraries accept is 100.
inline constexpr int kProtobufMostDepth = 32;

// Writes the fields of one message, in the order of the calls.
class ProtobufWriter {
 public:
  void integer(uint32_t field, int64_t value);
  void boolean(uint32_t field, bool value) { integer(field, value ? 1 : 0); }
  void real(uint32_t field, float value);
  void text(uint32_t field, std::string_view value);
  void bytes(uint32_t field, std::span<const std::byte> value);
  void message(uint32_t field, const ProtobufWriter& message) { text(field, message.content_); }
  // Packed, as proto3 does.
  void integers(uint32_t field, std::span<const int64_t> values);

  const std::string& content() const { return content_; }

 private:
  void key(uint32_t field, uint32_t wire);
  void varint(uint64_t value);

  std::string content_;
};

}  // namespace mnist
