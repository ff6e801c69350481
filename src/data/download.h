// One file over HTTP, by libcurl.
//
// libcurl is loaded when the first download begins, not when the program starts: with the 27
// libraries behind it, that costs 6.7 ms and 6 MB, which no run without a download should pay.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace mnist {

struct DownloadProgress {
  std::string url;
  uint64_t done = 0;
  uint64_t total = 0;  // 0 while it is not known
};

// Called several times a second. Returns whether to go on.
using ProgressCallback = std::function<bool(const DownloadProgress&)>;

struct DownloadOptions {
  int connect_timeout_s = 15;
  int stall_timeout_s = 30;         // without any byte
  uint64_t size_limit = 64u << 20;  // of the file; what is larger is not what we want
  ProgressCallback progress = {};
};

enum class DownloadResult {
  kComplete,
  kInterrupted,  // some bytes came and are kept: worth another try
  kFailed,       // nothing came
};

struct DownloadOutcome {
  DownloadResult result = DownloadResult::kFailed;
  bool resumed = false;  // bytes of an earlier call are part of the file
  std::string reason;    // "HTTP 404", "Could not resolve host: ..."; empty if complete
};

// Fetches `url` (http or https, redirects followed) to `part`. What `part` already holds is kept
// and only the rest asked for, where the server can do that. Proxies are taken from the environment
// (http_proxy, HTTPS_PROXY, ALL_PROXY, NO_PROXY). Throws Error if `part` cannot be written, the
// callback says stop, or libcurl is missing; everything else is an outcome.
DownloadOutcome download(const std::string& url, const std::filesystem::path& part,
                         const DownloadOptions& options);

}  // namespace mnist
