// A small HTTP/1.1 server for programs and browsers on this machine.
//
// Every connection has bounds that no client can stretch: on bytes, on lines, and on the time from
// a request's first byte to its answer's last. When all connections are taken, a newcomer gets the
// place of the one that has kept its request unfinished for longest.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "serve/head.h"
#include "serve/http_message.h"

namespace mnist {

struct HttpLimits {
  HeadLimits head;
  size_t connections = 256;
  size_t connections_per_address = 32;        // of another machine's
  std::chrono::milliseconds request{10'000};  // from the first byte to the answer's last
  std::chrono::milliseconds idle{10'000};     // between requests
  std::chrono::milliseconds drain{2'000};     // for what runs when the server is stopped
};

// A request that was answered, or refused; for logs and statistics.
struct RequestReport {
  std::string peer;
  std::string method;  // "" for a request that could not be read
  std::string path;
  int status = 0;
  std::chrono::nanoseconds time{0};
};

struct HttpOptions {
  std::string host = "127.0.0.1";  // an address, or "localhost"
  uint16_t port = 0;               // 0: any that is free
  HttpLimits limits;
  size_t threads = 4;
  bool stops_on_signals = false;  // SIGINT and SIGTERM call stop(), the second one ends at once
  std::function<void(const RequestReport&)> on_request;  // called on any thread
};

class HttpServer {
 public:
  // Takes the port; throws Error where that fails.
  HttpServer(const HttpOptions& options, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string address() const;  // "127.0.0.1"
  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080/"

  // Serves until stop() and what it has to wait for.
  void run();
  // From any thread. New connections are refused, idle ones closed, and requests that have begun
  // answered, as long as limits.drain allows.
  void stop();
  bool is_stopping() const;

  size_t connections() const;
  uint64_t evictions() const;  // connections that had to make room

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mnist
