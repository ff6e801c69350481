# mnist_sources(LAYER SOURCES TESTS): the .cpp files of src/LAYER, found by their place.
#
# A build without libraries (WebAssembly) is made of what needs none but header-only ones. The list
# below is all that it leaves out; where the rest must know, it asks for MNIST_WITHOUT_LIBRARIES.
set(MNIST_NEED_LIBRARIES
  base/zip                 # zlib
  data/content.cpp         # zlib, and what stands on it:
  data/copies.cpp
  data/folder.cpp
  data/gzip.cpp
  data/idx.cpp
  data/image_file.cpp
  data/npz.cpp
  data/source.cpp
  data/download.cpp        # libcurl
  data/fetch.cpp
  data/jpeg.cpp            # libjpeg
  data/png                 # libpng, zlib
  formats/hdf5/            # libhdf5
  formats/keras/
  formats/pytorch/         # base/zip
  formats/npz
  "formats/tensorflow/(bundle|graph_proto|saved_model|table|variable_keys)"  # folders of files
  formats/tfjs/
  train/checkpoint.cpp)    # zlib

function(mnist_sources layer sources_name tests_name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*.cpp)
  if(MNIST_WITHOUT_LIBRARIES)
    foreach(place ${MNIST_NEED_LIBRARIES})
      list(FILTER sources EXCLUDE REGEX "/src/${place}")
    endforeach()
  endif()
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(${sources_name} ${sources} PARENT_SCOPE)
  set(${tests_name} ${tests} PARENT_SCOPE)
endfunction()
