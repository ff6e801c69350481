// Whose requests are answered: those of programs and pages that were meant to reach this server.
//
// A browser sends requests for any page that it shows. A page from elsewhere must not be able to
// use a server on this machine: not under its own name (DNS rebinding: Host), not from its own
// place (Origin, Sec-Fetch-Site), and not as a form, which needs no permission (Content-Type).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/head.h"
#include "serve/http_message.h"

namespace mnist {

struct GuardOptions {
  // Names that the server has besides localhost and the addresses that clients reach it at.
  std::vector<std::string> hosts;
};

// Why `request` is refused (status 400, 403 or 415), if it is.
std::optional<Refusal> check_request(const Request& request, const GuardOptions& options);

// The media type of the content, in lower case and without parameters; "" where none is given.
std::string media_type(const Request& request);

}  // namespace mnist
