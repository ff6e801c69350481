#include "cli/page.h"

#include <array>
#include <string_view>

#include "cli/page_file.h"
#include "mnist/model_file.h"

namespace mnist {

namespace {

constexpr std::string_view kIndex = "index.html";
constexpr std::string_view kEngine = "mnist.wasm";
constexpr char kNotice[] =
    "This program was built without the page's WebAssembly: digits are read by native code, and "
    "looking inside, training and test digits are not there. scripts/install.sh web, "
    "scripts/build.sh wasm and then scripts/build.sh release build all of it.";

struct ContentType {
  std::string_view suffix;
  const char* type;
};
constexpr std::array<ContentType, 6> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
}};

const char* content_type(std::string_view path) {
  for (const ContentType& each : kTypes) {
    if (path.ends_with(each.suffix)) return each.type;
  }
  return "application/octet-stream";
}

std::span<const std::byte> bytes_of(const PageFile& file) {
  return std::as_bytes(std::span(file.begin, file.end));
}

}  // namespace

PageOptions built_in_page() {
  PageOptions page;
  page.has_engine = false;
  for (const PageFile& file : std::span(kPageFiles, kPageFileCount)) {
    const std::string_view path = file.path;
    if (path == kEngine) page.has_engine = true;
    page.assets.push_back({path == kIndex ? "/" : "/" + std::string(path), content_type(path),
                           bytes_of(file), file.is_gzipped, file.tag});
  }
  if (!page.has_engine) page.notice = kNotice;
  return page;
}

std::optional<Model> page_model(const std::string& file_name) {
  for (const PageFile& file : std::span(kPageFiles, kPageFileCount)) {
    // Weights hardly get smaller: they lie as they are.
    if (file.path == "models/" + file_name) return read_model(bytes_of(file), file_name);
  }
  return std::nullopt;
}

}  // namespace mnist
