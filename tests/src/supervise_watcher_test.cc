#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "src/supervise/watcher.h"
#include "tests/src/lab.h"

namespace imgq::supervise {
namespace {

// A folder that is watched, and what was heard of it.
class WatchedFolder : public testing::Test {
 protected:
  void watch(Watcher::Events events) {
    ::mkdir(path_.c_str(), 0700);
    Watcher::Calls calls;
    calls.named = [this](std::string_view name) { note("+" + std::string(name)); };
    calls.closed = calls.named;
    calls.being_written = [this](std::string_view name) { note("~" + std::string(name)); };
    calls.unsure = [this] { note("?"); };
    calls.gone = [this] { note("gone"); };
    auto watcher = Watcher::start(loop_, path_, events, std::move(calls));
    ASSERT_TRUE(watcher) << watcher.error().text();
    watcher_ = std::move(*watcher);
  }

  // Runs the loop until that is heard.
  bool hears(const std::string& what) {
    Timer patience(loop_, [this] { loop_.stop(); });
    patience.after(test::kPatience);
    awaited_ = what;
    while (heard_ != what && patience.armed()) loop_.run();
    return heard_ == what;
  }

  void note(std::string what) {
    heard_ = std::move(what);
    if (heard_ == awaited_) loop_.stop();
  }

  void touch(const std::string& name) const {
    const Fd file(::open((path_ + "/" + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(file);
  }

  test::Folder folder_;
  const std::string path_ = folder_.file("watched");
  Loop loop_;
  std::string heard_, awaited_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatchedFolder, TellsOfNamesThatAreMovedInOrLinked) {
  watch(Watcher::Events::appear);
  folder_.write("outside", "x");
  ASSERT_EQ(::link(folder_.file("outside").c_str(), (path_ + "/linked").c_str()), 0);
  EXPECT_TRUE(hears("+linked"));
  ASSERT_EQ(::rename(folder_.file("outside").c_str(), (path_ + "/moved").c_str()), 0);
  EXPECT_TRUE(hears("+moved"));
}

TEST_F(WatchedFolder, TellsOfAFileOnlyWhenItIsWritten) {
  watch(Watcher::Events::written);
  {
    const Fd file(::open((path_ + "/half").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    touch("whole");
    EXPECT_TRUE(hears("+whole"));
  }
  EXPECT_TRUE(hears("+half"));
}

TEST_F(WatchedFolder, IsFoundByALinkWhereFilesAreWritten) {
  ASSERT_EQ(::mkdir(folder_.file("real").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("real", path_.c_str()), 0);
  watch(Watcher::Events::written);
  touch("whole");
  EXPECT_TRUE(hears("+whole"));
}

TEST_F(WatchedFolder, TellsOfAFileThatIsBeingWritten) {
  watch(Watcher::Events::written);
  const Fd file(::open((path_ + "/long").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(file.get(), "x", 1), 1);
  EXPECT_TRUE(hears("~long"));
}

TEST_F(WatchedFolder, OwnsUpToEventsThatWereLost) {
  watch(Watcher::Events::appear);
  int64_t most = 16384;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most > 100'000) GTEST_SKIP() << "the event queue is too long to be filled here";
  for (int64_t i = 0; i < most + 10; ++i) touch(std::to_string(i));
  EXPECT_TRUE(hears("?"));
}

TEST_F(WatchedFolder, TellsWhenItIsGone) {
  watch(Watcher::Events::appear);
  ASSERT_EQ(::rmdir(path_.c_str()), 0);
  EXPECT_TRUE(hears("gone"));
}

TEST_F(WatchedFolder, MustBeAFolder) {
  folder_.write("file", "x");
  EXPECT_FALSE(Watcher::start(loop_, folder_.file("file"), Watcher::Events::appear, {}));
  EXPECT_FALSE(Watcher::start(loop_, folder_.file("none"), Watcher::Events::appear, {}));
  ASSERT_EQ(::symlink("/tmp", folder_.file("link").c_str()), 0);
  EXPECT_FALSE(Watcher::start(loop_, folder_.file("link"), Watcher::Events::appear, {}));
}

}  // namespace
}  // namespace imgq::supervise
