#include "src/supervise/claimer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/util/log.h"
#include "tests/src/lab.h"
#include "tests/src/silent_listener.h"

namespace imgq::supervise {
namespace {

constexpr const char* kAlice = "alice.1.1.a";
constexpr const char* kBob = "bob.1.1.b";
constexpr const char* kCarol = "carol.1.1.c";

std::map<std::string, std::set<JobId>> shares(const std::vector<JobId>& ids,
                                              const std::vector<std::string>& owners) {
  std::map<std::string, std::set<JobId>> shares;
  for (const std::string& owner : owners) {
    std::vector<std::string> others = owners;
    std::erase(others, owner);
    const Share share(owner, others);
    for (const JobId& id : ids) {
      if (share.has(id)) shares[owner].insert(id);
    }
  }
  return shares;
}

TEST(Shares, AreOfOneDaemonEachAndAboutAsLarge) {
  std::vector<JobId> ids;
  for (int i = 0; i < 3000; ++i) ids.push_back(JobId::generate());
  const auto three = shares(ids, {kAlice, kBob, kCarol});
  std::set<JobId> all;
  size_t sum = 0;
  for (const auto& [owner, share] : three) {
    all.insert(share.begin(), share.end());
    sum += share.size();
    EXPECT_NEAR(static_cast<double>(share.size()), 1000, 130) << owner;  // five deviations
  }
  EXPECT_EQ(all.size(), 3000U);
  EXPECT_EQ(sum, 3000U);
  // When one goes, the others keep what they had.
  const auto two = shares(ids, {kAlice, kBob});
  for (const char* owner : {kAlice, kBob}) {
    const auto &now = two.at(owner), &before = three.at(owner);
    EXPECT_TRUE(std::includes(now.begin(), now.end(), before.begin(), before.end())) << owner;
  }
  EXPECT_TRUE(Share().has(ids.front()));
}

// A claimer alone with its loop: what it prepares is counted, and it is asked for more at once.
class Claiming : public testing::Test, protected test::SilentListener {
 protected:
  Claiming() {
    settings_.config.poll = std::chrono::milliseconds(100);
    owner_ = std::make_shared<Owner>(std::move(*Owner::enter(lab_.spool())));
  }

  std::string me() const { return owner_->name(); }

  // Claims, four at a time, until so many are claimed.
  void claim(size_t count) {
    Timer patience(loop_, [this] { loop_.stop(); });
    patience.after(test::kPatience);
    wanted_ = count;
    claimer_.poll();
    while (claimed_.size() < wanted_ && patience.armed()) loop_.run();
    ASSERT_EQ(claimed_.size(), count);
  }

  // Polls that read nothing, for nothing is wanted.
  void pass_polls() {
    Timer over(loop_, [this] { loop_.stop(); });
    over.after(3 * settings_.config.poll);
    while (over.armed()) loop_.run();
  }

  void changed() override {
    if (claimed_.size() >= wanted_) return loop_.stop();
    claimer_.claim(owner_, 4, false);
  }
  void prepared(Prepared prepared) override { claimed_.push_back(prepared.job->claim.token.id); }
  void not_alone() override { ++told_; }
  void trouble(const Error& error) override { ADD_FAILURE() << error.text(); }

  test::Lab lab_;
  Loop loop_;
  Settings settings_;
  std::shared_ptr<Owner> owner_;
  Claimer claimer_{loop_, lab_.spool(), settings_, *this};
  std::vector<JobId> claimed_;
  size_t wanted_ = 0;
  int told_ = 0;  // that it is not alone
};

TEST_F(Claiming, BeginsWithItsShareAndLeavesNothing) {
  const std::vector<JobId> ids = lab_.submit_many(40);
  const Share share(me(), {kBob, kCarol});
  const auto ours =
      std::count_if(ids.begin(), ids.end(), [&](const JobId& id) { return share.has(id); });
  ASSERT_GT(ours, 4);
  claimer_.share(share);
  claimer_.start();
  claim(ids.size());
  EXPECT_TRUE(std::all_of(claimed_.begin(), claimed_.begin() + ours,
                          [&](const JobId& id) { return share.has(id); }));
  claimer_.stop();
  loop_.await_background();
}

// Each name that another has claimed meanwhile would cost a rename in vain.
TEST_F(Claiming, TriesNothingThatOthersHaveTakenMeanwhile) {
  const std::vector<JobId> ids = lab_.submit_many(40);
  const Share share(me(), {kBob});
  claimer_.share(share);
  claimer_.start();
  claim(4);
  const auto other = Owner::enter(lab_.spool());
  ASSERT_TRUE(other);
  std::vector<Token> theirs;
  for (const JobId& id : ids) {
    if (!share.has(id)) theirs.push_back({id, 1});
  }
  constexpr std::ptrdiff_t left = 3;
  ASSERT_GT(std::ssize(theirs), left);
  theirs.erase(theirs.end() - left, theirs.end());
  ASSERT_EQ(other->claim(theirs, Sync::none)->taken.size(), theirs.size());
  pass_polls();
  log::set_level(log::Level::debug);
  testing::internal::CaptureStderr();
  claim(ids.size() - theirs.size());
  claimer_.stop();
  loop_.await_background();
  EXPECT_EQ(testing::internal::GetCapturedStderr().find("others were first"), std::string::npos);
}

// They may be dead: what would be theirs is not left waiting for a poll.
TEST_F(Claiming, WaitsForNoneThatWasNotSeenToLive) {
  settings_.config.poll = std::chrono::hours(1);
  lab_.submit_many(40);
  claimer_.share(Share(me(), {kBob, kCarol}, false));
  claimer_.start();
  claim(40);
  claimer_.stop();
  loop_.await_background();
}

TEST_F(Claiming, TellsThatItIsNotAloneWhenARaceIsLost) {
  std::vector<JobId> ids = lab_.submit_many(20);
  claimer_.start();
  claim(4);
  EXPECT_EQ(told_, 0);
  const auto other = Owner::enter(lab_.spool());
  ASSERT_TRUE(other);
  std::vector<Token> rest;
  for (const JobId& id : ids) {
    if (std::find(claimed_.begin(), claimed_.end(), id) == claimed_.end()) rest.push_back({id, 1});
  }
  ASSERT_EQ(other->claim(rest, Sync::none)->taken.size(), rest.size());
  lab_.submit_many(1);
  claim(5);
  EXPECT_GT(told_, 0);
  claimer_.stop();
  loop_.await_background();
}

}  // namespace
}  // namespace imgq::supervise
