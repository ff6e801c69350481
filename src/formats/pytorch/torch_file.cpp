#include "formats/pytorch/torch_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "formats/pytorch/numpy_array.h"
#include "mnist/error.h"

namespace mnist {
namespace {

// torch.serialization's MAGIC_NUMBER 0x1950a86a20f9469cfc6c, as LONG1 stores it.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr int64_t kProtocol = 1001;

struct StorageType {
  std::string_view name;  // without "torch." and "Storage"
  size_t bytes;
};
constexpr StorageType kStorageTypes[] = {{"Float", 4}, {"Double", 8}, {"Half", 2},  {"BFloat16", 2},
                                         {"Long", 8},  {"Int", 4},    {"Short", 2}, {"Char", 1},
                                         {"Byte", 1},  {"Bool", 1}};

// Of one value; 0 for a type that is none of numbers.
size_t storage_width(std::string_view type) {
  type.remove_prefix(type.rfind('.') + 1);
  type.remove_suffix(std::string_view("Storage").size());
  for (const StorageType& known : kStorageTypes) {
    if (known.name == type) return known.bytes;
  }
  return 0;
}

// The next of several pickles, each as its own machine reads it.
Pickle next_pickle(ByteReader& reader, std::span<const std::byte> bytes) {
  Pickle pickle = read_pickle(bytes.subspan(reader.position()), reader.who());
  reader.take(pickle.size, "pickle");
  return pickle;
}

void expect_little_endian(const Pickle& information, const std::string& who) {
  const auto* dict = information.root->as<PickleDict>();
  const PickleRef found = dict == nullptr ? nullptr : find_item(*dict, "little_endian");
  const bool* is_little = found == nullptr ? nullptr : found->as<bool>();
  if (is_little != nullptr && *is_little) return;
  throw Error(fmt::format("{}: written on a big-endian machine, which is not supported", who));
}

// Whether it is a pickle of NumPy's arrays, which stands alone.
bool holds_arrays(const Pickle& pickle) {
  return std::any_of(pickle.values.begin(), pickle.values.end(),
                     [](const PickleValue& value) { return is_numpy_array(&value); });
}

// The one folder that all entries lie in, with its slash.
std::string top_folder(const ZipArchive& archive) {
  std::string top;
  for (const ZipEntry& entry : archive.entries()) {
    const std::string_view folder = entry.name.substr(0, entry.name.find('/') + 1);
    if (top.empty()) top = folder;
    if (folder.empty() || folder != top) {
      throw Error(
          fmt::format("{}: entry '{}': one folder with everything in it expected, as "
                      "PyTorch writes it",
                      archive.who(), printable(entry.name, 80)));
    }
  }
  return top;
}

}  // namespace

TorchFile::TorchFile(std::span<const std::byte> bytes, const std::string& who)
    : who_(who), values_left_(bytes.size()) {
  if (bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'}) {
    open_archive(bytes);
  } else if (!bytes.empty() && bytes[0] == std::byte{0x80}) {
    open_pickles(bytes);
  } else {
    throw Error(
        fmt::format("{}: neither a zip archive nor a pickle, one of which PyTorch's files "
                    "begin with; save it again with PyTorch 1.6 or later, or as "
                    "safetensors",
                    who));
  }
}

void TorchFile::open_archive(std::span<const std::byte> bytes) {
  archive_.emplace(bytes, who_);
  top_ = top_folder(*archive_);
  const ZipEntry* data = archive_->find(top_ + "data.pkl");
  if (data == nullptr) {
    throw Error(
        fmt::format("{}: a zip archive without '{}data.pkl': not a file of PyTorch 1.4 or "
                    "later",
                    who_, printable(top_, 80)));
  }
  const ZipEntry* order = archive_->find(top_ + "byteorder");
  if (order != nullptr) {
    const auto word = archive_->plain(*order);
    const std::string_view text(reinterpret_cast<const char*>(word.data()), word.size());
    if (text != "little") {
      throw Error(
          fmt::format("{}: byte order 'little' expected, got '{}'", who_, printable(text, 20)));
    }
  }
  const std::string code = top_ + "code/";
  is_script_ = std::any_of(archive_->entries().begin(), archive_->entries().end(),
                           [&](const ZipEntry& entry) { return entry.name.starts_with(code); });
  pickle_ = read_pickle(archive_->plain(*data), who_ + ": data.pkl");
  open_constants();
}

// Five pickles: magic number, version, the machine, the object, the keys of the storages; then for
// each key a count and the values.
void TorchFile::open_pickles(std::span<const std::byte> bytes) {
  ByteReader reader(bytes, who_);
  Pickle magic = next_pickle(reader, bytes);
  const auto* number = magic.root->as<PickleBigInteger>();
  if (number == nullptr || number->bytes != kMagic) {
    if (holds_arrays(magic) && reader.remaining() == 0) {
      pickle_ = std::move(magic);
      return;
    }
    if (!magic.foreign.empty()) {
      reader.fail(
          fmt::format("pickle global '{}' is not allowed: a pickle that torch.save did not "
                      "write",
                      printable(magic.foreign, 120)));
    }
    reader.fail("a pickle that torch.save did not write");
  }
  const Pickle version = next_pickle(reader, bytes);
  const auto* protocol = version.root->as<int64_t>();
  if (protocol == nullptr || *protocol != kProtocol)
    reader.fail("PyTorch's protocol 1001 expected");
  expect_little_endian(next_pickle(reader, bytes), who_);
  pickle_ = next_pickle(reader, bytes);

  std::map<std::string_view, const PickleStorage*> named;
  for (const PickleValue& value : pickle_.values) {
    if (const auto* storage = value.as<PickleStorage>()) named.emplace(storage->key, storage);
  }
  const Pickle keys = next_pickle(reader, bytes);
  const auto* list = keys.root->as<PickleList>();
  if (list == nullptr) reader.fail("a list of storages expected");
  for (PickleRef item : list->items) {
    const auto* key = item->as<PickleText>();
    const auto found = key == nullptr ? named.end() : named.find(key->text);
    if (found == named.end()) reader.fail("a storage that nothing refers to");
    const PickleStorage& storage = *found->second;
    if (reader.little<int64_t>("storage's count") != storage.count || storage.count < 0) {
      reader.fail(fmt::format("storage '{}' has another count than it should have",
                              printable(storage.key, 40)));
    }
    const auto size =
        checked_multiply(static_cast<uint64_t>(storage.count), storage_width(storage.type));
    if (!size) reader.fail("a storage is too large");
    if (!storages_.emplace(std::string(storage.key), reader.take(*size, "storage")).second) {
      reader.fail(fmt::format("storage '{}' comes twice", printable(storage.key, 40)));
    }
  }
  if (reader.remaining() != 0) reader.fail("bytes after the last storage");
}

// TorchScript keeps the tensors that its code names apart from the modules'.
void TorchFile::open_constants() {
  const ZipEntry* entry = archive_->find(top_ + "constants.pkl");
  if (!is_script_ || entry == nullptr) return;
  constants_pickle_ = read_pickle(archive_->plain(*entry), who_ + ": constants.pkl");
  const auto* tuple = constants_pickle_.root->as<PickleTuple>();
  if (tuple != nullptr) constants_ = tuple->items;
}

std::vector<std::pair<std::string, std::string>> TorchFile::code(uint64_t most) const {
  constexpr std::string_view kSuffix = ".py";
  std::vector<std::pair<std::string, std::string>> result;
  const std::string folder = top_ + "code/";
  for (const ZipEntry& entry : archive_->entries()) {
    if (!entry.name.starts_with(folder) || !entry.name.ends_with(kSuffix)) continue;
    std::string module(entry.name.substr(folder.size()));
    module.resize(module.size() - kSuffix.size());
    std::replace(module.begin(), module.end(), '/', '.');
    if (entry.size > most) throw Error(fmt::format("{}: more code than a network has", who_));
    most -= entry.size;
    const std::vector<std::byte> bytes = archive_->content(entry);
    result.emplace_back(std::move(module),
                        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  return result;
}

std::span<const std::byte> TorchFile::storage_bytes(std::string_view folder,
                                                    const PickleStorage& storage, size_t each,
                                                    const std::string& place) {
  const std::string key =
      archive_ ? fmt::format("{}{}", folder, storage.key) : std::string(storage.key);
  auto found = storages_.find(key);
  if (found == storages_.end() && archive_) {
    const ZipEntry* entry = archive_->find(top_ + key);
    if (entry != nullptr) found = storages_.emplace(key, archive_->plain(*entry)).first;
  }
  if (found == storages_.end()) {
    throw Error(fmt::format("{}: its storage '{}' is missing", place, printable(storage.key, 40)));
  }
  const auto size = checked_multiply(static_cast<uint64_t>(storage.count), each);
  if (storage.count < 0 || size != found->second.size()) {
    throw Error(fmt::format("{}: a storage of {} values of {} bytes, it has {} bytes", place,
                            storage.count, each, found->second.size()));
  }
  return found->second;
}

}  // namespace mnist
