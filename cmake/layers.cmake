# mnist_layer(NAME USES layer... LIBRARIES target...)
#
# Makes the object library mnist_NAME from src/NAME/**/*.cpp and, from its *_test.cpp, the test
# program mnist_NAME_test. Files are found by their place: a new file needs no line in CMake.
if(MNIST_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
set_property(GLOBAL PROPERTY MNIST_LAYERS "")
set_property(GLOBAL PROPERTY MNIST_LAYER_LIBRARIES "")

function(mnist_layer name)
  cmake_parse_arguments(ARG "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM ARG_USES PREPEND mnist_)
  add_library(mnist_${name} OBJECT ${sources})
  set_target_properties(mnist_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE CXX)
  target_link_libraries(mnist_${name} PUBLIC mnist_flags ${ARG_LIBRARIES} ${ARG_USES})
  set_property(GLOBAL APPEND PROPERTY MNIST_LAYERS ${name})
  set_property(GLOBAL APPEND PROPERTY MNIST_LAYER_LIBRARIES ${ARG_LIBRARIES})

  # Objects do not travel through link interfaces, so a test names those of every layer below it.
  set(closure ${name})
  foreach(lower ${ARG_USES})
    get_target_property(below ${lower} MNIST_CLOSURE)
    list(APPEND closure ${below})
  endforeach()
  list(REMOVE_DUPLICATES closure)
  set_target_properties(mnist_${name} PROPERTIES MNIST_CLOSURE "${closure}")
  if(MNIST_TESTS AND tests)
    add_executable(mnist_${name}_test ${tests})
    foreach(layer ${closure})
      target_sources(mnist_${name}_test PRIVATE $<TARGET_OBJECTS:mnist_${layer}>)
    endforeach()
    target_link_libraries(mnist_${name}_test PRIVATE mnist_${name} GTest::gtest GTest::gmock
                          GTest::gtest_main)
    gtest_discover_tests(mnist_${name}_test DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 600 LABELS ${name})
  endif()
endfunction()
