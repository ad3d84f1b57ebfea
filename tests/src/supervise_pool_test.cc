// The workers of a running daemon: how they are replaced, and when it is given up.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "src/supervise/engine.h"
#include "tests/src/lab.h"

namespace imgq::test {
namespace {

// A worker program that is told by files what to do: with "broken" there it ends at once, with
// "wait" there it comes up only when that is gone; "started" says that it was begun.
class Pool : public testing::Test {
 protected:
  Pool() {
    const std::string here = lab_.folder().path() + "/";
    lab_.folder().write("worker", "#!/bin/sh\n: >" + here + "started\n[ ! -e " + here +
                                      "broken ] || { echo 'cannot read HEIC' >&2; exit 3; }\n" +
                                      "while [ -e " + here + "wait ]; do sleep 0.02; done\n" +
                                      "exec " IMGQ_TEST_FAULTY_WORKER " \"$@\"\n");
    EXPECT_EQ(::chmod(lab_.folder().file("worker").c_str(), 0700), 0);
  }
  Program daemon(std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--workers", "1", "--log-level", "debug"});
    return lab_.daemon(std::move(options), {"IMGQ_WORKER=" + lab_.folder().file("worker")});
  }
  void begin_waiting() const { lab_.folder().write("wait", ""); }
  void end_waiting() const { (void)::remove(lab_.folder().file("wait").c_str()); }
  bool has_started() const {
    return eventually([&] { return exists(lab_.folder().file("started")); });
  }
  void reload(const Program& daemon, const std::string& settings) const {
    lab_.configure(settings);
    daemon.signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return daemon.said("reloaded; workers"); })) << daemon.log();
  }
  Lab lab_;
};

TEST_F(Pool, AWorkerThatWasStartingAtAReloadDoesNotServeByTheOldLimits) {
  begin_waiting();
  const auto running = daemon();
  ASSERT_TRUE(has_started());
  reload(running, "limits.wall_seconds = 1\n");
  end_waiting();
  const JobId endless = lab_.submit("sleep", bytes(kTinyPng), 1);
  ASSERT_TRUE(lab_.reaches(endless, State::failed)) << running.log();
  EXPECT_NE(lab_.cause(endless).message.find("longer than 4 s"), std::string::npos);
}

TEST_F(Pool, AResultIsJudgedByTheLimitsItWasMadeUnder) {
  const JobId job = lab_.submit("ms-1000");
  const auto running = daemon();
  ASSERT_TRUE(eventually([&] { return running.said("given to a worker"); })) << running.log();
  reload(running, "limits.max_result_side_px = 1\n");
  EXPECT_EQ(lab_.state(job), State::processing);
  ASSERT_TRUE(eventually([&] { return lab_.view(job).outcome.has_value(); })) << running.log();
  EXPECT_EQ(lab_.state(job), State::completed) << lab_.cause(job).message;
}

TEST_F(Pool, EndsTheDaemonWhenNoNewWorkerComesUpThoughEarlierOnesDid) {
  auto running = daemon();
  ASSERT_TRUE(lab_.reaches(lab_.submit(), State::completed)) << running.log();
  lab_.folder().write("broken", "");
  reload(running, "");
  EXPECT_EQ(running.wait(), 69) << running.log();
  EXPECT_TRUE(running.said("keep a worker running: cannot read HEIC")) << running.log();
}

TEST_F(Pool, AWorkerIsReplacedAfterItsShareOfJobsThoughItDoesNotAsk) {
  lab_.configure("limits.recycle_jobs = 2\n");
  const auto running = daemon();
  ASSERT_TRUE(lab_.reaches(lab_.submit(), State::completed)) << running.log();
  const auto first = running.children();
  ASSERT_EQ(first.size(), 1U);
  ASSERT_TRUE(lab_.reaches(lab_.submit(), State::completed)) << running.log();
  EXPECT_TRUE(eventually([&] {
    const auto now = running.children();
    return now.size() == 1 && now != first;
  })) << running.log();
}

TEST_F(Pool, AWorkerThatAnswersAgainAndAgainSpoilsNoOtherJob) {
  const JobId odd = lab_.submit("again", bytes(kTinyPng), 1);
  const JobId next = lab_.submit();
  const auto running = daemon();
  ASSERT_TRUE(eventually([&] { return running.said("given to a worker"); })) << running.log();
  running.signal(SIGSTOP);  // so that it finds two answers at once
  const std::string tmp = lab_.spool_path() + "/tmp/";
  EXPECT_TRUE(eventually([&] {
    const auto names = names_in(tmp);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return read_file(tmp + name).starts_with("again");
    });
  }));
  running.signal(SIGCONT);
  ASSERT_TRUE(lab_.reaches(next, State::completed)) << running.log();
  EXPECT_EQ(lab_.view(next).outcome->attempt, 1);
  EXPECT_TRUE(running.said("broke its protocol")) << running.log();
  EXPECT_TRUE(lab_.reaches(odd, State::failed));
}

TEST(Reload, TakesTheNewSyncAndTellsOfASpoolThatItCannotChangeTo) {
  supervise::Settings settings;
  settings.config.spool = "/old";
  Config config;
  config.spool = "/old";
  config.sync = "full";
  EXPECT_EQ(supervise::take_over(settings, config), "");
  EXPECT_EQ(settings.sync, Sync::full);
  config.spool = "/new";
  EXPECT_EQ(supervise::take_over(settings, config), "spool = /new");
}

}  // namespace
}  // namespace imgq::test
