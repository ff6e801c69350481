#include "serve/http_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>

#include "base/text.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// Read at once; and what is kept of a buffer that a large request has made larger.
constexpr size_t kReadBytes = 4096;
constexpr size_t kMostBuffered = 65536;
constexpr size_t kContentReadBytes = 32768;

// What a client may put behind a chunk's length (nobody does).
constexpr size_t kMostChunkExtension = 256;
constexpr size_t kMostChunkLine = kMostChunkExtension + 64;

// How long, and for how many bytes, a client that was refused may go on sending: it would miss the
// answer if the connection were reset at once.
constexpr std::chrono::milliseconds kLingering{1000};
constexpr size_t kMostLingering = 4U << 20;

constexpr int kNotModified = 304;  // has no content, and so no length

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

std::string head_of(const Response& response, bool is_last) {
  const auto status = static_cast<unsigned>(response.status);
  const auto reason = http::obsolete_reason(http::int_to_status(status));
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\n", status, std::string_view(reason.data(), reason.size()));
  if (response.status != kNotModified) {
    head += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", response.content_type,
                        response.content().size());
  }
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  head += is_last ? "Connection: close\r\n\r\n" : "\r\n";
  return head;
}

bool has_bare_feed(std::string_view bytes) {
  for (size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

Request begun_request(const http::request<http::string_body>& message) {
  Request request;
  request.method = text_of(message.method_string());
  const std::string target = text_of(message.target());
  const size_t mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  if (mark < target.size()) request.query = target.substr(mark + 1);
  for (const auto& field : message) {
    request.headers.emplace_back(text_of(field.name_string()), text_of(field.value()));
  }
  return request;
}

Refusal refusal_of(const error_code& error, const HeadLimits& limits) {
  if (error == http::error::body_limit) {
    return {413, fmt::format("at most {} bytes of content are accepted", limits.body)};
  }
  return {400, fmt::format("the request cannot be read: {}", error.message())};
}

}  // namespace

HttpSession::HttpSession(asio::ip::tcp::socket socket, const SessionContext& context)
    : socket_(std::move(socket)),
      context_(context),
      buffer_(kMostBuffered),
      answered_(socket_.get_executor()) {
  error_code ignored;
  peer_ = socket_.remote_endpoint(ignored).address();
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  answered_.expires_at(Clock::time_point::max());
  begin(State::kWaiting, context_.options.limits.request);
}

void HttpSession::start(std::function<void()> finished) {
  asio::co_spawn(
      socket_.get_executor(), [self = shared_from_this()] { return self->serve(); },
      [self = shared_from_this(), finished = std::move(finished)](const std::exception_ptr&) {
        error_code ignored;
        self->socket_.close(ignored);
        finished();
      });
}

void HttpSession::begin(State state, std::chrono::milliseconds time) {
  const Clock::time_point now = Clock::now();
  began_ = now.time_since_epoch().count();
  deadline_ = (now + time).time_since_epoch().count();
  state_ = state;
}

std::string_view HttpSession::received() const {
  return {static_cast<const char*>(buffer_.data().data()), buffer_.size()};
}

asio::awaitable<void> HttpSession::serve() {
  while (true) {
    // GCC 12 makes wrong code of a co_await in a condition.
    const bool goes_on = co_await serve_request();
    if (!goes_on) co_return;
    if (context_.is_stopping && buffer_.size() == 0) co_return;
    if (buffer_.size() == 0) {
      if (buffer_.capacity() > kReadBytes) buffer_.shrink_to_fit();
      begin(State::kWaiting, context_.options.limits.idle);
    }
  }
}

// Returns whether the connection can be used for another one.
asio::awaitable<bool> HttpSession::serve_request() {
  std::optional<Refusal> refusal;
  const size_t head = co_await read_head(refusal);
  if (head == 0 && !refusal) co_return false;
  Request request;
  bool is_last = false;
  if (!refusal) refusal = co_await read_request(head, request, is_last);
  if (refusal) {
    co_await refuse(*refusal);
    report(request, refusal->status);
    co_return false;
  }
  state_ = State::kRunning;
  const bool with_content = request.method != "HEAD";
  Request shown;
  shown.method = request.method;
  shown.path = request.path;
  const Response response = co_await answer(std::move(request));
  is_last = is_last || is_expired_ || context_.is_stopping;
  // Before the client has it: the next moment may bring the newcomer that needs a place.
  has_answered_ = true;
  state_ = State::kWriting;
  const bool is_written =
      co_await write(response, with_content && response.status != kNotModified, is_last);
  report(shown, response.status);
  co_return is_written && !is_last;
}

// The head's length. 0 with a refusal where it is wrong, without one where the client has left.
asio::awaitable<size_t> HttpSession::read_head(std::optional<Refusal>& refusal) {
  HeadScanner scanner(context_.options.limits.head);
  bool has_begun = false;
  while (true) {
    if (!has_begun && buffer_.size() > 0) {
      has_begun = true;
      begin(State::kReading, context_.options.limits.request);
      request_began_ = Clock::now();
    }
    const size_t head = scanner.scan(received(), refusal);
    if (head != 0 || refusal) co_return head;
    error_code error;
    const size_t count = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), into(error));
    if (error) {
      if (is_expired_ && has_begun) refusal = Refusal{408, "the request takes too long"};
      co_return 0;
    }
    buffer_.commit(count);
  }
}

