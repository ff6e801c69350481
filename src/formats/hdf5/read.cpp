#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "formats/hdf5/hdf5.h"
#include "formats/hdf5/outline.h"
#include "mnist/error.h"
#ifdef MNIST_WITH_HDF5
#include "formats/hdf5/library.h"
#endif

namespace mnist {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

// The member of `group` at `path`, where `list` is its groups or its tensors.
template <typename Member>
const Member* find_member(const Hdf5Group* group, const std::string& path,
                          const std::map<std::string, Member> Hdf5Group::*list) {
  size_t start = 0;
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', start)) {
    const auto next = group->groups.find(path.substr(start, slash - start));
    if (next == group->groups.end()) return nullptr;
    group = &next->second;
    start = slash + 1;
  }
  const auto found = (group->*list).find(path.substr(start));
  return found == (group->*list).end() ? nullptr : &found->second;
}

#ifdef MNIST_WITH_HDF5
// Copies values from the file that libhdf5 has opened into the outline's places.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& who)
      : who_(who),
        access_(h_.H5Pcreate(h_.file_access), h_.H5Pclose, who, "file", "open"),
        file_(open(bytes), h_.H5Fclose, who, "file", "open") {}

  Hdf5Group read(const Hdf5Outline& outline, const std::string& path) {
    const Hdf5Handle group(h_.H5Gopen2(file_.get(), path.c_str(), H5P_DEFAULT), h_.H5Gclose, who_,
                           path, "open");
    Hdf5Group result;
    result.position = outline.position;
    for (const auto& [name, attribute] : outline.attributes) {
      if (attribute.type.is_text()) result.texts[name] = texts(group.get(), name, attribute);
    }
    for (const auto& [name, dataset] : outline.datasets) {
      result.tensors[name] = tensor(group.get(), name, dataset);
    }
    for (const auto& [name, member] : outline.groups) {
      result.groups[name] = read(member, fmt::format("{}{}/", path, name));
    }
    return result;
  }

 private:
  // From memory, so that nothing in the file leads to another one.
  hid_t open(std::span<const std::byte> bytes) {
    constexpr size_t kGrowth = 1 << 16;
    // libhdf5 copies the image; it takes it as not const for the sake of its callbacks only.
    void* image = const_cast<std::byte*>(bytes.data());
    if (h_.H5Pset_fapl_core(access_.get(), kGrowth, 0) < 0 ||
        h_.H5Pset_file_image(access_.get(), image, bytes.size()) < 0) {
      return -1;
    }
    return h_.H5Fopen("memory", kHdf5ReadOnly, access_.get());
  }

  Tensor tensor(hid_t group, const std::string& name, const Hdf5Array& array) {
    const Hdf5Handle dataset(h_.H5Dopen2(group, name.c_str(), H5P_DEFAULT), h_.H5Dclose, who_, name,
                             "open");
    Tensor tensor{array.shape, std::vector<float>(element_count(array.shape))};
    if (!tensor.values.empty()) {
      const herr_t done = h_.H5Dread(dataset.get(), h_.native_float, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                     tensor.values.data());
      if (done < 0) fail(name);
    }
    return tensor;
  }

  std::vector<std::string> texts(hid_t group, const std::string& name, const Hdf5Array& array) {
    const Hdf5Handle attribute(h_.H5Aopen(group, name.c_str(), H5P_DEFAULT), h_.H5Aclose, who_,
                               name, "open");
    const Hdf5Handle type(h_.H5Aget_type(attribute.get()), h_.H5Tclose, who_, name, "open");
    const size_t count = element_count(array.shape);
    std::vector<std::string> result;
    if (array.type.kind == Hdf5Type::Kind::kFixedText) {
      std::vector<char> stored(count * array.type.size);
      if (count != 0 && h_.H5Aread(attribute.get(), type.get(), stored.data()) < 0) fail(name);
      for (size_t i = 0; i < count; ++i) {
        const char* text = stored.data() + i * array.type.size;
        result.emplace_back(text, strnlen(text, array.type.size));
      }
      return result;
    }
    std::vector<char*> stored(count, nullptr);
    if (count != 0 && h_.H5Aread(attribute.get(), type.get(), stored.data()) < 0) fail(name);
    for (char* text : stored) {
      result.emplace_back(text == nullptr ? "" : text);
      h_.H5free_memory(text);
    }
    return result;
  }

  [[noreturn]] void fail(const std::string& place) const {
    throw Error(fmt::format("{}: {}: libhdf5 cannot read it", who_, printable(place, 100)));
  }

  const Hdf5Library& h_ = hdf5_library();
  const std::string& who_;
  Hdf5Handle access_;
  Hdf5Handle file_;
};
#endif

}  // namespace

const Hdf5Group* Hdf5Group::group(const std::string& path) const {
  return find_member(this, path, &Hdf5Group::groups);
}

const Tensor* Hdf5Group::tensor(const std::string& path) const {
  return find_member(this, path, &Hdf5Group::tensors);
}

std::vector<std::string> Hdf5Group::text_list(const std::string& name) const {
  if (const auto found = texts.find(name); found != texts.end()) return found->second;
  std::vector<std::string> list;
  for (size_t part = 0;; ++part) {
    const auto found = texts.find(fmt::format("{}{}", name, part));
    if (found == texts.end()) return list;
    list.insert(list.end(), found->second.begin(), found->second.end());
  }
}

bool is_hdf5(std::span<const std::byte> head) {
  return head.size() >= kSignature.size() &&
         std::memcmp(head.data(), kSignature.data(), kSignature.size()) == 0;
}

Hdf5Group read_hdf5(std::span<const std::byte> bytes, const std::string& who,
                    const std::set<std::string>& skipped) {
  if (!is_hdf5(bytes)) throw Error(fmt::format("{}: an HDF5 file expected", who));
  const Hdf5Outline outline = outline_hdf5(bytes, who, skipped);
#ifdef MNIST_WITH_HDF5
  const std::lock_guard lock(hdf5_mutex());
  return Reader(bytes, who).read(outline, "/");
#else
  throw Error(fmt::format("{}: HDF5, which this build of the program does not read", who));
#endif
}

}  // namespace mnist
