// One connection of the server's.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "serve/http_server.h"

namespace mnist {

using Clock = std::chrono::steady_clock;

// What all sessions of a server share.
struct SessionContext {
  const HttpOptions& options;
  const Handler& handler;
  const std::atomic<bool>& is_stopping;
};

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  // kWaiting: between requests; kReading, kWriting: it is the client who takes the time; kRunning:
  // it is the server.
  enum class State { kWaiting, kReading, kRunning, kWriting };

  HttpSession(boost::asio::ip::tcp::socket socket, const SessionContext& context);

  // Serves requests until the connection ends, then calls `finished`.
  void start(std::function<void()> finished);

  State state() const { return state_.load(std::memory_order_relaxed); }
  Clock::time_point deadline() const { return Clock::time_point(Clock::duration(deadline_)); }
  Clock::time_point began() const { return Clock::time_point(Clock::duration(began_)); }
  bool has_answered() const { return has_answered_.load(std::memory_order_relaxed); }
  const boost::asio::ip::address& peer() const { return peer_; }

  boost::asio::ip::tcp::socket& socket() { return socket_; }

  // From any thread. Ends what the session is waiting for, if its time is over by then.
  void check_deadline();
  // From any thread. Ends the session if it is between requests.
  void stop_waiting();
  // From any thread. Closes the connection whatever it does.
  void close();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Wait = boost::asio::basic_waitable_timer<Clock>;

  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<bool> serve_request();
  boost::asio::awaitable<size_t> read_head(std::optional<Refusal>& refusal);
  boost::asio::awaitable<std::optional<Refusal>> read_request(size_t head, Request& request,
                                                              bool& is_last);
  boost::asio::awaitable<std::optional<Refusal>> read_content(Parser& parser);
  boost::asio::awaitable<Response> answer(Request&& request);
  boost::asio::awaitable<bool> write(const Response& response, bool with_content, bool is_last);
  boost::asio::awaitable<void> refuse(const Refusal& refusal);
  void begin(State state, std::chrono::milliseconds time);
  std::string_view received() const;
  void report(const Request& request, int status) const;

  boost::asio::ip::tcp::socket socket_;
  SessionContext context_;
  boost::asio::ip::address peer_;
  boost::beast::flat_buffer buffer_;
  Wait answered_;  // waited for while the handler is at work
  std::optional<std::function<Response()>> answer_;
  Clock::time_point request_began_;
  bool is_expired_ = false;

  std::atomic<State> state_{State::kWaiting};
  std::atomic<Clock::rep> deadline_{0};
  std::atomic<Clock::rep> began_{0};
  std::atomic<bool> has_answered_{false};
};

}  // namespace mnist
