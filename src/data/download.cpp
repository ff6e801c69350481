#include "data/download.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>

#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;

// The functions of libcurl that are used.
struct Curl {
  decltype(&curl_easy_init) init = nullptr;
  decltype(&curl_easy_setopt) setopt = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_getinfo) getinfo = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) strerror = nullptr;
};

template <typename Function>
void find_function(void* library, const char* name, Function& function) {
  void* address = dlsym(library, name);
  if (address == nullptr) throw Error(fmt::format("libcurl: has no function {}", name));
  std::memcpy(&function, &address, sizeof(function));
}

Curl load_curl() {
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"}) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
  }
  if (library == nullptr) {
    throw Error("libcurl: is needed to download and was not found: install it (Debian: libcurl4)");
  }
  Curl curl;
  decltype(&curl_global_init) global_init = nullptr;
  find_function(library, "curl_global_init", global_init);
  find_function(library, "curl_easy_init", curl.init);
  find_function(library, "curl_easy_setopt", curl.setopt);
  find_function(library, "curl_easy_perform", curl.perform);
  find_function(library, "curl_easy_getinfo", curl.getinfo);
  find_function(library, "curl_easy_cleanup", curl.cleanup);
  find_function(library, "curl_easy_strerror", curl.strerror);
  if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw Error("libcurl: cannot be started");
  return curl;
}

const Curl& curl() {
  static const Curl functions = load_curl();  // once, by one thread; tried again if it threw
  return functions;
}

// The first byte's position in "Content-Range: bytes 512-1023/1024".
std::optional<uint64_t> range_start(std::string_view header) {
  constexpr std::string_view kName = "content-range: bytes ";
  if (header.size() < kName.size()) return std::nullopt;
  for (size_t i = 0; i < kName.size(); ++i) {
    if (static_cast<char>(header[i] | 0x20) != static_cast<char>(kName[i] | 0x20)) {
      return std::nullopt;
    }
  }
  uint64_t start = 0;
  const char* digits = header.data() + kName.size();
  auto [end, error] = std::from_chars(digits, header.data() + header.size(), start);
  return error == std::errc() && end != digits ? std::optional(start) : std::nullopt;
}

// One request and where its body goes.
class Transfer {
 public:
  Transfer(const std::string& url, const fs::path& part, const DownloadOptions& options)
      : url_(url), part_(part), options_(options), handle_(curl().init(), curl().cleanup) {
    if (!handle_) throw Error("libcurl: cannot be started: out of memory");
    std::error_code error;
    uint64_t size = fs::file_size(part, error);
    if (!error) kept_ = size;
  }

  DownloadOutcome run();

 private:
  void set_options();
  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl().setopt(handle_.get(), option, value) != CURLE_OK) {
      throw Error(fmt::format("libcurl: option {} is not supported", static_cast<int>(option)));
    }
  }
  long status() const {
    long code = 0;
    curl().getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  size_t on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) range_start_.reset();  // of the answer behind a redirect
    if (std::optional<uint64_t> start = range_start(line)) range_start_ = start;
    return line.size();
  }
  size_t on_body(const char* bytes, size_t count);
  bool open();
  int on_progress(uint64_t done, uint64_t total) {
    if (!options_.progress) return 0;
    uint64_t before = file_ != nullptr && resumed_ ? kept_ : 0;
    try {
      stopped_ = !options_.progress({url_, before + done, total == 0 ? 0 : before + total});
    } catch (...) {
      thrown_ = std::current_exception();  // must not pass through libcurl, which is C
    }
    return stopped_ || thrown_ ? 1 : 0;
  }

  struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  const std::string& url_;
  const fs::path& part_;
  const DownloadOptions& options_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle_;
  std::unique_ptr<std::FILE, FileCloser> file_;
  std::optional<uint64_t> range_start_;
  uint64_t kept_ = 0;      // bytes that the part file held before
  uint64_t received_ = 0;  // bytes that this request added
  int write_error_ = 0;
  bool resumed_ = false;
  bool stopped_ = false;
  std::exception_ptr thrown_;
  bool too_large_ = false;
};

