#include "serve/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "mnist/error.h"
#include "serve/http_session.h"

namespace mnist {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// How many connections are taken at once. A newcomer that got its turn only among the requests of
// those that are in would wait for each of them, and the next one again.
constexpr int kMostTaken = 256;

// How often deadlines are looked at: they are kept to this accuracy.
constexpr std::chrono::milliseconds kTick{100};

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

tcp::endpoint endpoint_of(const HttpOptions& options) {
  error_code error;
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  const auto address = asio::ip::make_address(host, error);
  if (error) throw Error(fmt::format("--host {}: an IP address expected", options.host));
  return {address, options.port};
}

}  // namespace

struct HttpServer::Impl {
  Impl(const HttpOptions& given, Handler handle)
      : options(given),
        handler(std::move(handle)),
        pool(static_cast<int>(std::max<size_t>(1, given.threads))),
        acceptor(asio::make_strand(pool)),
        tick(pool),
        signals(pool) {
    const tcp::endpoint endpoint = endpoint_of(options);
    try {
      acceptor.open(endpoint.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(endpoint);
      acceptor.listen(1024);
      acceptor.non_blocking(true);
      local = acceptor.local_endpoint();
    } catch (const boost::system::system_error& error) {
      throw Error(fmt::format("{}:{}: cannot be served: {}", options.host, options.port,
                              error.code().message()));
    }
  }

  void run();
  void stop();
  asio::awaitable<void> accept();
  void admit(tcp::socket socket);
  bool insert(const std::shared_ptr<HttpSession>& session);
  asio::awaitable<void> watch();
  std::shared_ptr<HttpSession> victim() const;
  static void turn_away(tcp::socket& socket, const std::string& text);
  void wait_for_signal();

  HttpOptions options;
  Handler handler;
  asio::io_context pool;
  tcp::acceptor acceptor;
  asio::steady_timer tick;
  asio::signal_set signals;
  tcp::endpoint local;
  std::atomic<bool> is_stopping{false};
  Clock::time_point drain_end;
  mutable std::mutex mutex;  // of what follows
  std::unordered_set<std::shared_ptr<HttpSession>> sessions;
  std::atomic<uint64_t> evictions{0};
};

void HttpServer::Impl::run() {
  if (options.stops_on_signals) {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    wait_for_signal();
  }
  asio::co_spawn(acceptor.get_executor(), accept(), asio::detached);
  asio::co_spawn(tick.get_executor(), watch(), asio::detached);
  std::vector<std::thread> threads;
  for (size_t i = 1; i < options.threads; ++i) threads.emplace_back([this] { pool.run(); });
  pool.run();
  for (std::thread& thread : threads) thread.join();
}

void HttpServer::Impl::wait_for_signal() {
  signals.async_wait([this](const error_code& error, int) {
    if (error) return;
    if (is_stopping) {
      pool.stop();
      return;
    }
    stop();
    wait_for_signal();
  });
}

void HttpServer::Impl::stop() {
  const std::lock_guard lock(mutex);
  if (is_stopping.exchange(true)) return;
  drain_end = Clock::now() + options.limits.drain;
  asio::post(acceptor.get_executor(), [this] {
    error_code ignored;
    acceptor.close(ignored);
  });
  for (const auto& session : sessions) session->stop_waiting();
}

asio::awaitable<void> HttpServer::Impl::accept() {
  while (!is_stopping) {
    error_code error;
    co_await acceptor.async_wait(tcp::acceptor::wait_read, into(error));
    for (int taken = 0; !error && taken < kMostTaken; ++taken) {
      tcp::socket socket(asio::make_strand(pool));
      acceptor.accept(socket, error);
      if (!error) admit(std::move(socket));
    }
    if (!acceptor.is_open()) co_return;
    if (!error || error == asio::error::would_block) continue;
    // Without a free file descriptor, say: the next attempt would fail at once, too.
    asio::steady_timer pause(pool, kTick);
    co_await pause.async_wait(into(error));
  }
}

// The session to be closed for a newcomer: of those where the client takes the time, one that has
// not finished any request before those that have, then the one that has kept its state longest.
std::shared_ptr<HttpSession> HttpServer::Impl::victim() const {
  std::shared_ptr<HttpSession> chosen;
  const auto rank = [](const HttpSession& session) {
    return std::pair(session.has_answered(), session.began());
  };
  for (const auto& session : sessions) {
    if (session->state() == HttpSession::State::kRunning) continue;
    if (!chosen || rank(*session) < rank(*chosen)) chosen = session;
  }
  return chosen;
}

// Says so as far as that takes no time.
void HttpServer::Impl::turn_away(tcp::socket& socket, const std::string& text) {
  const std::string body = error_response(503, text).body;
  const std::string answer = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{}",
      body.size(), body);
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(answer), ignored);
}

void HttpServer::Impl::admit(tcp::socket socket) {
  auto session = std::make_shared<HttpSession>(std::move(socket),
                                               SessionContext{options, handler, is_stopping});
  if (!insert(session)) return;
  session->start([this, session = session.get()] {
    const std::lock_guard lock(mutex);
    sessions.erase(session->shared_from_this());
  });
}

bool HttpServer::Impl::insert(const std::shared_ptr<HttpSession>& session) {
  const std::lock_guard lock(mutex);
  if (!session->peer().is_loopback()) {
    const auto same =
        static_cast<size_t>(std::count_if(sessions.begin(), sessions.end(), [&](const auto& other) {
          return other->peer() == session->peer();
        }));
    if (same >= options.limits.connections_per_address) {
      turn_away(session->socket(), "too many connections from your address");
      return false;
    }
  }
  if (sessions.size() >= options.limits.connections) {
    const std::shared_ptr<HttpSession> loser = victim();
    if (!loser) {
      turn_away(session->socket(), "all connections are busy");
      return false;
    }
    loser->close();
    sessions.erase(loser);
    ++evictions;
  }
  sessions.insert(session);
  return true;
}

// Ends what has taken its time; when the server stops, waits for the rest.
asio::awaitable<void> HttpServer::Impl::watch() {
  while (true) {
    error_code error;
    tick.expires_after(kTick);
    co_await tick.async_wait(into(error));
    const Clock::time_point now = Clock::now();
    const std::lock_guard lock(mutex);
    for (const auto& session : sessions) {
      if (session->deadline() <= now) session->check_deadline();
    }
    if (!is_stopping) continue;
    if (sessions.empty() || now >= drain_end) {
      pool.stop();
      co_return;
    }
    for (const auto& session : sessions) session->stop_waiting();
  }
}

HttpServer::HttpServer(const HttpOptions& options, Handler handler)
    : impl_(std::make_unique<Impl>(options, std::move(handler))) {}
HttpServer::~HttpServer() = default;

std::string HttpServer::address() const { return impl_->local.address().to_string(); }
uint16_t HttpServer::port() const { return impl_->local.port(); }
std::string HttpServer::url() const {
  const bool is_v6 = impl_->local.address().is_v6();
  return fmt::format(fmt::runtime(is_v6 ? "http://[{}]:{}/" : "http://{}:{}/"), address(), port());
}

void HttpServer::run() { impl_->run(); }
void HttpServer::stop() { impl_->stop(); }
bool HttpServer::is_stopping() const { return impl_->is_stopping; }
uint64_t HttpServer::evictions() const { return impl_->evictions; }
size_t HttpServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->sessions.size();
}

}  // namespace mnist
