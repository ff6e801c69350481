// A server in this process, and a client that sends it any bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "classify/adapt_input.h"
#include "mnist/builtin.h"
#include "serve/service.h"

namespace mnist::testing {

struct Reply {
  int status = 0;  // 0: the connection ended without an answer
  std::string head;
  std::string body;

  nlohmann::json json() const {
    auto value = nlohmann::json::parse(body, nullptr, false);
    EXPECT_FALSE(value.is_discarded()) << body;
    return value;
  }
  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

// One connection.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval timeout{15, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    is_connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), is_connected_(other.is_connected_) {}
  ~Client() {
    if (socket_ >= 0) ::close(socket_);
  }

  bool is_connected() const { return is_connected_; }

  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }
  void end_sending() const { ::shutdown(socket_, SHUT_WR); }

  // The next answer; `with_body` is false for that to HEAD.
  Reply receive(bool with_body = true) {
    Reply reply;
    size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return reply;
    }
    reply.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    reply.status = std::stoi(reply.head.substr(9, 3));
    const size_t at = reply.head.find("Content-Length: ");
    const size_t length = at == std::string::npos ? 0 : std::stoul(reply.head.substr(at + 16));
    while (with_body && buffer_.size() < length) {
      if (!read_more()) return reply;
    }
    if (with_body) {
      reply.body = buffer_.substr(0, length);
      buffer_.erase(0, length);
    }
    return reply;
  }

  Reply ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }

  // Whether the server has closed the connection; waits until it does something.
  bool is_closed() { return !read_more(); }

 private:
  bool read_more() {
    char bytes[65536];
    const ssize_t count = ::recv(socket_, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  int socket_;
  bool is_connected_ = false;
  std::string buffer_;
};

// Serves the built-in model as "digit" until it goes out of scope.
class RunningServer {
 public:
  explicit RunningServer(const ServiceOptions& service = {}, const HttpOptions& http = {})
      : server_({{"digit", grey_input(builtin_model(), "digit")}}, service, http),
        thread_([this] { server_.http().run(); }) {}
  ~RunningServer() { stop(); }

  void stop() {
    server_.http().stop();
    if (thread_.joinable()) thread_.join();
  }
  HttpServer& http() { return server_.http(); }
  uint16_t port() { return server_.http().port(); }
  Client connect() { return Client(port()); }
  // Over a connection of its own.
  Reply ask(std::string_view bytes) { return connect().ask(bytes); }

 private:
  InferenceServer server_;
  std::thread thread_;
};

inline std::string get(std::string_view path, std::string_view headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
         "\r\n";
}

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = "Content-Type: application/json\r\n") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

// An inference request for `count` images of which image i has `pixels[i]` at its centre.
inline nlohmann::json infer_request(size_t count, const std::string& datatype = "UINT8") {
  nlohmann::json data = nlohmann::json::array();
  for (size_t i = 0; i < count; ++i) {
    for (size_t pixel = 0; pixel < 784; ++pixel) {
      const bool is_ink = pixel / 28 >= 5 && pixel / 28 < 23 && pixel % 28 == 10 + i % 8;
      if (datatype == "UINT8") {
        data.push_back(is_ink ? 255 : 0);
      } else {
        data.push_back(is_ink ? 1.0 : 0.0);
      }
    }
  }
  return {{"inputs",
           {{{"name", "input"}, {"shape", {count, 784}}, {"datatype", datatype}, {"data", data}}}}};
}

}  // namespace mnist::testing