void Transfer::set_options() {
  set(CURLOPT_URL, url_.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "mnist.cpp");
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(options_.connect_timeout_s));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout_s));
  set(CURLOPT_HEADERDATA, this);
  set(
      CURLOPT_HEADERFUNCTION, +[](char* line, size_t size, size_t count, void* self) {
        return static_cast<Transfer*>(self)->on_header({line, size * count});
      });
  set(CURLOPT_WRITEDATA, this);
  set(
      CURLOPT_WRITEFUNCTION, +[](char* bytes, size_t size, size_t count, void* self) {
        return static_cast<Transfer*>(self)->on_body(bytes, size * count);
      });
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFODATA, this);
  set(
      CURLOPT_XFERINFOFUNCTION,
      +[](void* self, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
        return static_cast<Transfer*>(self)->on_progress(static_cast<uint64_t>(done),
                                                         static_cast<uint64_t>(total));
      });
}

// Opens the part file as the answer's status demands; 206 continues it, 200 starts anew.
bool Transfer::open() {
  resumed_ = status() == 206 && kept_ > 0;
  if (resumed_ && range_start_ != kept_) return false;  // not the bytes that were asked for
  file_.reset(std::fopen(part_.c_str(), resumed_ ? "abe" : "wbe"));
  if (!file_) write_error_ = errno;
  return file_ != nullptr;
}

size_t Transfer::on_body(const char* bytes, size_t count) {
  if (!file_ && !open()) return 0;
  too_large_ = (resumed_ ? kept_ : 0) + received_ + count > options_.size_limit;
  if (too_large_) return 0;
  if (std::fwrite(bytes, 1, count, file_.get()) != count) {
    write_error_ = errno;
    return 0;
  }
  received_ += count;
  return count;
}

DownloadOutcome Transfer::run() {
  set_options();
  std::string range = fmt::format("{}-", kept_);
  if (kept_ > 0) set(CURLOPT_RANGE, range.c_str());
  CURLcode code = curl().perform(handle_.get());
  if (file_ && std::fclose(file_.release()) != 0) write_error_ = errno;
  if (write_error_ != 0) {
    throw Error(
        fmt::format("{}: cannot be written: {}", part_.string(), std::strerror(write_error_)));
  }
  if (thrown_) std::rethrow_exception(thrown_);
  if (stopped_) {
    throw Error(
        fmt::format("{}: download stopped; what came is kept, and the next run goes on from "
                    "there",
                    url_));
  }
  if (code == CURLE_OK && received_ > 0) return {DownloadResult::kComplete, resumed_, ""};
  bool http_error = code == CURLE_HTTP_RETURNED_ERROR;
  std::string reason = http_error                  ? fmt::format("HTTP {}", status())
                       : too_large_                ? "larger than expected"
                       : code == CURLE_OK          ? "empty answer"
                       : code == CURLE_WRITE_ERROR ? "wrong part of the file"
                                                   : curl().strerror(code);
  // 416: the part file is as long as the whole, or longer. It is of no use, unless it is complete.
  bool unusable = too_large_ || code == CURLE_WRITE_ERROR || (http_error && status() == 416);
  if (unusable) {
    std::error_code ignored;
    fs::remove(part_, ignored);
    return {kept_ > 0 ? DownloadResult::kInterrupted : DownloadResult::kFailed, false, reason};
  }
  return {received_ > 0 ? DownloadResult::kInterrupted : DownloadResult::kFailed, resumed_, reason};
}

}  // namespace

DownloadOutcome download(const std::string& url, const fs::path& part,
                         const DownloadOptions& options) {
  return Transfer(url, part, options).run();
}

}  // namespace mnist
