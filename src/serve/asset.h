// Files of the page that the server shows, which are part of the program.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mnist {

struct Asset {
  std::string path;                  // "/", "/page.js": what a client asks for, exactly
  std::string content_type;          // "text/html; charset=utf-8"
  std::span<const std::byte> bytes;  // must outlive the server
  bool is_gzipped = false;           // `bytes` are; who does not take that gets them unpacked
  std::string tag = {};              // another one for other content; "": no caching
};

struct PageOptions {
  std::vector<Asset> assets;     // one with the path "/" is shown instead of the overview
  bool has_engine = true;        // WebAssembly is among them
  bool has_page_models = false;  // the models served are the page's own of the same names
  std::string notice = {};       // what the page says where it has no engine
};

}  // namespace mnist
