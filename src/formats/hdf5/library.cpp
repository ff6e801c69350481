#ifdef MNIST_WITH_HDF5
#include "formats/hdf5/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstring>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

template <typename Pointer>
void find(void* library, const char* name, Pointer& pointer) {
  void* address = dlsym(library, name);
  if (address == nullptr) throw Error(fmt::format("libhdf5: has no {}", name));
  std::memcpy(&pointer, &address, sizeof(pointer));
}

hid_t constant(void* library, const char* name) {
  const hid_t* value = nullptr;
  find(library, name, value);
  return *value;
}

Hdf5Library load() {
  void* library = dlopen(MNIST_HDF5_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(
        fmt::format("{} is needed for Keras's files and was not found: install it (Debian: "
                    "libhdf5-103-1)",
                    MNIST_HDF5_LIBRARY));
  }
  Hdf5Library f;
  decltype(&::H5open) open = nullptr;
  find(library, "H5open", open);
  find(library, "H5Aclose", f.H5Aclose);
  find(library, "H5Aget_type", f.H5Aget_type);
  find(library, "H5Aopen", f.H5Aopen);
  find(library, "H5Aread", f.H5Aread);
  find(library, "H5Dclose", f.H5Dclose);
  find(library, "H5Dcreate2", f.H5Dcreate2);
  find(library, "H5Dopen2", f.H5Dopen2);
  find(library, "H5Dread", f.H5Dread);
  find(library, "H5Dwrite", f.H5Dwrite);
  find(library, "H5Eset_auto2", f.H5Eset_auto2);
  find(library, "H5Fclose", f.H5Fclose);
  find(library, "H5Fcreate", f.H5Fcreate);
  find(library, "H5Fflush", f.H5Fflush);
  find(library, "H5Fget_file_image", f.H5Fget_file_image);
  find(library, "H5Fopen", f.H5Fopen);
  find(library, "H5Gclose", f.H5Gclose);
  find(library, "H5Gcreate2", f.H5Gcreate2);
  find(library, "H5Gopen2", f.H5Gopen2);
  find(library, "H5Pclose", f.H5Pclose);
  find(library, "H5Pcreate", f.H5Pcreate);
  find(library, "H5Pset_fapl_core", f.H5Pset_fapl_core);
  find(library, "H5Pset_file_image", f.H5Pset_file_image);
  find(library, "H5Pset_obj_track_times", f.H5Pset_obj_track_times);
  find(library, "H5Sclose", f.H5Sclose);
  find(library, "H5Screate_simple", f.H5Screate_simple);
  find(library, "H5Tclose", f.H5Tclose);
  find(library, "H5free_memory", f.H5free_memory);
  if (open() < 0) throw Error("libhdf5: cannot be started");
  f.native_float = constant(library, "H5T_NATIVE_FLOAT_g");
  f.little_float = constant(library, "H5T_IEEE_F32LE_g");
  f.file_access = constant(library, "H5P_CLS_FILE_ACCESS_ID_g");
  f.dataset_create = constant(library, "H5P_CLS_DATASET_CREATE_ID_g");
  f.H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // it would print each error with its history
  return f;
}

}  // namespace

const Hdf5Library& hdf5_library() {
  static const Hdf5Library functions = load();  // once, by one thread; tried again if it threw
  return functions;
}

std::mutex& hdf5_mutex() {
  static std::mutex mutex;
  return mutex;
}

Hdf5Handle::Hdf5Handle(hid_t id, Close close, const std::string& who, const std::string& place,
                       const char* what)
    : id_(id), close_(close) {
  if (id >= 0) return;
  throw Error(fmt::format("{}: {}: libhdf5 cannot {} it", who, printable(place, 100), what));
}

}  // namespace mnist
#endif
