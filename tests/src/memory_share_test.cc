// How the memory of a control group is shared among workers; and that one job can have all of it.
#include "src/supervise/memory_share.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spool/owner.h"
#include "spool/scan.h"
#include "src/supervise/job.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"
#include "src/supervise/pool.h"
#include "tests/src/lab.h"
#include "tests/src/silent_listener.h"

namespace imgq::test {
namespace {

using supervise::MemoryShare;
using supervise::share_memory;

constexpr int64_t kMiB = 1 << 20;

TEST(MemoryShare, WithoutALimitIsAsConfigured) {
  Config config;
  const MemoryShare share = share_memory(config, std::nullopt, 8);
  EXPECT_EQ(share.workers, 8);
  EXPECT_EQ(share.limits.heavy_bytes, config.limits.heavy_bytes);
  EXPECT_EQ(share.limits.alone_bytes, INT64_MAX);
}

TEST(MemoryShare, HasNoMoreWorkersThanItFeedsAndAtLeastOne) {
  const Config config;
  EXPECT_EQ(share_memory(config, 288 * kMiB, 8).workers, 4);
  EXPECT_EQ(share_memory(config, 288 * kMiB, 2).workers, 2);
  EXPECT_EQ(share_memory(config, 16 * kMiB, 8).workers, 1);
  EXPECT_EQ(share_memory(config, 64 * 1024 * kMiB, 8).workers, 8);
}

TEST(MemoryShare, HasAsManyWorkersAsTheConfigurationSays) {
  Config config;
  config.workers = 6;
  EXPECT_EQ(share_memory(config, 288 * kMiB, 2).workers, 6);
}

TEST(MemoryShare, IsNeverMoreThanThereIsWithEveryWorkerAtItsShare) {
  Config config;
  for (const int workers : {0, 1, 2, 5, 40}) {
    config.workers = workers;
    for (int64_t room = 128 * kMiB; room < 100'000 * kMiB; room *= 2) {
      const MemoryShare share = share_memory(config, room, 4);
      EXPECT_LE(share.limits.heavy_bytes * (share.workers - 1) + share.limits.alone_bytes, room);
      EXPECT_LE(share.limits.heavy_bytes, share.limits.alone_bytes);
      EXPECT_LE(share.limits.heavy_bytes, config.limits.heavy_bytes);
    }
  }
}

TEST(MemoryShare, RefusesNothing) {
  const Config config;
  EXPECT_EQ(share_memory(config, 128 * kMiB, 2).limits.memory_bytes, config.limits.memory_bytes);
}

// What a pool of real processes says, and how many others run when it says so.
class Listening final : public SilentListener {
 public:
  struct End {
    std::string preset;
    Code code;
    size_t running, waiting;
  };

  Listening(const std::string& worker, int workers) {
    settings_.worker_program = worker;
    settings_.config.workers = workers;
    pool_ = std::make_unique<supervise::Pool>(loop_, settings_, *this);
  }

  std::vector<End> run(std::vector<supervise::JobPtr> jobs) {
    left_ = jobs.size();
    for (auto& job : jobs) pool_->add(std::move(job));
    pool_->start();
    loop_.run();
    pool_.reset();
    return std::move(ends_);
  }

 private:
  void judged(supervise::JobPtr job, Verdict verdict) override {
    ends_.push_back({job->request.preset, verdict.code, pool_->running(), pool_->waiting()});
    if (--left_ == 0) pool_->close();
  }
  void changed() override {
    if (left_ == 0 && pool_->empty()) loop_.stop();
  }
  void broken(const Error& error) override {
    ADD_FAILURE() << error.text();
    loop_.stop();
  }

  supervise::Loop loop_;
  supervise::Settings settings_;
  std::vector<End> ends_;
  size_t left_ = 0;
  std::unique_ptr<supervise::Pool> pool_;
};

TEST(AJobThatNeedsAllMemory, RunsWhileNothingElseDoesAndBeforeWhatCameAfter) {
  const Lab lab;
  for (const char* preset : {"ms-200", "ms-200", "alone", "ms-200", "ms-200", "ms-200"}) {
    lab.submit(preset);
  }
  auto owner = std::make_shared<Owner>(std::move(*Owner::enter(lab.spool())));
  const auto tokens = scan_staging(lab.spool(), 10);
  ASSERT_TRUE(tokens);
  auto claims = owner->claim(*tokens, Sync::none);
  ASSERT_TRUE(claims);
  std::vector<supervise::JobPtr> jobs;
  for (Claim& claim : claims->taken) {
    auto prepared = supervise::prepare(lab.spool(), owner, std::move(claim), {});
    ASSERT_FALSE(prepared.verdict || prepared.trouble);
    jobs.push_back(std::move(prepared.job));
  }
  const auto ends = Listening(IMGQ_TEST_FAULTY_WORKER, 3).run(std::move(jobs));
  ASSERT_EQ(ends.size(), 6U);
  for (const auto& end : ends) {
    EXPECT_EQ(end.code, Code::ok) << end.preset;
    if (end.preset != "alone") continue;
    EXPECT_EQ(end.running, 0U);
    EXPECT_GT(end.waiting, 0U);
  }
}

}  // namespace
}  // namespace imgq::test
