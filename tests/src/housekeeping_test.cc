// What housekeeping purges when the clock is set.
#include "src/supervise/housekeeping.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "spool/layout.h"
#include "spool/query.h"
#include "src/util/clock.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"
#include "tests/src/silent_listener.h"

namespace imgq::test {
namespace {

using std::chrono::milliseconds;

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

// The promise is the lease and two polls, of two seconds when nobody says otherwise; the lease is
// counted from the first look at the last beat, and looked at when it is over.
TEST(Heartbeats, AreLookedAtOftenAndByManyLessOften) {
  for (const int lease_s : {5, 10, 30, 300, 3600}) {
    const milliseconds lease = std::chrono::seconds(lease_s);
    milliseconds before{0};
    for (int others = 0; others <= 200; ++others) {
      const milliseconds period = supervise::recovery_period(lease, others);
      const milliseconds most = others <= 8 ? Config{}.poll * 2 : lease / 3;
      EXPECT_LE(period, std::min(most, lease / 3)) << lease_s << " " << others;
      EXPECT_GE(period, before) << lease_s << " " << others;
      before = period;
    }
  }
  EXPECT_EQ(supervise::recovery_period(std::chrono::seconds(30), 63), std::chrono::seconds(10));
}

TEST_F(Housekeeping, GivesTheJobsOfADeadHostBackWithinTheLeaseAndTwoPolls) {
  const JobId id = submit_one();
  const std::string host = "elsewhere.00000000000000000000000000000000.7.00000000000000aa";
  const std::string folder = path("processing/" + host);
  std::filesystem::create_directory(folder);
  lab::write_file(folder + "/.alive", "");
  std::filesystem::rename(path(layout::staging({id, 1})), folder + "/" + id.text() + ".1");
  settings_.config.lease = std::chrono::seconds(1);
  int beats = 0;
  int64_t last_beat = 0;
  supervise::Timer looking(loop_, [this] {
    if (!waiting().empty()) loop_.stop();
  });
  supervise::Timer beating(loop_, [&] {
    lab::set_mtime(folder + "/.alive", ++beats);
    last_beat = sys::monotonic_ms();
    if (beats == 20) beating.stop();
  });
  beating.every(milliseconds(100));  // for two leases
  looking.every(milliseconds(10));
  housekeeping_.recover_for("");
  loop_.run();
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
  EXPECT_FALSE(beating.armed());
  const int64_t took = sys::monotonic_ms() - last_beat;
  EXPECT_GE(took, 1000);
  EXPECT_LE(took, 1000 + 2 * settings_.config.poll.count());
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
