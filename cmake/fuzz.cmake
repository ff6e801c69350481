# Preset fuzz: libFuzzer's targets, and the program that makes files for them to begin with. A target reads
# one format of model files, or what its own source says.
add_custom_target(fuzzers)

function(mnist_fuzz_program name source)
  add_executable(${name} ${PROJECT_SOURCE_DIR}/fuzz/${source})
  target_link_libraries(${name} PRIVATE mnist mnist_flags ${libraries})
  add_dependencies(fuzzers ${name})
endfunction()

foreach(format ggml gguf json keras keras-h5 npz onnx pytorch rsnet safetensors tflite)
  mnist_fuzz_program(${format}_fuzz format_fuzz.cpp)
  target_compile_definitions(${format}_fuzz PRIVATE MNIST_FUZZ_FORMAT="${format}")
  target_link_options(${format}_fuzz PRIVATE -fsanitize=fuzzer)
endforeach()
foreach(subject data http-head image infer-request recognise saved-model tfjs)
  string(REPLACE - _ source ${subject}_fuzz.cpp)
  mnist_fuzz_program(${subject}_fuzz ${source})
  target_link_options(${subject}_fuzz PRIVATE -fsanitize=fuzzer)
endforeach()
mnist_fuzz_program(make_seeds make_seeds.cpp)
# Checksums would stop nearly every changed byte before it is read.
target_compile_definitions(mnist_flags INTERFACE FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
# clang 14 cannot place what this check needs for Boost.Asio's templates.
file(GLOB serve_sources ${PROJECT_SOURCE_DIR}/src/serve/*.cpp)
set_source_files_properties(${serve_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=function)
