#include "data/fetch.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/random.h"
#include "base/sha256.h"
#include "data/loopback_server.h"

namespace mnist {
namespace {

using ::testing::AllOf;
using testing::Answer;
using testing::Bytes;
using testing::bytes_of;
using testing::error_of;
using testing::give;
using testing::gzipped;
using ::testing::HasSubstr;
using testing::LoopbackServer;
using testing::NoProxies;
using ::testing::Not;
using testing::Request;
using testing::save;
using testing::ScopedVariable;
using testing::TemporaryFolder;

// A data set of four files, with sums of its own.
class FetchTest : public ::testing::Test {
 protected:
  FetchTest() {
    for (size_t i = 0; i < 4; ++i) {
      Bytes content(30'000 + 1000 * i);
      Random random(i);  // so that it does not shrink
      for (std::byte& byte : content) byte = std::byte(random.bits() & 0xff);
      contents_.push_back(content);
      packed_.push_back(gzipped(content));
      sums_.push_back(sha256(content));
      packed_sums_.push_back(sha256(packed_.back()));
    }
    entry_.name = "toy";
    for (size_t i = 0; i < 4; ++i) {
      entry_.files[i] = {kNames[i], contents_[i].size(), sums_[i], packed_sums_[i]};
    }
  }

  // Which file a request is for, or nothing.
  const Bytes* find(const Request& request) const {
    for (size_t i = 0; i < 4; ++i) {
      if (request.target.ends_with(std::string(kNames[i]) + ".gz")) return &packed_[i];
    }
    return nullptr;
  }
  Answer serve(const Request& request) const { return give(request, *find(request)); }

  void use(std::initializer_list<std::string> mirrors) {
    mirrors_ = mirrors;
    entry_.mirrors.assign(mirrors_.begin(), mirrors_.end());
  }
  void fetch(const FetchOptions& options = {}) {
    fetch_files(entry_, entry_.files, directory(), options);
  }
  std::filesystem::path directory() const { return folder_ / "cache/toy"; }
  std::filesystem::path part() const { return directory() / (std::string(kNames[0]) + ".gz.part"); }
  void expect_all_there() const {
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(read_file(directory() / kNames[i]), contents_[i]) << i;
    EXPECT_FALSE(std::filesystem::exists(part()));
  }

  static constexpr std::string_view kNames[4] = {
      "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte"};
  NoProxies none_;
  ScopedVariable mirror_{"MNIST_MIRROR", nullptr};
  TemporaryFolder folder_;
  std::vector<Bytes> contents_, packed_;
  std::vector<std::string> sums_, packed_sums_, mirrors_;
  CatalogEntry entry_;
};

TEST_F(FetchTest, FetchesUnpacksAndVerifiesOnce) {
  LoopbackServer server([&](const Request& request) { return serve(request); });
  use({server.url() + "/sets/"});
  fetch();
  expect_all_there();
  EXPECT_EQ(server.requests()[0].target, "/sets/train-images-idx3-ubyte.gz");
  fetch();
  EXPECT_EQ(server.requests().size(), 4u) << "what is there is not fetched again";
}

TEST_F(FetchTest, TakesWhatWasPutThereByHand) {
  for (size_t i = 0; i < 4; ++i) {
    bool plain = i % 2 == 0;
    save(directory() / (std::string(kNames[i]) + (plain ? "" : ".gz")),
         plain ? contents_[i] : packed_[i]);
  }
  use({"http://127.0.0.1:1/"});
  fetch({.offline = true});
}

TEST_F(FetchTest, GoesOnAfterTheConnectionWasCut) {
  int count = 0;
  LoopbackServer server([&](const Request& request) {
    Answer answer = serve(request);
    if (++count <= 2) answer.cut_after = 5000;
    return answer;
  });
  use({server.url() + "/"});
  fetch();
  expect_all_there();
  ASSERT_GE(server.requests().size(), 3u);
  EXPECT_EQ(server.requests()[1].headers.at("range"), "bytes=5000-");
  EXPECT_EQ(server.requests()[2].headers.at("range"), "bytes=10000-");
}

TEST_F(FetchTest, KeepsTheBeginningForTheNextRun) {
  {
    LoopbackServer server([&](const Request& request) {
      Answer answer = serve(request);
      if (request.headers.contains("range")) return Answer{.status = 503, .body = {}};
      answer.cut_after = 7000;
      return answer;
    });
    use({server.url() + "/"});
    EXPECT_THAT(error_of([&] { fetch(); }), HasSubstr("HTTP 503"));
  }
  EXPECT_EQ(std::filesystem::file_size(part()), 7000u);
  EXPECT_FALSE(std::filesystem::exists(directory() / kNames[0]));
  LoopbackServer server([&](const Request& request) { return serve(request); });
  use({server.url() + "/"});
  fetch();
  expect_all_there();
  EXPECT_EQ(server.requests()[0].headers.at("range"), "bytes=7000-");
}

TEST_F(FetchTest, TriesTheNextMirrorWhenOneHasNothingOrSomethingElse) {
  LoopbackServer missing([](const Request&) { return Answer{.status = 404, .body = {}}; });
  LoopbackServer other([](const Request&) { return Answer{.body = gzipped(Bytes(30'000))}; });
  LoopbackServer page(
      [](const Request&) { return Answer{.body = bytes_of("<html>log in</html>")}; });
  LoopbackServer good([&](const Request& request) { return serve(request); });
  use({missing.url() + "/", other.url() + "/", page.url() + "/", good.url() + "/"});
  fetch();
  expect_all_there();
  EXPECT_EQ(good.requests().size(), 4u);
}

TEST_F(FetchTest, StartsAnewWhenTheBeginningWasAnotherMirrors) {
  save(part(), Bytes(100));  // the same content, packed otherwise, or damage
  LoopbackServer server([&](const Request& request) { return serve(request); });
  use({server.url() + "/"});
  fetch();
  expect_all_there();
  EXPECT_EQ(server.requests()[0].headers.at("range"), "bytes=100-");
  EXPECT_FALSE(server.requests()[1].headers.contains("range"));
}

TEST_F(FetchTest, UnpacksWhatAnEarlierRunHadFetchedWhole) {
  save(part(), packed_[0]);
  LoopbackServer server([&](const Request& request) { return serve(request); });
  use({server.url() + "/"});
  fetch();
  expect_all_there();
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(FetchTest, AcceptsTheSameContentPackedAnew) {
  Bytes stored = gzipped(contents_[0]);
  stored[9] = std::byte{0xff};  // the operating system that packed it
  ASSERT_NE(sha256(stored), packed_sums_[0]);
  LoopbackServer server([&](const Request& request) {
    return find(request) == packed_.data() ? give(request, stored) : serve(request);
  });
  use({server.url() + "/"});
  fetch();
  expect_all_there();
}

TEST_F(FetchTest, ChecksThePackedFileWhereOnlyItsSumIsKnown) {
  for (CatalogFile& file : entry_.files) file.sha256 = "";
  LoopbackServer server([&](const Request& request) { return serve(request); });
  use({server.url() + "/"});
  fetch();
  expect_all_there();
  std::filesystem::remove(directory() / kNames[0]);
  entry_.files[0].gz_sha256 = sums_[0];
  EXPECT_THAT(error_of([&] { fetch(); }), HasSubstr("sha256 of the .gz is"));
}

TEST_F(FetchTest, SaysInOneMessageWhatToDo) {
  LoopbackServer missing([](const Request&) { return Answer{.status = 404, .body = {}}; });
  LoopbackServer other([](const Request&) { return Answer{.body = gzipped(Bytes(30'000))}; });
  use({missing.url() + "/", other.url() + "/"});
  std::string text = error_of([&] { fetch(); });
  EXPECT_THAT(text, AllOf(HasSubstr("toy: cannot be downloaded: put train-images-idx3-ubyte, "
                                    "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
                                    "t10k-labels-idx1-ubyte (or .gz) into " +
                                    directory().string()),
                          HasSubstr(missing.url() + "/ (HTTP 404)"),
                          HasSubstr(other.url() + "/ (sha256 of the content is ")));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_FALSE(std::filesystem::exists(directory() / kNames[0]));
}

TEST_F(FetchTest, SaysWhatToDoWithoutNetwork) {
  use({"http://127.0.0.1:1/a/", "http://127.0.0.1:1/b/"});
  EXPECT_THAT(
      error_of([&] { fetch(); }),
      AllOf(HasSubstr("cannot be downloaded (Couldn't connect to server): put train-images"),
            HasSubstr("tried http://127.0.0.1:1/a/, http://127.0.0.1:1/b/")));
  EXPECT_THAT(error_of([&] { fetch({.offline = true}); }),
              AllOf(HasSubstr("downloading was forbidden (offline): put train-images"),
                    HasSubstr(directory().string())));
}

TEST_F(FetchTest, UsesTheMirrorOfTheEnvironment) {
  LoopbackServer server([&](const Request& request) { return serve(request); });
  ScopedVariable own("MNIST_MIRROR", server.url() + "/data/");
  use({"http://127.0.0.1:1/"});
  fetch();
  expect_all_there();
  EXPECT_EQ(server.requests()[0].target, "/data/toy/train-images-idx3-ubyte.gz");
}

TEST_F(FetchTest, LetsOneOfSeveralFetch) {
  LoopbackServer server([&](const Request& request) { return serve(request); });
  use({server.url() + "/"});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { fetch(); });
  for (std::thread& thread : threads) thread.join();
  expect_all_there();
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(FetchTest, SaysThatTheCacheCannotBeMade) {
  save(folder_ / "cache", bytes_of("a file"));
  use({"http://127.0.0.1:1/"});
  EXPECT_THAT(error_of([&] { fetch(); }), HasSubstr("set MNIST_CACHE_DIR"));
}

TEST(CacheDirectory, FollowsTheEnvironment) {
  ScopedVariable home("HOME", "home");
  ScopedVariable xdg("XDG_CACHE_HOME", nullptr);
  ScopedVariable own("MNIST_CACHE_DIR", nullptr);
  EXPECT_EQ(cache_directory(), std::filesystem::path("home") / ".cache" / "mnist.cpp");
  ScopedVariable xdg_set("XDG_CACHE_HOME", "xdg");
  EXPECT_EQ(cache_directory(), std::filesystem::path("xdg") / "mnist.cpp");
  ScopedVariable own_set("MNIST_CACHE_DIR", "own");
  EXPECT_EQ(cache_directory(), "own");
  ScopedVariable no_own("MNIST_CACHE_DIR", nullptr);
  ScopedVariable no_xdg("XDG_CACHE_HOME", nullptr);
  ScopedVariable no_home("HOME", nullptr);
  EXPECT_THAT(error_of([] { cache_directory(); }), HasSubstr("set MNIST_CACHE_DIR"));
}

TEST(Catalog, KnowsThreeSetsWithSumsOfEveryFile) {
  EXPECT_EQ(find_in_catalog("mnst"), nullptr);
  EXPECT_EQ(catalog_names(), (std::vector<std::string>{"mnist", "fashion-mnist", "kmnist"}));
  for (const std::string& name : catalog_names()) {
    const CatalogEntry* entry = find_in_catalog(name);
    ASSERT_NE(entry, nullptr);
    EXPECT_GE(entry->mirrors.size(), 2u);
    for (std::string_view mirror : entry->mirrors) EXPECT_TRUE(mirror.ends_with('/')) << mirror;
    for (const CatalogFile& file : entry->files) {
      EXPECT_EQ(file.gz_sha256.size(), 64u);
      EXPECT_TRUE(file.sha256.size() == 64 || (name == "kmnist" && file.sha256.empty()));
    }
    EXPECT_EQ(files_of(*entry, Split::kTest)[0].size, 7'840'016u);
    EXPECT_EQ(files_of(*entry, Split::kTrain)[1].size, 60'008u);
  }
}

}  // namespace
}  // namespace mnist