asio::awaitable<std::optional<Refusal>> HttpSession::read_request(size_t head, Request& request,
                                                                  bool& is_last) {
  const HeadLimits& limits = context_.options.limits.head;
  if (auto refusal = check_head(received().substr(0, head), limits)) co_return refusal;
  Parser parser;
  parser.eager(true);
  parser.body_limit(limits.body);
  parser.header_limit(static_cast<std::uint32_t>(limits.bytes));
  auto check_chunk = [](std::uint64_t, boost::beast::string_view extension, error_code& error) {
    if (extension.size() > kMostChunkExtension) error = http::error::bad_chunk_extension;
  };
  parser.on_chunk_header(check_chunk);
  error_code error;
  buffer_.consume(parser.put(asio::buffer(buffer_.data(), head), error));
  if (error) co_return refusal_of(error, limits);
  request = begun_request(parser.get());
  request.local_address = socket_.local_endpoint(error).address().to_string();
  if (parser.is_done()) {
    is_last = !parser.keep_alive();
    co_return std::nullopt;
  }
  if (request.header("Expect") && buffer_.size() == 0) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(socket_, asio::buffer(kContinue), into(error));
  }
  const size_t fields = request.headers.size();
  const std::optional<Refusal> refusal = co_await read_content(parser);
  if (refusal) co_return refusal;
  // The parser adds what stands behind the last chunk to the headers.
  const auto& fields_now = parser.get().base();
  if (static_cast<size_t>(std::distance(fields_now.begin(), fields_now.end())) != fields) {
    co_return Refusal{400, "trailers are not accepted"};
  }
  is_last = !parser.keep_alive();
  request.body = std::move(parser.get().body());
  co_return std::nullopt;
}

asio::awaitable<std::optional<Refusal>> HttpSession::read_content(Parser& parser) {
  while (true) {
    error_code error;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), error));
    if (error && error != http::error::need_more) {
      co_return refusal_of(error, context_.options.limits.head);
    }
    if (parser.is_done()) co_return std::nullopt;
    // What is left is the beginning of a line with a chunk's length, which the parser would wait
    // for the end of.
    if (buffer_.size() > kMostChunkLine || has_bare_feed(received())) {
      co_return Refusal{400, "a chunk's length is expected on a line that ends with CR and LF"};
    }
    const size_t count =
        co_await socket_.async_read_some(buffer_.prepare(kContentReadBytes), into(error));
    if (error && is_expired_) co_return Refusal{408, "the request takes too long"};
    if (error) co_return refusal_of(error, context_.options.limits.head);
    buffer_.commit(count);
  }
}

asio::awaitable<Response> HttpSession::answer(Request&& request) {
  answer_.reset();
  auto respond = [self = shared_from_this()](std::function<Response()> make) {
    asio::dispatch(self->socket_.get_executor(), [self, make = std::move(make)]() mutable {
      self->answer_ = std::move(make);
      self->answered_.cancel();
    });
  };
  std::string problem;
  try {
    context_.handler(std::move(request), std::move(respond));
    error_code error;
    while (!answer_ && !is_expired_) {
      co_await answered_.async_wait(into(error));
    }
    if (!answer_) co_return error_response(503, "the answer takes too long");
    const std::function<Response()> make = *std::exchange(answer_, std::nullopt);
    co_return make();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  co_return error_response(500, problem);
}

asio::awaitable<bool> HttpSession::write(const Response& response, bool with_content,
                                         bool is_last) {
  const std::string head = head_of(response, is_last);
  const std::string_view content = with_content ? response.content() : std::string_view();
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::buffer(content)};
  error_code error;
  co_await asio::async_write(socket_, parts, into(error));
  if (is_last && !error) socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  co_return !error;
}

// Tells the client, then reads on for a moment: see kLingering.
asio::awaitable<void> HttpSession::refuse(const Refusal& refusal) {
  is_expired_ = false;
  begin(State::kWriting, kLingering);
  const Response response = error_response(refusal.status, refusal.text);
  const bool is_written = co_await write(response, true, true);
  if (!is_written) co_return;
  error_code error;
  for (size_t count = 0; !error && !is_expired_ && count < kMostLingering;) {
    buffer_.clear();
    const size_t more = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), into(error));
    count += more;
  }
}

void HttpSession::report(const Request& request, int status) const {
  if (!context_.options.on_request) return;
  RequestReport report;
  report.peer = peer_.to_string();
  report.method = request.method;
  report.path = request.path;
  report.status = status;
  report.time = Clock::now() - request_began_;
  context_.options.on_request(report);
}

void HttpSession::check_deadline() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (Clock::now() < self->deadline()) return;
    error_code ignored;
    // A client that does not take its answer is not told about it.
    if (self->is_expired_ || self->state() == State::kWriting) self->socket_.close(ignored);
    self->is_expired_ = true;
    self->socket_.cancel(ignored);
    self->answered_.cancel();
  });
}

void HttpSession::stop_waiting() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    error_code ignored;
    if (self->state() == State::kWaiting) self->socket_.close(ignored);
  });
}

void HttpSession::close() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    error_code ignored;
    self->is_expired_ = true;
    self->deadline_ = 0;
    self->socket_.close(ignored);
    self->answered_.cancel();
  });
}

}  // namespace mnist
