# cmake --preset wasm: the library for browsers and the page, as one folder of static files
# (build/wasm/site). The code is compiled once and linked three times: the page's engine with threads,
# which need headers of the server's that many hosts cannot set, and without; the page chooses. And
# the reader of other programs' model files, which only those load who have one.
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
# Time is spent in kernels and filters; of the rest, size counts, and visitors wait for every byte:
# hence no unrolling, and no vectors but those that are written. Sizes have 32 bits here, and readers
# compare in 64 with the bytes that are left before they narrow.
set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-Oz;-Wno-shorten-64-to-32")
set(fast ${sources})
list(FILTER fast INCLUDE REGEX 
  "/ops/(.*_kernels|max_pool|transpose)")
set_source_files_properties(${fast} PROPERTIES COMPILE_OPTIONS "-O2;-fno-unroll-loops;-Wno-shorten-64-to-32")

# What prepares a drawing while it is drawn, and digits to learn from.
set(filters ${sources})
list(FILTER filters INCLUDE REGEX
  "/(data/(augment|components|grid_lines|ink|pen|plane|raster)|train/(loss|opt.*))\\.cpp$")
set_source_files_properties(${filters} PROPERTIES COMPILE_OPTIONS "-O1;-Wno-shorten-64-to-32")

set(site ${PROJECT_BINARY_DIR}/site)
set(page ${sources})
list(FILTER page INCLUDE REGEX "/src/web/[a-z_]+\\.cpp$")
set(reader ${sources})
list(FILTER reader INCLUDE REGEX "/src/web/reader/")
set(shared exports fmt gguf)
list(TRANSFORM shared REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/src/web/\\1.cpp")
list(REMOVE_ITEM page ${shared})
list(REMOVE_ITEM sources ${page} ${reader})
# An archive: what a program does not ask for is not in it.
add_library(mnist_wasm STATIC ${sources})
target_link_libraries(mnist_wasm PUBLIC mnist_flags)
target_include_directories(mnist_wasm SYSTEM PUBLIC ${headers})
# Neither locales nor streams: they would be a quarter of the result.
target_compile_definitions(mnist_wasm PUBLIC MNIST_WITHOUT_LIBRARIES JSON_NO_IO
  FMT_USE_LONG_DOUBLE=0 FMT_USE_INT128=0 FMT_STATIC_THOUSANDS_SEPARATOR=',')
# Whatever has vectors and exceptions has these, too.
target_compile_options(mnist_wasm PUBLIC -pthread -msimd128 -fwasm-exceptions -fno-rtti
  -mnontrapping-fptoint -msign-ext -mbulk-memory
  "SHELL:-include ${PROJECT_SOURCE_DIR}/src/web/old_libcxx.h")

function(mnist_wasm name)
  cmake_parse_arguments(ARG "" "" "SOURCES;OPTIONS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE mnist_wasm)
  target_link_options(${name} PRIVATE -Oz -fwasm-exceptions --no-entry
    -sMODULARIZE -sEXPORT_ES6 -sALLOW_MEMORY_GROWTH
    -sMAXIMUM_MEMORY=1GB -sTOTAL_STACK=1MB -sFILESYSTEM=0 -sMALLOC=emmalloc
    -sEXPORTED_FUNCTIONS=_malloc,_free -sBINARYEN_EXTRA_PASSES=-Oz,--converge ${ARG_OPTIONS})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX SUFFIX .js
    RUNTIME_OUTPUT_DIRECTORY ${site})
endfunction()
# Under Node, the build makes test digits and tests look at numbers.
mnist_wasm(mnist SOURCES ${page} OPTIONS -sENVIRONMENT=web,worker,node)
mnist_wasm(mnist-reader SOURCES ${reader} OPTIONS -sENVIRONMENT=web,worker,node)
mnist_wasm(mnist-threads SOURCES ${page} OPTIONS -sENVIRONMENT=web,worker -pthread
  -sPTHREAD_POOL_SIZE=Module.threads -sIMPORTED_MEMORY
  -sINITIAL_MEMORY=32MB -Wno-pthreads-mem-growth
  "SHELL:--js-library ${PROJECT_SOURCE_DIR}/src/web/no_graphics.js")

# The page, its models and some test digits (MNIST's, where MNIST_DATA_DIR names a folder with them).
find_program(NODE NAMES node nodejs REQUIRED)
add_custom_target(site ALL
  COMMAND ${NODE} ${PROJECT_SOURCE_DIR}/web/make_site.mjs
          ${PROJECT_SOURCE_DIR} ${site}
  VERBATIM)
add_dependencies(site mnist mnist-reader mnist-threads)
