// Many processes on one spool.
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <map>
#include <set>

#include "spool/fsck.h"
#include "spool/layout.h"
#include "spool/list.h"
#include "spool/owner.h"
#include "spool/recover.h"
#include "spool/scan.h"
#include "spool/sweep.h"
#include "spool/types.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::must;

class Stress : public lab::SpoolTest {
 protected:
  // A daemon: claims, completes or releases, until nothing is left.
  void work(int batch, int release_every) {
    auto owner = must(Owner::enter(spool_));
    int n = 0;
    for (auto tokens = must(scan_staging(spool_, static_cast<size_t>(batch))); !tokens.empty();
         tokens = must(scan_staging(spool_, static_cast<size_t>(batch)))) {
      std::vector<Finished> jobs;
      for (const Claim& claim : must(owner.claim(tokens, Sync::none)).taken) {
        if (release_every > 0 && ++n % release_every == 0) {
          must(owner.release(claim));
        } else {
          jobs.push_back(finished(claim, owner.name()));
        }
      }
      for (const auto& answer : owner.complete(jobs, Sync::none, SourceAfter::keep)) must(answer);
    }
    must(owner.leave());
  }
};

TEST_F(Stress, SeveralProcessesRunEachOf2000JobsExactlyOnce) {
  std::set<std::string> ids;
  for (const JobId& id : submit_many(2000)) ids.insert(id.text());
  std::vector<pid_t> pids;
  for (int i = 0; i < 4; ++i) pids.push_back(lab::start_child([this, i] { work(20 + i, 17); }));
  for (const pid_t pid : pids) EXPECT_EQ(lab::wait_for(pid), 0);
  const auto done = must(list(spool_, State::completed, Order::oldest_first, 5000));
  EXPECT_EQ(done.size(), 2000u);
  for (const Listed& job : done) EXPECT_EQ(ids.erase(job.id.text()), 1u);
  EXPECT_TRUE(ids.empty());
  const FsckReport report = must(fsck(spool_, Repair::report_only));
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.jobs, 2000);
  EXPECT_EQ(report.results, 2000);
}

TEST_F(Stress, KilledWorkersAndSubmittersLoseNothingThatWasAcknowledged) {
  // Each submitter writes the ids it was told into its pipe.
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  std::vector<pid_t> submitters;
  for (int i = 0; i < 3; ++i) {
    submitters.push_back(lab::start_child([this, &pipe_ends] {
      for (int n = 0; n < 60; ++n) {
        const std::string line = submit_one().text() + "\n";
        if (::write(pipe_ends[1], line.data(), line.size()) != 37) ::_exit(98);
      }
    }));
  }
  for (int round = 0; round < 6; ++round) {
    const pid_t worker = lab::start_child([this] {
      while (true) work(5, 7);
    });
    const size_t before = must(list(spool_, State::completed, Order::oldest_first, 9999)).size();
    lab::eventually([&] {
      return must(list(spool_, State::completed, Order::oldest_first, 9999)).size() > before + 5;
    });
    ASSERT_EQ(::kill(worker, SIGKILL), 0);
    EXPECT_EQ(lab::wait_for(worker), 128 + SIGKILL);
    if (round == 2) ::kill(submitters[0], SIGKILL);
  }
  for (const pid_t pid : submitters) lab::wait_for(pid);
  ::close(pipe_ends[1]);
  std::string acknowledged(64 * 1024, '\0');
  const ssize_t got = ::read(pipe_ends[0], acknowledged.data(), acknowledged.size());
  ::close(pipe_ends[0]);
  ASSERT_GT(got, 0);
  acknowledged.resize(static_cast<size_t>(got));
  Heartbeats seen;
  must(recover(spool_, "", seen, std::chrono::hours(1)));
  must(sweep_tmp(spool_));
  must(fsck(spool_, Repair::mend));
  work(100, 0);
  EXPECT_TRUE(is_clean());
  for (size_t at = 0; at + 37 <= acknowledged.size(); at += 37) {
    const JobId id = must(JobId::parse(std::string_view(acknowledged).substr(at, 36)));
    EXPECT_EQ(state(id), State::completed);
  }
}

// Far above what a job costs, with room for sanitizers, slow disks and a shared machine: this finds
// a quadratic loop, not a percent.
TEST_F(Stress, AJobCostsLittleProcessorTime) {
  const int jobs = 500;
  struct timespec start = {}, end = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
  submit_many(jobs);
  work(64, 0);
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  const double us = static_cast<double>(end.tv_sec - start.tv_sec) * 1e6 +
                    static_cast<double>(end.tv_nsec - start.tv_nsec) / 1e3;
  RecordProperty("microseconds_per_job", std::to_string(us / jobs));
  EXPECT_LT(us / jobs, 5000);
}

}  // namespace
}  // namespace imgq
