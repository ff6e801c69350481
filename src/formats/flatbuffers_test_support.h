// FlatBuffers for tests: tables as values, written one behind another.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mnist {

struct FlatTable;

// A field's content: a number's bytes, or what lies elsewhere and the field has the offset of.
struct FlatField {
  std::string number = {};
  std::string vector = {};  // elements' bytes
  size_t count = 0;         // of elements
  std::vector<FlatTable> tables = {};
  enum class Kind { kNumber, kVector, kTable, kTables } kind = Kind::kNumber;
};

struct FlatTable {
  std::map<uint16_t, FlatField> fields = {};

  template <typename T>
  FlatTable& number(uint16_t field, T value) {
    std::string raw(sizeof(T), '\0');
    std::memcpy(raw.data(), &value, sizeof(T));
    fields[field] = {.number = raw};
    return *this;
  }
  template <typename T>
  FlatTable& numbers(uint16_t field, const std::vector<T>& values) {
    std::string raw(values.size() * sizeof(T), '\0');
    if (!values.empty()) std::memcpy(raw.data(), values.data(), raw.size());
    fields[field] = {.vector = raw, .count = values.size(), .kind = FlatField::Kind::kVector};
    return *this;
  }
  FlatTable& text(uint16_t field, const std::string& value) {
    fields[field] = {.vector = value, .count = value.size(), .kind = FlatField::Kind::kVector};
    return *this;
  }
  FlatTable& table(uint16_t field, FlatTable value) {
    fields[field] = {.tables = {std::move(value)}, .kind = FlatField::Kind::kTable};
    return *this;
  }
  FlatTable& tables(uint16_t field, std::vector<FlatTable> values) {
    fields[field] = {.tables = std::move(values), .kind = FlatField::Kind::kTables};
    return *this;
  }
};

class FlatWriter {
 public:
  // The whole file, with an identifier of four letters.
  static std::string file(const FlatTable& root, const std::string& identifier) {
    FlatWriter writer;
    writer.out_ = std::string(4, '\0') + identifier;
    writer.point(0, writer.write(root));
    return writer.out_;
  }

 private:
  template <typename T>
  void put(size_t place, T value) {
    std::memcpy(&out_[place], &value, sizeof(T));
  }
  size_t add(const std::string& bytes) {
    const size_t place = out_.size();
    out_ += bytes;
    return place;
  }
  void point(size_t place, size_t target) { put(place, static_cast<uint32_t>(target - place)); }

  size_t write(const FlatTable& table) {
    const auto slots =
        static_cast<uint16_t>(table.fields.empty() ? 0 : table.fields.rbegin()->first + 1);
    const size_t vtable = add(std::string(4 + 2 * slots, '\0'));
    const size_t start = add(std::string(4, '\0'));
    put(vtable, static_cast<uint16_t>(4 + 2 * slots));
    put(start, static_cast<int32_t>(start - vtable));
    std::map<uint16_t, size_t> places;
    for (const auto& [field, content] : table.fields) {
      const bool is_number = content.kind == FlatField::Kind::kNumber;
      places[field] = add(is_number ? content.number : std::string(4, '\0'));
      put(vtable + 4 + 2 * field, static_cast<uint16_t>(places[field] - start));
    }
    put(vtable + 2, static_cast<uint16_t>(out_.size() - start));
    for (const auto& [field, content] : table.fields) write_content(content, places[field]);
    return start;
  }

  void write_content(const FlatField& content, size_t place) {
    if (content.kind == FlatField::Kind::kTable) point(place, write(content.tables[0]));
    if (content.kind == FlatField::Kind::kVector) {
      point(place, out_.size());
      put(add(std::string(4, '\0')), static_cast<uint32_t>(content.count));
      add(content.vector);
    }
    if (content.kind == FlatField::Kind::kTables) {
      point(place, out_.size());
      const size_t count = content.tables.size();
      const size_t vector = add(std::string(4 + 4 * count, '\0'));
      put(vector, static_cast<uint32_t>(count));
      for (size_t i = 0; i < count; ++i) point(vector + 4 + 4 * i, write(content.tables[i]));
    }
  }

  std::string out_;
};

}  // namespace mnist
