#include "src/util/unanswered.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "src/util/fd.h"

namespace imgq {
namespace {

// Whether `is_so` within ten seconds.
bool soon(const std::function<bool()>& is_so) {
  for (int i = 0; i < 1000 && !is_so(); ++i) sys::sleep_ms(10);
  return is_so();
}

TEST(Unanswered, ACallIsThereWhileItLasts) {
  EXPECT_FALSE(longest_unanswered());
  {
    const Asking asking("renameat");
    sys::sleep_ms(60);
    const auto longest = longest_unanswered();
    ASSERT_TRUE(longest);
    EXPECT_STREQ(longest->call, "renameat");
    EXPECT_GE(longest->for_ms, 40);  // two ticks of 10 ms may be lost
    EXPECT_LE(longest->since_ms + longest->for_ms, sys::monotonic_ms());
  }
  EXPECT_FALSE(longest_unanswered());
  const Asking may_wait(nullptr);
  EXPECT_FALSE(longest_unanswered());
}

// Opening a FIFO keeps a thread until somebody writes, as a file system that hangs would.
TEST(Unanswered, OfAllThreadsTheLongestIsTold) {
  const std::string path = testing::TempDir() + "unanswered." + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread waiting([&path] { const Fd reader(sys::open(path.c_str(), O_RDONLY)); });
  EXPECT_TRUE(soon([] { return longest_unanswered().has_value(); }));
  sys::sleep_ms(20);
  {
    const Asking younger("fsync");
    const auto longest = longest_unanswered();
    EXPECT_STREQ(longest ? longest->call : "", "open");
  }
  {
    const Fd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  }
  waiting.join();
  ::unlink(path.c_str());
  EXPECT_FALSE(longest_unanswered());
}

TEST(Unanswered, WhoeverHoldsALockMayTakeTheirTime) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::tmpfile(), std::fclose);
  ASSERT_NE(file, nullptr);
  const std::string path = "/proc/self/fd/" + std::to_string(::fileno(file.get()));
  Fd held(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(sys::flock(held.get(), LOCK_EX), 0);
  std::thread waiting([&path] {
    const Fd mine(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    (void)sys::flock(mine.get(), LOCK_EX);
  });
  sys::sleep_ms(100);
  EXPECT_FALSE(longest_unanswered());
  held = Fd();
  waiting.join();
}

TEST(Unanswered, WhoeverIsAtTheOtherEndOfAPipeMayTakeTheirTime) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  std::thread waiting([&reader] {
    char byte = 0;
    (void)sys::read(reader.get(), &byte, 1);
  });
  sys::sleep_ms(100);
  EXPECT_FALSE(longest_unanswered());
  writer = Fd();
  waiting.join();
}

TEST(Unanswered, OnlyWhatIsSeenTwiceHangs) {
  HangWatch hangs;
  EXPECT_FALSE(hangs.look(0));
  {
    const Asking stopped("openat");  // as when this process had been stopped meanwhile
    EXPECT_FALSE(hangs.look(0));
  }
  sys::sleep_ms(30);
  const Asking asking("linkat");
  EXPECT_FALSE(hangs.look(0));
  const auto hanging = hangs.look(0);
  ASSERT_TRUE(hanging);
  EXPECT_STREQ(hanging->call, "linkat");
  EXPECT_FALSE(hangs.look(60'000));
}

}  // namespace
}  // namespace imgq
