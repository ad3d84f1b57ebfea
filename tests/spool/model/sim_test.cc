// The simulator itself keeps its promises: what it calls lost could be lost, what it calls kept is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <set>

#include "tests/spool/model/sim_schedule.h"
#include "tests/spool/model/sim_world.h"

namespace imgq::sim {
namespace {

int make_file(const std::string& path, const std::string& bytes) {
  const int fd = sys::openat(AT_FDCWD, path.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (sys::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return -1;
  return fd;
}

void sync_path(const std::string& path) {
  const int fd = sys::openat(AT_FDCWD, path.c_str(), O_RDONLY);
  ASSERT_EQ(sys::fsync(fd), 0);
  ASSERT_EQ(sys::close(fd), 0);
}

std::string content(const World& world, const std::string& path) {
  const InodePtr file = world.look_up(path);
  return file ? file->data : "(missing)";
}

// All views that cutting the power `rounds` times, each with another seed, leaves of a file.
std::set<std::string> views(Order order, const std::string& path,
                            const std::function<void(World&)>& play) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    World world(order);
    play(world);
    SeededChooser chooser(seed);
    world.power_cut(chooser);
    seen.insert(content(world, path));
  }
  return seen;
}

TEST(SimDisk, UnsyncedBytesMayBeLostCutOrZeroed) {
  const auto seen = views(Order::loose, "/f", [](World&) {
    make_file("/f", "abcd");
    sync_path("/");
  });
  EXPECT_TRUE(seen.count("") && seen.count("abcd") && seen.count("ab") &&
              seen.count(std::string(4, '\0')));
  EXPECT_FALSE(seen.count("(missing)"));
}

TEST(SimDisk, SyncedBytesUnderASyncedNameStay) {
  for (const Order order : {Order::loose, Order::journalled}) {
    const auto seen = views(order, "/f", [](World&) {
      sys::fsync(make_file("/f", "abcd"));
      sync_path("/");
    });
    EXPECT_EQ(seen, std::set<std::string>{"abcd"});
  }
}

TEST(SimDisk, ASyncOfTheFileAloneNamesItOnlyWithAJournal) {
  const auto play = [](World&) { sys::fsync(make_file("/f", "abcd")); };
  EXPECT_EQ(views(Order::journalled, "/f", play), std::set<std::string>{"abcd"});
  EXPECT_EQ(views(Order::loose, "/f", play), (std::set<std::string>{"(missing)", "abcd"}));
}

// How many of a renamed file's two names a power cut can leave, when one folder was synced.
std::set<int> names_left(Order order, const std::string& synced) {
  std::set<int> left;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(order);
    world.write_file("/a/f", "x");
    world.write_file("/b/other", "x");
    EXPECT_EQ(sys::renameat(AT_FDCWD, "/a/f", AT_FDCWD, "/b/f"), 0);
    if (!synced.empty()) sync_path(synced);
    SeededChooser chooser(seed);
    world.power_cut(chooser);
    left.insert((world.look_up("/a/f") ? 1 : 0) + (world.look_up("/b/f") ? 1 : 0));
  }
  return left;
}

TEST(SimDisk, ARenameMayLeaveBothNamesButNeverNone) {
  EXPECT_EQ(names_left(Order::loose, ""), (std::set<int>{1, 2}));
  EXPECT_EQ(names_left(Order::loose, "/b"), (std::set<int>{1, 2}));
  EXPECT_EQ(names_left(Order::loose, "/a"), std::set<int>{1});
  EXPECT_EQ(names_left(Order::journalled, ""), std::set<int>{1});
}

TEST(SimDisk, AFolderWhoseOwnNameWasNotSyncedTakesItsFilesWithIt) {
  const auto seen = views(Order::loose, "/d/f", [](World&) {
    ASSERT_EQ(sys::mkdirat(AT_FDCWD, "/d", 0700), 0);
    sys::fsync(make_file("/d/f", "abcd"));
    sync_path("/d");
  });
  EXPECT_TRUE(seen.count("(missing)"));
}

TEST(SimDisk, AFailedSyncLosesTheBytesAlthoughTheNextOneAnswersWell) {
  World world(Order::journalled);
  const int fd = make_file("/f", "abcd");
  world.running().fault = Fault{0, EIO, Fault::Lasts::once, Fault::Effect::undone, Call::fsync};
  EXPECT_EQ(sys::fsync(fd), -1);
  EXPECT_EQ(sys::fsync(fd), 0);
  sync_path("/");
  EXPECT_EQ(content(world, "/f"), "abcd");
  ConstantChooser all(true);
  world.power_cut(all);
  EXPECT_EQ(content(world, "/f"), "");
}

TEST(SimDisk, SyncfsKeepsAll) {
  const auto seen = views(Order::loose, "/f", [](World&) {
    const int fd = make_file("/f", "abcd");
    ASSERT_EQ(sys::syncfs(fd), 0);
  });
  EXPECT_EQ(seen, std::set<std::string>{"abcd"});
}

TEST(SimWorld, RenameBetweenTwoNamesOfOneInodeDoesNothing) {
  World world(Order::loose);
  make_file("/a", "x");
  ASSERT_EQ(sys::linkat(AT_FDCWD, "/a", AT_FDCWD, "/b"), 0);
  EXPECT_EQ(sys::renameat(AT_FDCWD, "/a", AT_FDCWD, "/b"), 0);
  EXPECT_TRUE(world.look_up("/a"));
}

TEST(SimWorld, WithStaleNamesTwoRenamesToOneTargetBothAnswerWell) {
  World world(Order::loose);
  world.stale_names = true;
  make_file("/a", "x");
  EXPECT_EQ(sys::renameat(AT_FDCWD, "/a", AT_FDCWD, "/b"), 0);
  EXPECT_EQ(sys::renameat(AT_FDCWD, "/a", AT_FDCWD, "/b"), 0);
  EXPECT_EQ(sys::renameat(AT_FDCWD, "/a", AT_FDCWD, "/c"), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST(SimWorld, ADeadProcessChangesNothingAndItsLocksAreFree) {
  World world(Order::loose);
  Process& victim = world.running();
  const int fd = make_file("/f", "");
  ASSERT_EQ(sys::flock(fd, LOCK_EX | LOCK_NB), 0);
  Process& other = world.start();
  const int theirs = sys::openat(AT_FDCWD, "/f", O_RDONLY);
  EXPECT_EQ(sys::flock(theirs, LOCK_EX | LOCK_NB), -1);
  world.run_as(victim);
  victim.dies_at = victim.changes + 1;
  EXPECT_EQ(sys::write(fd, "x", 1), 1);
  EXPECT_EQ(sys::unlinkat(AT_FDCWD, "/f", 0), -1);
  EXPECT_TRUE(world.look_up("/f"));
  world.run_as(other);
  EXPECT_EQ(sys::flock(theirs, LOCK_EX | LOCK_NB), 0);
}

TEST(SimWorld, AFaultStrikesOnceOrUntilItIsLifted) {
  World world(Order::loose);
  Process& me = world.running();
  const int fd = make_file("/f", "");
  me.fault = Fault{1, ENOSPC, Fault::Lasts::once, Fault::Effect::undone, Call::write};
  EXPECT_EQ(sys::write(fd, "x", 1), 1);
  EXPECT_EQ(sys::write(fd, "x", 1), -1);
  EXPECT_EQ(sys::write(fd, "x", 1), 1);
  me.fault = Fault{0, ENOSPC, Fault::Lasts::until_lifted, Fault::Effect::undone, Call::write};
  me.fault_calls = 0;
  EXPECT_EQ(sys::write(fd, "x", 1), -1);
  EXPECT_EQ(sys::write(fd, "x", 1), -1);
  me.fault.reset();
  EXPECT_EQ(sys::write(fd, "x", 1), 1);
}

TEST(SimWorld, AFaultMayStrikeAfterTheCallWasDone) {
  World world(Order::loose);
  make_file("/a", "x");
  world.running().fault = Fault{0, EIO, Fault::Lasts::once, Fault::Effect::done, Call::link};
  EXPECT_EQ(sys::linkat(AT_FDCWD, "/a", AT_FDCWD, "/b"), -1);
  EXPECT_TRUE(world.look_up("/b"));
}

// Two actors that each read a number, and write it back one higher.
std::string count_up_twice(const Preemptions& schedule, size_t* steps) {
  World world(Order::loose);
  world.write_file("/n", "0");
  const auto work = [] {
    const int fd = sys::openat(AT_FDCWD, "/n", O_RDWR);
    char digit = 0;
    sys::pread(fd, &digit, 1, 0);
    digit++;
    sys::write(fd, &digit, 1);
    sys::close(fd);
  };
  Process& one = world.start();
  Process& two = world.start("beta");
  *steps = interleave(world, {{&one, work}, {&two, work}}, turn_by(schedule));
  return content(world, "/n");
}

TEST(SimSchedule, FindsALostUpdateWithOnePreemption) {
  std::set<std::string> seen;
  const size_t played = explore(2, 1, 1000, [&](const Preemptions& schedule) {
    size_t steps = 0;
    seen.insert(count_up_twice(schedule, &steps));
    return steps;
  });
  EXPECT_EQ(seen, (std::set<std::string>{"1", "2"}));
  EXPECT_GT(played, 10U);
}

TEST(SimSchedule, ALockIsWaitedForUntilItsHolderLetsGo) {
  World world(Order::loose);
  world.write_file("/lock", "");
  std::string order;
  Process& one = world.start();
  Process& two = world.start();
  const auto work = [&](char letter) {
    return [&order, letter] {
      const int fd = sys::openat(AT_FDCWD, "/lock", O_RDONLY);
      EXPECT_EQ(sys::flock(fd, LOCK_EX), 0);
      order += letter;
      make_file(std::string("/") + letter, "x");
      order += letter;
      sys::close(fd);
    };
  };
  interleave(world, {{&one, work('a')}, {&two, work('b')}}, turn_by({{3, 1}}));
  EXPECT_EQ(order, "aabb");
}

TEST(SimSchedule, APreemptedActorGoesOnWhenTheOtherHasEnded) {
  World world(Order::loose);
  std::string order;
  Process& one = world.start();
  Process& two = world.start();
  const auto work = [&](char letter) {
    return [&order, letter] {
      order += letter;
      make_file(std::string("/") + letter, "x");
      order += letter;
    };
  };
  interleave(world, {{&one, work('a')}, {&two, work('b')}}, turn_by({{1, 1}}));
  EXPECT_EQ(order, "abba");
}

}  // namespace
}  // namespace imgq::sim
