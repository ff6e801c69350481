# The library that users link, the program, and their installation.
get_property(layers GLOBAL PROPERTY MNIST_LAYERS)
get_property(libraries GLOBAL PROPERTY MNIST_LAYER_LIBRARIES)
list(REMOVE_ITEM layers cli)
add_library(mnist STATIC)
add_library(mnist::mnist ALIAS mnist)
foreach(layer ${layers})
  target_sources(mnist PRIVATE $<TARGET_OBJECTS:mnist_${layer}>)
endforeach()
target_compile_features(mnist PUBLIC cxx_std_20)

# The built-in model becomes part of the library, as an array that is made when it changes.
set(digit_model ${PROJECT_SOURCE_DIR}/models/digit.gguf)
set(digit_array ${PROJECT_BINARY_DIR}/digit_model.cpp)
if(NOT EXISTS ${digit_model})
  message(FATAL_ERROR "${digit_model} is missing: the built-in model is part of the repository")
endif()
add_custom_command(OUTPUT ${digit_array}
  COMMAND ${CMAKE_COMMAND} -D INPUT=${digit_model} -D OUTPUT=${digit_array} -D NAME=kDigitModel
          -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${digit_model} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
target_sources(mnist_formats PRIVATE ${digit_array})

# The program.
# GCC 12 warns of overlapping copies in std::string's own operator+ (gcc.gnu.org/PR105651).
target_compile_options(mnist_cli PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(mnist_cli PRIVATE MNIST_VERSION="${PROJECT_VERSION}")
include(cmake/page.cmake)
add_executable(mnist_program $<TARGET_OBJECTS:mnist_cli>)
set_target_properties(mnist_program PROPERTIES OUTPUT_NAME mnist)
target_link_libraries(mnist_program PRIVATE mnist mnist_flags ${libraries})

# The tests that run it. main.cpp's function of that name is GoogleTest's there.
if(MNIST_TESTS)
  file(GLOB cli_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/cli/*.cpp)
  add_executable(mnist_cli_test ${cli_tests}
    $<FILTER:$<TARGET_OBJECTS:mnist_cli>,EXCLUDE,/main\\.cpp>)
  target_link_libraries(mnist_cli_test PRIVATE mnist mnist_flags ${libraries} GTest::gtest
                        GTest::gmock GTest::gtest_main)
  target_compile_definitions(mnist_cli_test PRIVATE MNIST_PROGRAM="$<TARGET_FILE:mnist_program>")
  add_dependencies(mnist_cli_test mnist_program)
  gtest_discover_tests(mnist_cli_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS cli)

  # Every network through every format, run before and after.
  file(GLOB format_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/formats/*.cpp)
  add_executable(mnist_round_trip_test ${format_tests}
    ${PROJECT_SOURCE_DIR}/src/ops/op_rows_for_test.cpp)
  target_link_libraries(mnist_round_trip_test PRIVATE mnist mnist_flags ${libraries} GTest::gtest
                        GTest::gmock GTest::gtest_main)
  target_compile_definitions(mnist_round_trip_test PRIVATE
    MNIST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(mnist_round_trip_test DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 600 LABELS round_trip)

  # Model files of other programs, with everything that opens and runs them.
  file(GLOB zoo_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/zoo/*.cpp)
  add_executable(mnist_zoo_test ${zoo_tests})
  target_link_libraries(mnist_zoo_test PRIVATE mnist mnist_flags ${libraries} GTest::gtest
                        GTest::gtest_main)
  gtest_discover_tests(mnist_zoo_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS zoo)

  # The server, asked over its port.
  file(GLOB serve_tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/serve/*.cpp)
  add_executable(mnist_serve_test ${serve_tests})
  target_link_libraries(mnist_serve_test PRIVATE mnist mnist_flags ${libraries} GTest::gtest
                        GTest::gtest_main)
  gtest_discover_tests(mnist_serve_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS serve)
endif()

include(cmake/install.cmake)

if(MNIST_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(op_bench bench/op_bench.cpp)
  target_compile_options(op_bench PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  target_link_libraries(op_bench PRIVATE mnist mnist_flags ${libraries} benchmark::benchmark)
endif()

if(MNIST_FUZZ)
  include(cmake/fuzz.cmake)
endif()
