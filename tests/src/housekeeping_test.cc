// What housekeeping purges when the clock is set.
#include "src/supervise/housekeeping.h"

#include <gtest/gtest.h>

#include <memory>

#include "spool/query.h"
#include "src/util/clock.h"
#include "tests/spool/lab.h"
#include "tests/src/silent_listener.h"

namespace imgq::test {
namespace {

constexpr int64_t kDay = 86'400'000;

class Nobody final : public SilentListener {
  void trouble(const Error& error) override { ADD_FAILURE() << error.text(); }
};

class Housekeeping : public lab::SpoolTest {
 protected:
  Housekeeping() : housekeeping_(loop_, spool_, settings_, nobody_) {}
  ~Housekeeping() override {
    housekeeping_.stop();
    loop_.await_background();
  }
  bool stands(const JobId& id) { return state_of(spool_, id) ? true : false; }
  // Purges until a job is gone, which the number of those that are kept must have go.
  void purge_until_gone(const JobId& id) {
    housekeeping_.start();
    supervise::Timer looking(loop_, [&] {
      if (!stands(id)) loop_.stop();
    });
    looking.every(std::chrono::milliseconds(20));
    loop_.run();
  }

  supervise::Loop loop_;
  supervise::Settings settings_;
  Nobody nobody_;
  supervise::Housekeeping housekeeping_;
};

TEST_F(Housekeeping, DoesNotTakeAClockThatIsSetForwardForTimeThatHasPassed) {
  const JobId oldest = past_job(now_ms() - kDay / 2, Ending::completed, 1);
  const JobId newest = past_job(now_ms() - kDay / 4, Ending::completed, 2);
  settings_.config.keep_jobs = 1;
  faults::step_clock(60 * kDay / 1000);
  purge_until_gone(oldest);
  EXPECT_TRUE(stands(newest));
}

TEST(ClockLeaps, AreSeenWhenTheyAreMadeForwardAndLarge) {
  const faults::Scope scope;
  ClockLeaps leaps;
  EXPECT_EQ(leaps.last_ms(), 0);
  faults::step_clock(30);
  EXPECT_EQ(leaps.last_ms(), 0);
  faults::step_clock(-100'000);
  EXPECT_EQ(leaps.last_ms(), 0);
  faults::step_clock(100'000);
  const int64_t seen = leaps.last_ms();
  EXPECT_GT(seen, 0);
  EXPECT_EQ(leaps.last_ms(), seen);
}

}  // namespace
}  // namespace imgq::test
