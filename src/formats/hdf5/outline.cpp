#include "formats/hdf5/outline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "formats/hdf5/object_header.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr size_t kDeepestGroup = 16;
constexpr size_t kDeepestTree = 8;
constexpr size_t kLongestName = 1024;
constexpr uint64_t kNoFreeBlock = 1;  // the end of a local heap's list of free blocks

struct Superblock {
  uint64_t leaf_entries = 0;  // the most entries of a symbol node and children of a tree node
  uint64_t tree_entries = 0;
  uint64_t root = 0;  // address of its object header
};

// The texts that a group's names lie in.
struct LocalHeap {
  std::span<const std::byte> data;
};

class Outliner {
 public:
  Outliner(std::span<const std::byte> bytes, const std::string& who,
           const std::set<std::string>& skipped)
      : file_(bytes, who), skipped_(skipped) {}

  Hdf5Outline run() {
    read_superblock();
    return read_group(file_.messages(superblock_.root, "/"), "", 0);
  }

 private:
  void read_superblock();
  Hdf5Outline read_group(const std::vector<Hdf5Message>& messages, const std::string& path,
                         size_t depth);
  LocalHeap read_heap(uint64_t address);
  void check_free_blocks(std::span<const std::byte> data, uint64_t first, uint64_t address);
  void read_tree(uint64_t address, size_t level_limit, const LocalHeap& heap,
                 const std::string& path, size_t depth, Hdf5Outline& group);
  void read_symbols(uint64_t address, const LocalHeap& heap, const std::string& path, size_t depth,
                    Hdf5Outline& group);
  void read_object(const std::string& name, uint64_t address, const std::string& path, size_t depth,
                   Hdf5Outline& group);
  std::string heap_text(const LocalHeap& heap, uint64_t offset, const ByteReader& place) const;

  Hdf5Bytes file_;
  const std::set<std::string>& skipped_;
  Superblock superblock_;
};

void Outliner::read_superblock() {
  ByteReader reader = file_.at(8, "superblock");
  if (reader.little<uint8_t>("superblock version") != 0) {
    reader.fail(
        "HDF5 superblock of version 0 expected: save with libver='earliest', h5py's usual one");
  }
  for (const char* version : {"free space version", "root version", "reserved", "header version"}) {
    if (reader.little<uint8_t>(version) != 0) reader.fail(fmt::format("{}: 0 expected", version));
  }
  if (reader.little<uint8_t>("size of offsets") != 8 ||
      reader.little<uint8_t>("size of lengths") != 8) {
    reader.fail("offsets and lengths of 8 bytes expected");
  }
  reader.take(1, "reserved");
  superblock_.leaf_entries = 2 * uint64_t{reader.little<uint16_t>("leaf node K")};
  superblock_.tree_entries = 2 * uint64_t{reader.little<uint16_t>("internal node K")};
  if (superblock_.leaf_entries == 0 || superblock_.tree_entries == 0 ||
      superblock_.leaf_entries > 1024 || superblock_.tree_entries > 1024) {
    reader.fail("sizes of the tree's nodes from 1 to 512 expected");
  }
  if (reader.little<uint32_t>("flags") != 0) reader.fail("flags: 0 expected");
  if (reader.little<uint64_t>("base address") != 0) reader.fail("base address: 0 expected");
  if (reader.little<uint64_t>("free space") != kNoHdf5Address)
    reader.fail("no free space index expected");
  const uint64_t end = reader.little<uint64_t>("end of file");
  if (end != file_.size()) {
    reader.fail(fmt::format("the file should end at byte {}, it has {}", end, file_.size()));
  }
  if (reader.little<uint64_t>("driver") != kNoHdf5Address) reader.fail("no driver block expected");
  reader.take(8, "root's name");
  superblock_.root = reader.little<uint64_t>("root's address");
  if (reader.little<uint32_t>("root's cache type") > 1) reader.fail("root: a group expected");
  reader.take(4, "reserved");
  // Where the tree and the heap of the root lie, a second time: libhdf5 believes this one.
  const uint64_t tree = reader.little<uint64_t>("root's tree");
  const uint64_t heap = reader.little<uint64_t>("root's heap");
  const std::optional<Hdf5SymbolTable> table =
      find_symbol_table(file_.messages_unmarked(superblock_.root, "/"), file_);
  if (table && (table->tree != tree || table->heap != heap)) {
    reader.fail("root: its tree and heap differ from those in its header");
  }
}

LocalHeap Outliner::read_heap(uint64_t address) {
  file_.mark(address, "local heap");
  ByteReader reader = file_.at(address, "local heap");
  if (reader.text(4, "heap's signature") != "HEAP") reader.fail("'HEAP' expected");
  if (reader.little<uint32_t>("heap's version") != 0) reader.fail("heap of version 0 expected");
  const uint64_t size = reader.little<uint64_t>("heap's size");
  const uint64_t free = reader.little<uint64_t>("heap's free list");
  const uint64_t data = reader.little<uint64_t>("heap's data");
  LocalHeap heap{file_.at(data, "heap's data").take(size, "heap's data")};
  check_free_blocks(heap.data, free, data);
  return heap;
}

// libhdf5 follows the list of free blocks, each of which begins with the next one and its size.
void Outliner::check_free_blocks(std::span<const std::byte> data, uint64_t first,
                                 uint64_t address) {
  size_t left = data.size() / 16;
  for (uint64_t block = first; block != kNoFreeBlock && block != kNoHdf5Address;) {
    ByteReader reader = file_.at(address, "heap's free block");
    if (block % 8 != 0 || left-- == 0 || block > data.size() || data.size() - block < 16) {
      reader.fail("the heap's list of free blocks is damaged");
    }
    reader.seek(address + block, "heap's free block");
    const uint64_t next = reader.little<uint64_t>("free block");
    const uint64_t size = reader.little<uint64_t>("free block");
    if (size < 16 || size > data.size() - block)
      reader.fail("a free block is larger than its heap");
    block = next;
  }
}

