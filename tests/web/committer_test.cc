#include "src/web/committer.h"

#include <future>
#include <memory>
#include <new>
#include <thread>

#include "tests/web/site_fixture.h"

namespace imgq::web {
namespace {

using CommitterTest = SiteTest;

std::vector<Draft> one_draft(const std::string& name) {
  std::vector<Draft> drafts(1);
  drafts[0].name = name;
  return drafts;
}

// Throws for "bad", answers others; the first group waits until it is let go.
class Fake {
 public:
  std::vector<Result<Submitted>> operator()(const Spool&, const std::vector<Draft>& drafts, Sync) {
    if (first_) {
      first_ = false;
      begun.set_value();
      go.get_future().wait();
    }
    for (const Draft& draft : drafts) {
      if (draft.name == "bad") throw std::bad_alloc();
    }
    return {drafts.size(), Error{ENOSPC, "submit", ""}};
  }
  std::promise<void> begun, go;

 private:
  bool first_ = true;
};

TEST_F(CommitterTest, AGroupThatThrowsLeavesNobodyWaiting) {
  const auto fake = std::make_shared<Fake>();
  const auto committer = std::make_shared<Committer>(
      *spool_, Sync::none, [fake](const Spool& spool, const std::vector<Draft>& drafts, Sync sync) {
        return (*fake)(spool, drafts, sync);
      });
  // In threads that a failure of this test can leave behind.
  const auto submitting = [committer](const std::string& name) {
    std::packaged_task<size_t()> task(
        [committer, name] { return committer->submit(one_draft(name)).size(); });
    auto answer = task.get_future();
    std::thread(std::move(task)).detach();
    return answer;
  };
  auto bad = submitting("bad");
  fake->begun.get_future().wait();
  auto second = submitting("good");
  fake->go.set_value();
  EXPECT_THROW(bad.get(), std::bad_alloc);
  ASSERT_EQ(second.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(second.get(), 1U);
  auto third = submitting("good");
  ASSERT_EQ(third.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(third.get(), 1U);
}

TEST_F(CommitterTest, WhatIsThrownIsAnsweredWithAnErrorAndTheNextUploadIsTaken) {
  bool bad = true;
  Committer committer(*spool_, Sync::none,
                      [&bad](const Spool& spool, std::vector<Draft> drafts, Sync sync) {
                        if (std::exchange(bad, false)) throw std::bad_alloc();
                        return imgq::submit(spool, std::move(drafts), sync);
                      });
  site_ = std::unique_ptr<Site>(
      new Site{*spool_, config_, options_, committer, *view_, *meter_, held_});
  EXPECT_THROW(ask("POST", "/v1/jobs", jpeg_bytes()), std::bad_alloc);  // the server says 500
  EXPECT_EQ(files_in_tmp(), 0);
  EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes()).status, 202);
  site_.reset();
}

}  // namespace
}  // namespace imgq::web
