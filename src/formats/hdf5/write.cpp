#include <fmt/format.h>

#include "formats/hdf5/hdf5.h"
#include "mnist/error.h"
#ifdef MNIST_WITH_HDF5
#include "formats/hdf5/library.h"
#endif

namespace mnist {

#ifdef MNIST_WITH_HDF5
namespace {

class Writer {
 public:
  explicit Writer(const std::string& who)
      : who_(who),
        access_(h_.H5Pcreate(h_.file_access), h_.H5Pclose, who, "file", "make"),
        timeless_(h_.H5Pcreate(h_.dataset_create), h_.H5Pclose, who, "file", "make"),
        file_(create(), h_.H5Fclose, who, "file", "make") {
    // Times would make two files of one model differ.
    h_.H5Pset_obj_track_times(timeless_.get(), false);
  }

  void write(const Hdf5Group& group, const std::string& path) {
    for (const auto& [name, tensor] : group.tensors) write(tensor, path + name);
    for (const auto& [name, member] : group.groups) {
      const std::string place = path + name;
      const Hdf5Handle made(
          h_.H5Gcreate2(file_.get(), place.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
          h_.H5Gclose, who_, place, "make");
      write(member, fmt::format("{}/", place));
    }
  }

  std::vector<std::byte> image() {
    if (h_.H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) < 0) fail();
    const ssize_t size = h_.H5Fget_file_image(file_.get(), nullptr, 0);
    if (size < 0) fail();
    std::vector<std::byte> bytes(static_cast<size_t>(size));
    if (h_.H5Fget_file_image(file_.get(), bytes.data(), bytes.size()) != size) fail();
    return bytes;
  }

 private:
  hid_t create() {
    constexpr size_t kGrowth = 1 << 16;
    if (h_.H5Pset_fapl_core(access_.get(), kGrowth, 0) < 0) return -1;
    return h_.H5Fcreate("memory", kHdf5Truncate, H5P_DEFAULT, access_.get());
  }

  void write(const Tensor& tensor, const std::string& place) {
    std::vector<hsize_t> extents(tensor.shape.begin(), tensor.shape.end());
    const Hdf5Handle space(
        h_.H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), h_.H5Sclose,
        who_, place, "make");
    const Hdf5Handle dataset(h_.H5Dcreate2(file_.get(), place.c_str(), h_.little_float, space.get(),
                                           H5P_DEFAULT, timeless_.get(), H5P_DEFAULT),
                             h_.H5Dclose, who_, place, "make");
    const herr_t done = h_.H5Dwrite(dataset.get(), h_.native_float, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                    tensor.values.data());
    if (done < 0) fail();
  }

  [[noreturn]] void fail() const {
    throw Error(fmt::format("{}: libhdf5 cannot write it (out of memory?)", who_));
  }

  const Hdf5Library& h_ = hdf5_library();
  const std::string& who_;
  Hdf5Handle access_;
  Hdf5Handle timeless_;
  Hdf5Handle file_;
};

}  // namespace
#endif

std::vector<std::byte> write_hdf5([[maybe_unused]] const Hdf5Group& root, const std::string& who) {
#ifdef MNIST_WITH_HDF5
  const std::lock_guard lock(hdf5_mutex());
  Writer writer(who);
  writer.write(root, "/");
  return writer.image();
#else
  throw Error(fmt::format("{}: HDF5, which this build of the program does not write", who));
#endif
}

}  // namespace mnist
