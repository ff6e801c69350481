#include "data/download.h"

#include <gmock/gmock.h>

#include "data/loopback_server.h"

namespace mnist {
namespace {

using testing::Answer;
using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using testing::give;
using ::testing::HasSubstr;
using testing::LoopbackServer;
using testing::NoProxies;
using testing::Request;
using testing::save;
using testing::ScopedVariable;
using testing::TemporaryFolder;

Bytes content() {
  Bytes bytes(200'000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i >> 9);
  return bytes;
}

Bytes first(const Bytes& bytes, size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count)};
}

TEST(Download, FetchesAFile) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request& request) { return give(request, content()); });
  uint64_t seen = 0;
  DownloadOptions options;
  options.progress = [&](const DownloadProgress& progress) {
    seen = progress.done;
    return true;
  };
  DownloadOutcome outcome = download(server.url() + "/a.gz", folder / "part", options);
  EXPECT_EQ(outcome.result, DownloadResult::kComplete) << outcome.reason;
  EXPECT_FALSE(outcome.resumed);
  EXPECT_EQ(read_file(folder / "part"), content());
  EXPECT_EQ(seen, content().size());
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].target, "/a.gz");
}

TEST(Download, AsksOnlyForWhatIsMissing) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request& request) { return give(request, content()); });
  auto part = save(folder / "part", first(content(), 70'000));
  DownloadOutcome outcome = download(server.url() + "/a.gz", part, {});
  EXPECT_EQ(outcome.result, DownloadResult::kComplete) << outcome.reason;
  EXPECT_TRUE(outcome.resumed);
  EXPECT_EQ(server.requests()[0].headers.at("range"), "bytes=70000-");
  EXPECT_EQ(read_file(part), content());
}

TEST(Download, StartsAnewWhereTheServerKnowsNoRanges) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request&) { return Answer{.body = content()}; });
  auto part = save(folder / "part", bytes_of("something else"));
  DownloadOutcome outcome = download(server.url() + "/a.gz", part, {});
  EXPECT_EQ(outcome.result, DownloadResult::kComplete) << outcome.reason;
  EXPECT_FALSE(outcome.resumed);
  EXPECT_EQ(read_file(part), content());
}

TEST(Download, DropsAPartThatTheServerCannotContinue) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer longer([](const Request& request) { return give(request, bytes_of("short")); });
  auto part = save(folder / "part", content());
  EXPECT_EQ(download(longer.url() + "/a", part, {}).result, DownloadResult::kInterrupted);
  EXPECT_FALSE(std::filesystem::exists(part));
  // A range other than the one that was asked for.
  LoopbackServer wrong([](const Request&) {
    return Answer{.status = 206, .body = Bytes(9), .headers = {"Content-Range: bytes 0-8/9"}};
  });
  save(part, Bytes(5));
  EXPECT_EQ(download(wrong.url() + "/a", part, {}).result, DownloadResult::kInterrupted);
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST(Download, KeepsWhatCameBeforeTheConnectionWasCut) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server(
      [](const Request&) { return Answer{.body = content(), .cut_after = 50'000}; });
  DownloadOutcome outcome = download(server.url() + "/a", folder / "part", {});
  EXPECT_EQ(outcome.result, DownloadResult::kInterrupted);
  EXPECT_NE(outcome.reason, "");
  EXPECT_EQ(read_file(folder / "part"), first(content(), 50'000));
}

TEST(Download, FollowsRedirects) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request& request) {
    if (request.target == "/b") return give(request, content());
    return Answer{.status = 302, .body = bytes_of("moved"), .headers = {"Location: /b"}};
  });
  EXPECT_EQ(download(server.url() + "/a", folder / "part", {}).result, DownloadResult::kComplete);
  EXPECT_EQ(read_file(folder / "part"), content());
  LoopbackServer escape([](const Request&) {
    return Answer{.status = 302, .body = {}, .headers = {"Location: file:///etc/hostname"}};
  });
  EXPECT_EQ(download(escape.url() + "/a", folder / "none", {}).result, DownloadResult::kFailed);
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
}

TEST(Download, SaysWhyItFailed) {
  NoProxies none;
  TemporaryFolder folder;
  std::string dead;
  {
    LoopbackServer server(
        [](const Request&) { return Answer{.status = 404, .body = bytes_of("?")}; });
    DownloadOutcome outcome = download(server.url() + "/a", folder / "part", {});
    EXPECT_EQ(outcome.result, DownloadResult::kFailed);
    EXPECT_EQ(outcome.reason, "HTTP 404");
    EXPECT_FALSE(std::filesystem::exists(folder / "part"));
    dead = server.url();
  }
  EXPECT_EQ(download(dead + "/a", folder / "part", {}).reason, "Couldn't connect to server");
  EXPECT_EQ(download("ftp://127.0.0.1/a", folder / "part", {}).reason, "Unsupported protocol");
}

TEST(Download, StopsAtTheLimitOfSize) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request& request) { return give(request, content()); });
  DownloadOptions options;
  options.size_limit = 1000;
  DownloadOutcome outcome = download(server.url() + "/a", folder / "part", options);
  EXPECT_EQ(outcome.result, DownloadResult::kFailed);
  EXPECT_EQ(outcome.reason, "larger than expected");
  EXPECT_FALSE(std::filesystem::exists(folder / "part"));
}

TEST(Download, GivesUpOnAServerThatSendsNothing) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request&) { return Answer{.body = Bytes(9), .stall = true}; });
  DownloadOptions options;
  options.stall_timeout_s = 1;
  EXPECT_EQ(download(server.url() + "/a", folder / "part", options).reason, "Timeout was reached");
}

TEST(Download, StopsWhenTheCallbackSaysSo) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request& request) { return give(request, content()); });
  DownloadOptions options;
  options.progress = [](const DownloadProgress&) { return false; };
  EXPECT_THAT(error_of([&] { download(server.url() + "/a", folder / "part", options); }),
              HasSubstr("download stopped"));
  options.progress = [](const DownloadProgress&) -> bool { throw Error("from the callback"); };
  EXPECT_EQ(error_of([&] { download(server.url() + "/a", folder / "part", options); }),
            "from the callback");
}

TEST(Download, FailsAtOnceWhenTheFileCannotBeWritten) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer server([](const Request& request) { return give(request, content()); });
  EXPECT_THAT(error_of([&] { download(server.url() + "/a", folder / "no/such/part", {}); }),
              HasSubstr("no/such/part: cannot be written: No such file or directory"));
  if (std::filesystem::exists("/dev/full")) {
    EXPECT_THAT(error_of([&] { download(server.url() + "/a", "/dev/full", {}); }),
                HasSubstr("/dev/full: cannot be written: No space left on device"));
  }
}

TEST(Download, GoesThroughTheProxyOfTheEnvironment) {
  NoProxies none;
  TemporaryFolder folder;
  LoopbackServer proxy([](const Request& request) { return give(request, content()); });
  ScopedVariable variable("http_proxy", proxy.url());
  ScopedVariable except("no_proxy", nullptr);
  DownloadOutcome outcome = download("http://mnist.invalid/a.gz", folder / "part", {});
  EXPECT_EQ(outcome.result, DownloadResult::kComplete) << outcome.reason;
  EXPECT_EQ(read_file(folder / "part"), content());
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_EQ(proxy.requests()[0].target, "http://mnist.invalid/a.gz");
}

}  // namespace
}  // namespace mnist
