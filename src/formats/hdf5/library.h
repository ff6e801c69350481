// libhdf5, loaded when the first HDF5 file is read or written: linked, it and the thirty libraries
// that it needs would cost every start of the program more than all else.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>

namespace mnist {

// The functions and types of libhdf5 that are used, under their own names.
struct Hdf5Library {
  decltype(&::H5Aclose) H5Aclose = nullptr;
  decltype(&::H5Aget_type) H5Aget_type = nullptr;
  decltype(&::H5Aopen) H5Aopen = nullptr;
  decltype(&::H5Aread) H5Aread = nullptr;
  decltype(&::H5Dclose) H5Dclose = nullptr;
  decltype(&::H5Dcreate2) H5Dcreate2 = nullptr;
  decltype(&::H5Dopen2) H5Dopen2 = nullptr;
  decltype(&::H5Dread) H5Dread = nullptr;
  decltype(&::H5Dwrite) H5Dwrite = nullptr;
  decltype(&::H5Eset_auto2) H5Eset_auto2 = nullptr;
  decltype(&::H5Fclose) H5Fclose = nullptr;
  decltype(&::H5Fcreate) H5Fcreate = nullptr;
  decltype(&::H5Fflush) H5Fflush = nullptr;
  decltype(&::H5Fget_file_image) H5Fget_file_image = nullptr;
  decltype(&::H5Fopen) H5Fopen = nullptr;
  decltype(&::H5Gclose) H5Gclose = nullptr;
  decltype(&::H5Gcreate2) H5Gcreate2 = nullptr;
  decltype(&::H5Gopen2) H5Gopen2 = nullptr;
  decltype(&::H5Pclose) H5Pclose = nullptr;
  decltype(&::H5Pcreate) H5Pcreate = nullptr;
  decltype(&::H5Pset_fapl_core) H5Pset_fapl_core = nullptr;
  decltype(&::H5Pset_file_image) H5Pset_file_image = nullptr;
  decltype(&::H5Pset_obj_track_times) H5Pset_obj_track_times = nullptr;
  decltype(&::H5Sclose) H5Sclose = nullptr;
  decltype(&::H5Screate_simple) H5Screate_simple = nullptr;
  decltype(&::H5Tclose) H5Tclose = nullptr;
  decltype(&::H5free_memory) H5free_memory = nullptr;
  hid_t native_float = -1;
  hid_t little_float = -1;
  hid_t file_access = -1;  // classes of property lists
  hid_t dataset_create = -1;
};

// H5F_ACC_RDONLY and H5F_ACC_TRUNC, which as macros call the library.
inline constexpr unsigned kHdf5ReadOnly = 0;
inline constexpr unsigned kHdf5Truncate = 2;

// Throws Error where the library is not installed.
const Hdf5Library& hdf5_library();

// libhdf5 is not made for threads: one at a time holds this.
std::mutex& hdf5_mutex();

// One of libhdf5's handles; closed with its owner.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);
  // Throws Error "who: place: libhdf5 cannot ..." where `id` says that it failed.
  Hdf5Handle(hid_t id, Close close, const std::string& who, const std::string& place,
             const char* what);
  ~Hdf5Handle() { close_(id_); }
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  Close close_;
};

}  // namespace mnist
