#include "serve/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/text.h"

namespace mnist {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// "localhost:8080" without the port; nothing for what is no host.
std::optional<std::string> host_name(std::string_view host) {
  std::string_view name = host;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == host.npos) return std::nullopt;
    name = host.substr(1, end - 1);
    host.remove_prefix(end + 1);
  } else {
    name = host.substr(0, host.find(':'));
    host.remove_prefix(name.size());
  }
  const bool has_port = host.size() >= 2 && host.size() <= 6 && host.front() == ':';
  const bool is_number = std::all_of(host.begin() + (host.empty() ? 0 : 1), host.end(),
                                     [](unsigned char c) { return std::isdigit(c) != 0; });
  if (name.empty() || (!host.empty() && !(has_port && is_number))) return std::nullopt;
  return lower(name);
}

bool is_own_host(const std::string& name, const Request& request, const GuardOptions& options) {
  if (name == "localhost" || name == "127.0.0.1" || name == "::1") return true;
  if (name == request.local_address) return true;
  return std::find(options.hosts.begin(), options.hosts.end(), name) != options.hosts.end();
}

}  // namespace

std::string media_type(const Request& request) {
  std::string_view type = request.header("Content-Type").value_or("");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return lower(type);
}

std::optional<Refusal> check_request(const Request& request, const GuardOptions& options) {
  const std::string_view host = request.header("Host").value_or("");
  const std::optional<std::string> name = host_name(host);
  if (!name) return Refusal{400, "Host is no name with or without a port"};
  if (!is_own_host(*name, request, options)) {
    return Refusal{
        403, fmt::format("Host '{}' is not this server (see --allow-host)", printable(*name, 100))};
  }
  if (const auto origin = request.header("Origin")) {
    const std::string own = lower(host);
    const std::string given = lower(*origin);
    if (given != "http://" + own && given != "https://" + own) {
      return Refusal{403, fmt::format("requests from {} are not answered", printable(given, 100))};
    }
  }
  if (lower(request.header("Sec-Fetch-Site").value_or("")) == "cross-site") {
    return Refusal{403, "requests from other sites are not answered"};
  }
  if (lower(request.header("Content-Encoding").value_or("identity")) != "identity") {
    return Refusal{415, "compressed content is not accepted"};
  }
  return std::nullopt;
}

}  // namespace mnist
