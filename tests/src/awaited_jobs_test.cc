#include "src/supervise/awaited_jobs.h"

#include <gtest/gtest.h>

namespace imgq::supervise {
namespace {

using Fate = FinishedFile::Fate;

class Awaits : public testing::Test {
 protected:
  JobId add() {
    const JobId job = JobId::generate();
    jobs_.add({job, "a.jpg", {}});
    return job;
  }
  bool became(const JobId& job, Fate fate, const std::string& why = "") {
    return jobs_.became({job, "a.jpg", fate, why}, now_ms_);
  }
  int64_t now_ms_ = 1000;
  AwaitedJobs jobs_;
};

TEST_F(Awaits, AsksOfAllInTurn) {
  std::set<JobId> all, asked;
  for (int i = 0; i < 1500; ++i) all.insert(add());
  for (int i = 0; i < 2; ++i) {
    for (const JobId& job : jobs_.to_ask(now_ms_)) asked.insert(job);
  }
  EXPECT_EQ(asked, all);
}

TEST_F(Awaits, HandsOutWhatHasEndedAndNothingThatIsNotItsOwn) {
  const JobId job = add();
  jobs_.ended(JobId::generate());
  EXPECT_FALSE(jobs_.has_ended_ones());
  jobs_.ended(job);
  EXPECT_TRUE(jobs_.has_ended_ones());
  EXPECT_EQ(jobs_.take(10).at(0).job, job);
  EXPECT_TRUE(jobs_.take(10).empty());
}

TEST_F(Awaits, ForgetsWhatIsDone) {
  const JobId job = add();
  EXPECT_TRUE(became(job, Fate::done));
  EXPECT_TRUE(jobs_.to_ask(now_ms_).empty());
  EXPECT_FALSE(became(job, Fate::done));
}

TEST_F(Awaits, AsksAgainOfWhatFailedAndSaysTheSameOnlyOnce) {
  const JobId job = add();
  EXPECT_TRUE(became(job, Fate::ended_badly, "failed"));
  EXPECT_TRUE(jobs_.to_ask(now_ms_).empty());
  now_ms_ += 60'000;
  EXPECT_EQ(jobs_.to_ask(now_ms_).size(), 1U);
  EXPECT_FALSE(became(job, Fate::ended_badly, "failed"));
  EXPECT_TRUE(became(job, Fate::later, "no room"));
  now_ms_ += 5000;
  EXPECT_EQ(jobs_.to_ask(now_ms_).size(), 1U);
}

}  // namespace
}  // namespace imgq::supervise
