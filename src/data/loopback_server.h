// A small HTTP server on this machine's loopback address, for tests of downloading.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "data/testing.h"

namespace mnist::testing {

struct Request {
  std::string target;                          // "/mnist/x.gz", or a whole URL to a proxy
  std::map<std::string, std::string> headers;  // names in lower case
};

struct Answer {
  int status = 200;
  Bytes body;
  std::vector<std::string> headers = {};  // "Name: value"
  std::optional<size_t> cut_after =
      std::nullopt;    // of the body's bytes; then the connection is cut
  bool stall = false;  // instead of sending the body, until the end
};

// One thread, one connection after the other, each closed after its answer.
class LoopbackServer {
 public:
  using Handler = std::function<Answer(const Request&)>;

  explicit LoopbackServer(Handler handler) : handler_(std::move(handler)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, generic, &size) != 0) {
      throw Error("loopback server cannot be started");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    ::shutdown(socket_, SHUT_RDWR);  // wakes accept
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      if (connection_ >= 0) ::shutdown(connection_, SHUT_RDWR);
    }
    thread_.join();
    ::close(socket_);
  }

  // "http://127.0.0.1:PORT", without "/" at its end.
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::vector<Request> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (true) {
      int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      {
        std::lock_guard lock(mutex_);
        connection_ = connection;
        if (stopping_) ::shutdown(connection_, SHUT_RDWR);
      }
      answer(connection);
      std::lock_guard lock(mutex_);
      connection_ = -1;
      ::close(connection);
    }
  }

  void answer(int connection) {
    std::string head = read_head(connection);
    if (head.empty()) return;
    Request request = parse(head);
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    Answer answer = handler_(request);
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) +
                       " Status\r\nContent-Length: " + std::to_string(answer.body.size()) +
                       "\r\nConnection: close\r\n";
    for (const std::string& header : answer.headers) text += header + "\r\n";
    send(connection, bytes_of(text + "\r\n"));
    if (answer.stall) {
      read_head(connection);  // until the client gives up
      return;
    }
    answer.body.resize(std::min(answer.body.size(), answer.cut_after.value_or(SIZE_MAX)));
    send(connection, answer.body);
  }

  static std::string read_head(int connection) {
    std::string head;
    char buffer[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      ssize_t length = ::recv(connection, buffer, sizeof(buffer), 0);
      if (length <= 0) return "";
      head.append(buffer, static_cast<size_t>(length));
    }
    return head;
  }

  static Request parse(const std::string& head) {
    Request request;
    size_t space = head.find(' ');
    request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
    for (size_t line = head.find("\r\n") + 2; line < head.size();
         line = head.find("\r\n", line) + 2) {
      size_t colon = head.find(": ", line);
      size_t end = head.find("\r\n", line);
      if (colon == std::string::npos || colon > end) break;
      std::string name = head.substr(line, colon - line);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      request.headers[name] = head.substr(colon + 2, end - colon - 2);
    }
    return request;
  }

  static void send(int connection, const Bytes& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      ssize_t length = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (length <= 0) return;
      sent += static_cast<size_t>(length);
    }
  }

  Handler handler_;
  int socket_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  int connection_ = -1;
  std::vector<Request> requests_;
  std::thread thread_;
};

// `content` as a server that knows ranges gives it.
inline Answer give(const Request& request, const Bytes& content) {
  auto range = request.headers.find("range");
  if (range == request.headers.end()) return {.body = content};
  size_t start = std::stoul(range->second.substr(std::string("bytes=").size()));
  if (start >= content.size()) return {.status = 416, .body = {}};
  return {.status = 206,
          .body = Bytes(content.begin() + static_cast<ptrdiff_t>(start), content.end()),
          .headers = {"Content-Range: bytes " + std::to_string(start) + "-" +
                      std::to_string(content.size() - 1) + "/" + std::to_string(content.size())}};
}

// Without the proxies of whoever runs the tests.
class NoProxies {
 private:
  ScopedVariable http_{"http_proxy", nullptr};
  ScopedVariable all_{"all_proxy", nullptr};
  ScopedVariable all_upper_{"ALL_PROXY", nullptr};
};

}  // namespace mnist::testing
