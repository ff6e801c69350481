// A request and its answer, free of sockets: what the server reads and what its handler returns.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mnist {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;   // before the "?", as sent: nothing is decoded
  std::string query;  // behind it
  Headers headers;
  std::string body;
  std::string local_address;  // that the connection came to: "127.0.0.1", "::1"

  // A header's value, whatever the case of its name; none where it is absent.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::span<const std::byte>
      constant_body;  // instead of `body` where it lives as long as the server
  Headers headers;

  std::string_view content() const;
};

// {"error": "..."}, the form that the Open Inference Protocol has for all that goes wrong.
Response error_response(int status, std::string_view text);

// Takes the function that makes the answer, once, from any thread. It is called on a thread of the
// server's; an exception becomes status 500.
using Respond = std::function<void(std::function<Response()> answer)>;

// What a server does with requests. Called on one of its threads, which it may keep busy for a
// while but not wait in.
using Handler = std::function<void(Request&& request, Respond respond)>;

}  // namespace mnist
