// What cmake/embed_page.cmake writes: the files of the page, in the program's own memory.
#pragma once

#include <cstddef>

namespace mnist {

struct PageFile {
  const char* path;  // "scripts/main.js"
  const char* tag;   // another one for other content
  const unsigned char* begin;
  const unsigned char* end;
  bool is_gzipped;
};
extern const PageFile kPageFiles[];
extern const size_t kPageFileCount;

}  // namespace mnist
