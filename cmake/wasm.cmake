# cmake --preset wasm: the library for browsers and the page, as one folder of static files
# (build/wasm/site). The code is compiled once and linked twice: with threads, which need headers of
# the server's that many hosts cannot set, and without; the page chooses.
set(MNIST_WITHOUT_LIBRARIES ON)

# Header-only libraries, without the rest of /usr/include.
set(headers ${PROJECT_BINARY_DIR}/headers)
file(MAKE_DIRECTORY ${headers})
foreach(header fmt/format.h nlohmann/json.hpp hwy/highway.h)
  get_filename_component(library ${header} DIRECTORY)
  find_path(${library}_place ${header} PATHS /usr/include REQUIRED NO_CMAKE_FIND_ROOT_PATH)
  file(CREATE_LINK ${${library}_place}/${library} ${headers}/${library} SYMBOLIC)
endforeach()

set(sources "")
foreach(layer base model ops engine data formats classify train web)
  mnist_sources(${layer} files tests)
  list(APPEND sources ${files})
endforeach()
# The page loads its models as files.
list(FILTER sources EXCLUDE REGEX "/formats/builtin\\.cpp$")
# Time is spent in kernels and filters; of the rest, size counts. Sizes have 32 bits here, and readers
# compare in 64 with the bytes that are left before they narrow.
set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-Oz;-Wno-shorten-64-to-32")
set(fast ${sources})
list(FILTER fast INCLUDE REGEX 
  "/(ops/(.*_kernels|activation|batch_norm|max_pool|transpose)|data/(augment|plane|raster)|train/(loss|opt))")
set_source_files_properties(${fast} PROPERTIES COMPILE_OPTIONS "-O2;-Wno-shorten-64-to-32")

set(site ${PROJECT_BINARY_DIR}/site)
add_library(mnist_wasm OBJECT ${sources})
target_link_libraries(mnist_wasm PRIVATE mnist_flags)
target_include_directories(mnist_wasm SYSTEM PRIVATE ${headers})
# Neither locales nor streams: they would be a quarter of the result.
target_compile_definitions(mnist_wasm PRIVATE MNIST_WITHOUT_LIBRARIES JSON_NO_IO
  FMT_STATIC_THOUSANDS_SEPARATOR=',')
target_compile_options(mnist_wasm PRIVATE -pthread -msimd128 -fwasm-exceptions -fno-rtti
  "SHELL:-include ${PROJECT_SOURCE_DIR}/src/web/old_libcxx.h")

function(mnist_wasm name)
  add_executable(${name} $<TARGET_OBJECTS:mnist_wasm>)
  target_link_options(${name} PRIVATE -Oz -fwasm-exceptions --no-entry
    -sENVIRONMENT=web,worker,node -sMODULARIZE -sEXPORT_ES6 -sALLOW_MEMORY_GROWTH
    -sMAXIMUM_MEMORY=1GB -sTOTAL_STACK=1MB -sFILESYSTEM=0 -sMALLOC=emmalloc
    -sEXPORTED_FUNCTIONS=_malloc,_free ${ARGN})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX SUFFIX .js
    RUNTIME_OUTPUT_DIRECTORY ${site})
endfunction()
mnist_wasm(mnist)
mnist_wasm(mnist-threads -pthread -sPTHREAD_POOL_SIZE=Module.threads -sIMPORTED_MEMORY
  -sINITIAL_MEMORY=32MB -Wno-pthreads-mem-growth)

# The page, its models and some test digits (MNIST's, where MNIST_DATA_DIR names a folder with them).
find_program(NODE NAMES node nodejs REQUIRED)
add_custom_target(site ALL
  COMMAND ${NODE} ${PROJECT_SOURCE_DIR}/web/make_site.mjs
          ${PROJECT_SOURCE_DIR} ${site}
  VERBATIM)
add_dependencies(site mnist mnist-threads)
