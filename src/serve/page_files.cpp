#include "serve/page_files.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

constexpr std::string_view kHostScript = "/scripts/host.js";

// What the program says of itself and its models in the place of web/scripts/host.js.
std::string host_script(const PageOptions& page,
                        const std::vector<std::unique_ptr<ServedModel>>& models) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& model : models) {
    nlohmann::json names = nlohmann::json::array();
    for (size_t i = 0; i < model->classes(); ++i) {
      names.push_back(printable(model->class_name(i), 200));
    }
    list.push_back({{"name", model->name()},
                    {"parameters", model->parameters()},
                    {"height", model->size().height},
                    {"width", model->size().width},
                    {"classes", model->classes()},
                    {"class_names", names}});
  }
  const nlohmann::json host = {{"has_engine", page.has_engine},
                               {"has_page_models", page.has_page_models},
                               {"notice", page.notice},
                               {"models", list}};
  return fmt::format("export const host = {};\n", host.dump());
}

// Whether one of the words of a list ("gzip, br;q=0.5") is `word`, and not with the weight 0.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    std::string_view name = item.substr(0, item.find_first_of("; "));
    const std::string_view rest = item.substr(name.size());
    const bool is_refused =
        rest.find("q=0") != rest.npos && rest.find_first_of("123456789") == rest.npos;
    if (name == word) return !is_refused;
  }
  return false;
}

// Of an asset, which is this program's own.
std::string unpacked(std::span<const std::byte> gzip) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw Error("zlib cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string content;
  int status = Z_OK;
  while (status == Z_OK) {
    const size_t size = content.size();
    content.resize(2 * size + 65536);
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + size);
    stream.avail_out = static_cast<uInt>(content.size() - size);
    status = inflate(&stream, Z_NO_FLUSH);
    content.resize(content.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw Error("a file of the page is damaged");
  return content;
}

}  // namespace

PageFiles::PageFiles(PageOptions page, const std::vector<std::unique_ptr<ServedModel>>& models)
    : page_(std::move(page)), host_script_(host_script(page_, models)) {}

std::optional<Response> PageFiles::answer(const Request& request) const {
  const auto asset = std::find_if(page_.assets.begin(), page_.assets.end(),
                                  [&](const Asset& each) { return each.path == request.path; });
  if (asset == page_.assets.end()) return std::nullopt;
  Response response;
  response.content_type = asset->content_type;
  if (request.path == kHostScript) {
    response.constant_body = std::as_bytes(std::span(host_script_));
    return response;
  }
  const bool is_packed =
      asset->is_gzipped && lists(request.header("Accept-Encoding").value_or(""), "gzip");
  if (asset->is_gzipped) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!asset->tag.empty()) {
    // Packed and unpacked are two representations.
    const std::string tag = fmt::format("\"{}{}\"", asset->tag, is_packed ? "-gzip" : "");
    response.headers.emplace_back("ETag", tag);
    if (request.header("If-None-Match") == tag) {
      response.status = 304;
      return response;
    }
  }
  if (is_packed) response.headers.emplace_back("Content-Encoding", "gzip");
  if (is_packed || !asset->is_gzipped) {
    response.constant_body = asset->bytes;
  } else {
    response.body = unpacked(asset->bytes);
  }
  return response;
}

}  // namespace mnist
