#include <gtest/gtest.h>

#include "src/supervise/pause.h"

namespace imgq::supervise {
namespace {

using Allowed = Pause::Allowed;

TEST(Pause, LetsEverythingThroughWithoutTrouble) {
  const Pause pause;
  EXPECT_EQ(pause.allowed(0), Allowed::all);
  EXPECT_FALSE(pause.on());
}

TEST(Pause, WaitsTwiceAsLongEachTimeUpToHalfAMinute) {
  Pause pause;
  int64_t now = 1'000'000;
  for (const int64_t wait : {1, 2, 4, 8, 16, 30, 30, 30}) {
    (void)pause.trouble("full", now);
    EXPECT_EQ(pause.allowed(now + wait * 1000 - 1), Allowed::none) << wait;
    EXPECT_EQ(pause.allowed(now + wait * 1000), Allowed::one) << wait;
    now += wait * 1000;
  }
}

TEST(Pause, CountsTroubleOfOneWaveOnce) {
  Pause pause;
  (void)pause.trouble("full", 0);
  (void)pause.trouble("full", 10);
  (void)pause.trouble("full", 999);
  EXPECT_EQ(pause.allowed(1000), Allowed::one);
  EXPECT_FALSE(pause.lasting());
  (void)pause.trouble("full", 1000);
  EXPECT_TRUE(pause.lasting());
}

TEST(Pause, IsSaidOnceAndAgainOnlyForAnotherCause) {
  Pause pause;
  EXPECT_TRUE(pause.trouble("full", 0));
  EXPECT_FALSE(pause.trouble("full", 2000));
  EXPECT_TRUE(pause.trouble("read-only", 6000));
  EXPECT_TRUE(pause.well());
  EXPECT_FALSE(pause.well());
  EXPECT_TRUE(pause.trouble("full", 7000));
}

TEST(Pause, BeginsAnewWithAShortWaitAfterSuccess) {
  Pause pause;
  (void)pause.trouble("full", 0);
  (void)pause.trouble("full", 1000);
  (void)pause.well();
  EXPECT_EQ(pause.allowed(1500), Allowed::all);
  (void)pause.trouble("full", 2000);
  EXPECT_EQ(pause.allowed(3000), Allowed::one);
  EXPECT_FALSE(pause.lasting());
}

}  // namespace
}  // namespace imgq::supervise
