# Flags for our own targets only; users of the installed package inherit none of them.
add_library(mnist_flags INTERFACE)
target_compile_options(mnist_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror -ffp-contract=off
  -fno-math-errno)
target_include_directories(mnist_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(MNIST_SANITIZE)
  target_compile_options(mnist_flags INTERFACE
    -fsanitize=${MNIST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(mnist_flags INTERFACE -fsanitize=${MNIST_SANITIZE})
endif()
