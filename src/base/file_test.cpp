#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/try_write.h"
#include "mnist/error.h"

namespace mnist {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("mnist-file-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void put(const fs::path& path, const std::string& text) {
    write_file(path, [&](Sink& sink) { sink.write(text); });
  }
  static std::string get(const fs::path& path) {
    const std::vector<std::byte> bytes = read_file(path);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  fs::path folder_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  put(folder_ / "a", "one");
  EXPECT_EQ(get(folder_ / "a"), "one");
  put(folder_ / "a", "two");
  EXPECT_EQ(get(folder_ / "a"), "two");
  EXPECT_EQ(files(), 1U);
}

TEST_F(FileTest, FailureInTheMiddleKeepsTheOldFile) {
  put(folder_ / "a", "old");
  auto write = [&] {
    write_file(folder_ / "a", [](Sink& sink) {
      sink.write(std::string_view("new"));
      throw Error("no more");
    });
  };
  EXPECT_THAT(write, ThrowsMessage<Error>(HasSubstr("no more")));
  EXPECT_EQ(get(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(FileTest, FullDiskKeepsTheOldFile) {
  put(folder_ / "a", "old");
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = before;
  small.rlim_cur = 1000;
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  auto write = [&] { put(folder_ / "a", std::string(5000, 'x')); };
  EXPECT_THAT(write, ThrowsMessage<Error>(HasSubstr("cannot be written")));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(get(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(FileTest, LinkIsKeptAndItsTargetReplaced) {
  put(folder_ / "target", "old");
  fs::create_symlink("target", folder_ / "link");
  put(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(get(folder_ / "target"), "new");
}

TEST_F(FileTest, LinkToNothingIsKeptAndItsTargetMade) {
  fs::create_directories(folder_ / "below");
  fs::create_symlink("below/first", folder_ / "link");
  fs::create_symlink(folder_ / "target", folder_ / "below" / "first");
  put(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "below" / "first"));
  EXPECT_EQ(get(folder_ / "target"), "new");
  fs::create_symlink("circle", folder_ / "circle");
  EXPECT_THAT([&] { put(folder_ / "circle", "x"); }, ThrowsMessage<Error>(HasSubstr("circle: ")));
  fs::create_symlink("none/target", folder_ / "nowhere");
  EXPECT_THAT([&] { put(folder_ / "nowhere", "x"); },
              ThrowsMessage<Error>(HasSubstr("nowhere: cannot be written: No such file")));
}

TEST_F(FileTest, TryingLeavesEverythingAsItWas) {
  const std::byte content[] = {std::byte{1}, std::byte{2}};
  put(folder_ / "a", "old");
  try_write_file(folder_ / "a", content);
  try_write_file(folder_ / "new", content);
  try_write_file("/dev/null", content);
  EXPECT_EQ(get(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1U);
  EXPECT_THAT([&] { try_write_file(folder_ / "none" / "a", content); },
              ThrowsMessage<Error>(HasSubstr("No such file")));
  EXPECT_THAT([&] { try_write_file(folder_, content); },
              ThrowsMessage<Error>(HasSubstr("directory")));
}

TEST_F(FileTest, WhatCannotBeReadOrWrittenIsNamed) {
  EXPECT_THAT([&] { read_file(folder_ / "none"); },
              ThrowsMessage<Error>(HasSubstr("none: cannot be opened")));
  EXPECT_THAT([&] { read_file(folder_); }, ThrowsMessage<Error>(HasSubstr("directory")));
  EXPECT_THAT([&] { put(folder_ / "none" / "a", "x"); },
              ThrowsMessage<Error>(HasSubstr("No such file")));
  EXPECT_THAT([&] { put(folder_, "x"); }, ThrowsMessage<Error>(HasSubstr("directory")));
  EXPECT_THAT([] { put("/dev/full", "x"); }, ThrowsMessage<Error>(HasSubstr("No space left")));
}

TEST_F(FileTest, LimitIsKept) {
  put(folder_ / "a", "12345");
  EXPECT_EQ(read_file(folder_ / "a", 5).size(), 5U);
  EXPECT_THAT([&] { read_file(folder_ / "a", 4); },
              ThrowsMessage<Error>(HasSubstr("larger than the 4 bytes")));
  EXPECT_EQ(read_head(folder_ / "a", 3).size(), 3U);
  EXPECT_THROW(read_file("/dev/zero", 1 << 20), Error);
}

}  // namespace
}  // namespace mnist