std::string Outliner::heap_text(const LocalHeap& heap, uint64_t offset,
                                const ByteReader& place) const {
  if (offset >= heap.data.size()) place.fail("a name lies outside of its heap");
  const std::span<const std::byte> rest = heap.data.subspan(offset);
  const auto* text = reinterpret_cast<const char*>(rest.data());
  const size_t length = strnlen(text, std::min(rest.size(), kLongestName + 1));
  if (length == rest.size() || length > kLongestName) place.fail("a name does not end");
  return {text, length};
}

// The children of a node lie between its keys, which are names.
void Outliner::read_tree(uint64_t address, size_t level_limit, const LocalHeap& heap,
                         const std::string& path, size_t depth, Hdf5Outline& group) {
  file_.mark(address, "tree node");
  ByteReader reader = file_.at(address, "tree node");
  if (reader.text(4, "tree's signature") != "TREE") reader.fail("'TREE' expected");
  if (reader.little<uint8_t>("tree's type") != 0) reader.fail("a tree of a group expected");
  const size_t level = reader.little<uint8_t>("tree's level");
  if (level >= level_limit) reader.fail("the tree's levels do not go down");
  const uint64_t entries = reader.little<uint16_t>("tree's entries");
  if (entries > superblock_.tree_entries) reader.fail("more entries than a node has place for");
  reader.take(16, "tree's neighbours");
  // libhdf5 reads a node whole, also the places that are not used.
  ByteReader(reader).take(8 + superblock_.tree_entries * 16, "tree node");
  for (uint64_t i = 0; i < entries; ++i) {
    heap_text(heap, reader.little<uint64_t>("tree's key"), reader);
    const uint64_t child = reader.little<uint64_t>("tree's child");
    if (level == 0) {
      read_symbols(child, heap, path, depth, group);
    } else {
      read_tree(child, level, heap, path, depth, group);
    }
  }
  heap_text(heap, reader.little<uint64_t>("tree's key"), reader);
}

void Outliner::read_symbols(uint64_t address, const LocalHeap& heap, const std::string& path,
                            size_t depth, Hdf5Outline& group) {
  file_.mark(address, "symbol node");
  ByteReader reader = file_.at(address, "symbol node");
  if (reader.text(4, "symbols' signature") != "SNOD") reader.fail("'SNOD' expected");
  if (reader.little<uint16_t>("symbols' version") != 1)
    reader.fail("symbols of version 1 expected");
  const uint64_t entries = reader.little<uint16_t>("number of symbols");
  if (entries > superblock_.leaf_entries) reader.fail("more symbols than a node has place for");
  ByteReader(reader).take(superblock_.leaf_entries * 40, "symbol node");
  for (uint64_t i = 0; i < entries; ++i) {
    const std::string name = heap_text(heap, reader.little<uint64_t>("symbol's name"), reader);
    const uint64_t object = reader.little<uint64_t>("symbol's address");
    const uint32_t cached = reader.little<uint32_t>("symbol's cache type");
    reader.take(4, "reserved");
    const uint64_t tree = reader.little<uint64_t>("symbol's scratch");
    const uint64_t table_heap = reader.little<uint64_t>("symbol's scratch");
    if (cached > 1) {
      reader.fail(fmt::format("{}/{}: a link, which is not followed", printable(path, 100),
                              printable(name, 60)));
    }
    if (name.empty() || name == "." || name.find('/') != std::string::npos) {
      reader.fail(fmt::format("'{}' is no name for an object", printable(name, 60)));
    }
    if (depth == 0 && skipped_.contains(name)) continue;
    if (cached == 1) file_.expect_table(object, {tree, table_heap}, reader);
    read_object(name, object, path, depth, group);
  }
}

void Outliner::read_object(const std::string& name, uint64_t address, const std::string& path,
                           size_t depth, Hdf5Outline& group) {
  const std::string place = fmt::format("{}/{}", path, name);
  const std::vector<Hdf5Message> messages = file_.messages(address, place);
  bool is_new = false;
  if (find_symbol_table(messages, file_)) {
    if (depth + 1 >= kDeepestGroup) {
      throw Error(fmt::format("{}: {}: more than {} groups within one another", file_.who(),
                              printable(place, 100), kDeepestGroup));
    }
    Hdf5Outline member = read_group(messages, place, depth + 1);
    member.position = address;
    is_new = group.groups.emplace(name, std::move(member)).second;
  } else {
    is_new = group.datasets.emplace(name, read_hdf5_dataset(messages, file_, place)).second;
  }
  if (!is_new) {
    throw Error(fmt::format("{}: {}: is there twice", file_.who(), printable(place, 100)));
  }
}

Hdf5Outline Outliner::read_group(const std::vector<Hdf5Message>& messages, const std::string& path,
                                 size_t depth) {
  const std::optional<Hdf5SymbolTable> table = find_symbol_table(messages, file_);
  if (!table) throw Error(fmt::format("{}: {}: a group expected", file_.who(), path));
  Hdf5Outline group;
  group.attributes = read_hdf5_attributes(messages, file_, path);
  const LocalHeap heap = read_heap(table->heap);
  read_tree(table->tree, kDeepestTree, heap, path, depth, group);
  return group;
}

}  // namespace

Hdf5Outline outline_hdf5(std::span<const std::byte> bytes, const std::string& who,
                         const std::set<std::string>& skipped) {
  return Outliner(bytes, who, skipped).run();
}

}  // namespace mnist
