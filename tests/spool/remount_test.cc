// A file system that goes away under an open spool, and comes back under its path or does not.
#include "spool/remount.h"

#include <cerrno>
#include <filesystem>

#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::must;
using Seen = Remount::Seen;

class Remounts : public lab::SpoolTest {
 protected:
  // Each look asks the root, and when it is lost the path, then the root again: by their file
  // "format" all three.
  static void fail_only(int which, int code) {
    faults::add({.call = "openat", .path = "format", .code = code, .skip = which});
  }
  static void fail_all(int code) {
    faults::add({.call = "openat", .path = "format", .code = code, .times = -1});
  }
};

TEST_F(Remounts, WhatAnswersIsNotLost) {
  Remount remount(spool_);
  EXPECT_EQ(remount.look(), Seen::well);
  fail_all(ENOSPC);
  EXPECT_EQ(remount.look(), Seen::well);  // other trouble than of one that went away
  EXPECT_FALSE(remount.take());
}

TEST_F(Remounts, OneThatAnswersAgainWhereItStandsIsNotOpenedAnew) {
  for (const int code : {ENOTCONN, ESHUTDOWN, ESTALE, EIO}) {
    faults::clear();
    Remount remount(spool_);
    fail_only(0, code);
    EXPECT_EQ(remount.look(), Seen::well) << code;
    EXPECT_FALSE(remount.take());
  }
}

TEST_F(Remounts, ALostSpoolIsFoundUnderItsPathOnceItIsThere) {
  for (const int code : {ENOTCONN, ESHUTDOWN, ESTALE, EIO}) {
    faults::clear();
    Remount remount(spool_);
    spool_.owe_hooks(true);
    fail_only(0, code);
    fail_only(1, code);  // counted from the second on, for the rule before takes the first
    EXPECT_EQ(remount.look(), Seen::back) << code;
    const auto again = remount.take();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->uuid(), spool_.uuid());
    EXPECT_NE(again->root(), spool_.root());
    EXPECT_TRUE(again->owes_hooks());
    EXPECT_FALSE(remount.take());
  }
}

TEST_F(Remounts, AnotherSpoolUnderThePathIsNotTaken) {
  Remount remount(spool_);
  std::filesystem::rename(spool_.path(), spool_.path() + ".away");
  const Spool other = must(Spool::create(spool_.path()));
  faults::add({.call = "openat", .path = "format", .code = ENOTCONN});
  EXPECT_EQ(remount.look(), Seen::away);
  EXPECT_NE(remount.why().find(other.uuid()), std::string::npos) << remount.why();
}

TEST_F(Remounts, AnEmptyMountPointIsWaitedForAsLongAsItTakes) {
  Remount remount(spool_);
  std::filesystem::rename(spool_.path(), spool_.path() + ".away");
  std::filesystem::create_directory(spool_.path());
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  for (int look = 0; look < 3; ++look) {
    faults::add({.call = "openat", .path = "format", .code = ESTALE});
    EXPECT_EQ(remount.look(), Seen::away);
    sys::sleep_ms(100'000);
  }
}

TEST_F(Remounts, APathThatLeadsToTheDeadMountForAMinuteIsDead) {
  Remount remount(spool_);
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  fail_all(ENOTCONN);
  EXPECT_EQ(remount.look(), Seen::away);
  sys::sleep_ms(59'000);
  EXPECT_EQ(remount.look(), Seen::away);
  sys::sleep_ms(1'100);
  EXPECT_EQ(remount.look(), Seen::dead);
}

TEST_F(Remounts, TheMinuteBeginsAnewWhenItAnsweredMeanwhile) {
  Remount remount(spool_);
  fail_all(ENOTCONN);
  EXPECT_EQ(remount.look(), Seen::away);
  faults::clear();
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  EXPECT_EQ(remount.look(), Seen::well);
  sys::sleep_ms(61'000);
  fail_all(ENOTCONN);
  EXPECT_EQ(remount.look(), Seen::away);
}

}  // namespace
}  // namespace imgq
