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
  mnist_sources(${name} sources tests)
  list(TRANSFORM ARG_USES PREPEND mnist_)
  if(NOT sources)
    file(WRITE ${PROJECT_BINARY_DIR}/empty.cpp "")
    set(sources ${PROJECT_BINARY_DIR}/empty.cpp)
  endif()
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
    target_compile_definitions(mnist_${name}_test PRIVATE
      MNIST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(mnist_${name}_test DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 600 LABELS ${name})
  endif()
endfunction()

# An optional library of a layer, and the macro that says it is there.
function(mnist_use name library macro)
  target_link_libraries(mnist_${name} PUBLIC ${library})
  target_compile_definitions(mnist_${name} PUBLIC ${macro})
  if(TARGET mnist_${name}_test)
    target_link_libraries(mnist_${name}_test PRIVATE ${library})
  endif()
  set_property(GLOBAL APPEND PROPERTY MNIST_LAYER_LIBRARIES ${library})
endfunction()
