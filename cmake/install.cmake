# cmake --install: the program, the library with its headers, and what find_package(mnist) reads.
include(CMakePackageConfigHelpers)
target_include_directories(mnist PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
# A static library leaves linking what it uses to the program.
target_link_libraries(mnist PUBLIC fmt::fmt ZLIB::ZLIB PNG::PNG Threads::Threads ${CMAKE_DL_LIBS})
target_link_libraries(mnist PUBLIC $<BUILD_INTERFACE:PkgConfig::HWY> $<INSTALL_INTERFACE:hwy>)
set(optional_dependencies "")
if(MNIST_JPEG)
  target_link_libraries(mnist PUBLIC JPEG::JPEG)
  string(APPEND optional_dependencies "find_dependency(JPEG)\n")
endif()
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/mnist)
install(TARGETS mnist EXPORT mnist ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS mnist_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mnist DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT mnist NAMESPACE mnist:: DESTINATION ${package_folder} FILE mnist-targets.cmake)
file(WRITE ${PROJECT_BINARY_DIR}/mnist-config.cmake.in "@PACKAGE_INIT@
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)
find_dependency(ZLIB)
find_dependency(PNG)
${optional_dependencies}include(\"\${CMAKE_CURRENT_LIST_DIR}/mnist-targets.cmake\")
check_required_components(mnist)
")
configure_package_config_file(${PROJECT_BINARY_DIR}/mnist-config.cmake.in
  ${PROJECT_BINARY_DIR}/mnist-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mnist-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mnist-config.cmake
  ${PROJECT_BINARY_DIR}/mnist-config-version.cmake DESTINATION ${package_folder})
