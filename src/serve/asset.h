// Files of the page that the server shows, which are part of the program.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mnist {

struct Asset {
  std::string path;                  // "/", "/page.js": what a client asks for, exactly
  std::string content_type;          // "text/html; charset=utf-8"
  std::span<const std::byte> bytes;  // must outlive the server
};

}  // namespace mnist
