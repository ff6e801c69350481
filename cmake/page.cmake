# The page as a part of the program. MNIST_SITE is a folder that the preset wasm made; without one,
# the page's own sources are embedded, and the page says what is missing.
set(MNIST_SITE "" CACHE PATH "The page's files to embed (default: build/wasm/site where it is there)")
set(site ${MNIST_SITE})
if(NOT site)
  set(site ${PROJECT_SOURCE_DIR}/build/wasm/site)
elseif(NOT EXISTS ${site}/index.html OR NOT EXISTS ${site}/mnist.wasm)
  message(FATAL_ERROR "MNIST_SITE: ${site} has no index.html and mnist.wasm: scripts/build.sh wasm makes them")
endif()
set(web ${PROJECT_SOURCE_DIR}/web)
# Looked at again by every build: the page may be built later.
file(GLOB_RECURSE site_files CONFIGURE_DEPENDS ${site}/*)
file(GLOB_RECURSE web_files CONFIGURE_DEPENDS ${web}/scripts/*.js)
list(APPEND web_files ${web}/index.html ${web}/style.css ${web}/icon.svg)
if(site_files)
  set(page_folder ${site})
  set(page_files ${site_files})
  foreach(file ${web_files})
    file(RELATIVE_PATH name ${web} ${file})
    if(${file} IS_NEWER_THAN ${site}/${name})
      message(WARNING "${site} is older than web/${name}: scripts/build.sh wasm brings it up to date")
      break()
    endif()
  endforeach()
else()
  set(page_folder ${web})
  set(page_files ${web_files})
endif()

set(page_source ${PROJECT_BINARY_DIR}/page/page_files.cpp)
add_custom_command(OUTPUT ${page_source}
  COMMAND ${CMAKE_COMMAND} -D FOLDER=${page_folder} "-D FILES=${page_files}"
          -D OUTPUT=${page_source} -P ${PROJECT_SOURCE_DIR}/cmake/embed_page.cmake
  DEPENDS ${page_files} ${PROJECT_SOURCE_DIR}/cmake/embed_page.cmake VERBATIM)
target_sources(mnist_cli PRIVATE ${page_source})
