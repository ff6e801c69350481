# libhdf5 is loaded with the first HDF5 file (src/formats/hdf5/library.h): its header is needed to
# build, and the name under which the program finds the library that the header belongs to.
find_library(hdf5_library NAMES hdf5 hdf5_serial HINTS ${HDF5_LIBRARY_DIRS} REQUIRED)
file(REAL_PATH "${hdf5_library}" hdf5_file)
get_filename_component(hdf5_file "${hdf5_file}" NAME)
# libhdf5_serial.so.103.3.1 is loaded as libhdf5_serial.so.103, the name that its version promises.
string(REGEX REPLACE "(\\.so\\.[0-9]+).*" "\\1" hdf5_file "${hdf5_file}")
target_include_directories(mnist_formats SYSTEM PRIVATE ${HDF5_INCLUDE_DIRS})
target_compile_definitions(mnist_formats PRIVATE MNIST_WITH_HDF5
  MNIST_HDF5_LIBRARY="${hdf5_file}")
