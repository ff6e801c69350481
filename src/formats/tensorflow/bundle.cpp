#include "formats/tensorflow/bundle.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"
#include "formats/protobuf.h"
#include "formats/tensorflow/table.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr uint64_t kLargestIndex = uint64_t{64} << 20;
constexpr int64_t kMostShards = 10'000;

Shape read_shape(ProtobufReader reader) {
  Shape shape;
  while (reader.next()) {
    if (reader.field() != 2) continue;
    ProtobufReader dimension = reader.message_item("dim");
    int64_t size = 0;
    while (dimension.next()) {
      if (dimension.field() == 1) size = dimension.integer("size");
    }
    if (size < 0 || shape.size() >= 32) reader.fail("an extent expected");
    shape.push_back(size);
  }
  return shape;
}

}  // namespace

TensorBundle::TensorBundle(const ModelSource& source, const std::string& prefix)
    : source_(source), prefix_(prefix), who_(fmt::format("{}: {}.index", source.who, prefix)) {
  index_ = source.beside(prefix + ".index", kLargestIndex);
  entries_ = read_table(index_, who_);
  const auto header = entries_.find("");
  if (header == entries_.end()) throw Error(fmt::format("{}: its header is missing", who_));
  ProtobufReader reader(header->second, who_, "its header");
  int64_t endianness = 0;
  while (reader.next()) {
    if (reader.field() == 1) shard_count_ = reader.integer("num_shards");
    if (reader.field() == 2) endianness = reader.integer("endianness");
  }
  if (endianness != 0) reader.fail("values with their lowest byte first expected");
  if (shard_count_ < 1 || shard_count_ > kMostShards)
    reader.fail("1 to 10000 files of values expected");
}

const std::vector<std::byte>& TensorBundle::shard(int64_t number) {
  const auto found = shards_.find(number);
  if (found != shards_.end()) return found->second;
  const std::string name = fmt::format("{}.data-{:05}-of-{:05}", prefix_, number, shard_count_);
  const std::vector<std::byte>& bytes = shards_[number] = source_.beside(name, kLargestFile);
  held_ += bytes.size();
  return bytes;
}

TfConstant TensorBundle::read(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    throw Error(fmt::format("{}: variable '{}' is missing", who_, printable(key, 100)));
  }
  ProtobufReader reader(found->second, who_, printable(key, 100));
  int64_t type = 0;
  Shape shape;
  int64_t number = 0;
  int64_t offset = 0;
  int64_t size = 0;
  uint32_t sum = 0;
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        type = reader.integer("dtype");
        break;
      case 2:
        shape = read_shape(reader.message("shape"));
        break;
      case 3:
        number = reader.integer("shard_id");
        break;
      case 4:
        offset = reader.integer("offset");
        break;
      case 5:
        size = reader.integer("size");
        break;
      case 6:
        sum = reader.fixed32("crc32c");
        break;
      case 7:
        reader.fail("a variable in slices, which is not read");
        break;
      default:
        break;
    }
  }
  if (number < 0 || number >= shard_count_ || offset < 0 || size < 0)
    reader.fail("a place in a file expected");
  ByteReader values(shard(number), fmt::format("{}: {}", source_.who, printable(key, 100)));
  values.seek(static_cast<uint64_t>(offset), "values");
  const std::span<const std::byte> bytes = values.take(static_cast<uint64_t>(size), "values");
  if (masked_crc32c(bytes) != sum) values.fail("the checksum is wrong: the file is damaged");
  // A file with many names for one place would take more memory than it has bytes.
  read_ += bytes.size();
  if (read_ > held_) values.fail("variables that overlap");
  return decode_constant(type, shape, bytes, values.who());
}

}  // namespace mnist
