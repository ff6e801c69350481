#include "serve/http_message.h"

#include <fmt/format.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"

namespace mnist {

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) {
      return value;
    }
  }
  return std::nullopt;
}

std::string_view Response::content() const {
  return constant_body.empty() ? std::string_view(body) : as_text(constant_body);
}

Response error_response(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.body =
      fmt::format("{{\"error\":{}}}\n", quote_json(printable(text, 400), "error message"));
  return response;
}

}  // namespace mnist
