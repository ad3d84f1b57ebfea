// Hooks that are owed: who makes the mark, who takes it, when it goes.
#include "spool/hooks.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <vector>

#include "spool/control.h"
#include "spool/layout.h"
#include "spool/probe.h"
#include "spool/recover.h"
#include "spool/retain.h"
#include "src/util/clock.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::is_there;
using lab::must;

class Hooks : public lab::SpoolTest {
 protected:
  Hooks() { spool_.owe_hooks(true); }

  bool is_owed(const JobId& id) { return is_there(path(layout::hook(id))); }

  // A job that has ended so, its hook owed.
  JobId ended(State state = State::failed) {
    auto owner = must(Owner::enter(spool_));
    JobId id = job_in(state, owner);
    must(owner.leave());
    return id;
  }

  static constexpr Ending kEndings[] = {Ending::completed, Ending::failed, Ending::cancelled};
};

TEST_F(Hooks, AreOwedByWhoeverEndsAJob) {
  for (const Ending ending : kEndings) {
    const JobId id = ended(state_after(ending));
    EXPECT_TRUE(is_owed(id)) << ending;
    const auto hook = must(take_hook(spool_, id));
    ASSERT_TRUE(hook) << ending;
    EXPECT_EQ(hook->outcome.ending, ending);
    EXPECT_EQ(hook->ticket.name, "photo.jpg");
    EXPECT_TRUE(settle_hook(spool_, *hook));
    EXPECT_FALSE(is_owed(id)) << ending;
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(Hooks, AreOwedForAJobThatHasNoAttemptsLeft) {
  const auto owner = must(Owner::enter(spool_));
  Draft once = draft();
  once.max_attempts = 1;
  const JobId id = submit_one(std::move(once));
  EXPECT_EQ(must(owner.retry_later(claim_one(owner), {"io_error", "no", 0}, {}, Sync::none)), 0);
  EXPECT_TRUE(is_owed(id));
}

TEST_F(Hooks, AreNotOwedWhereNoneIsConfigured) {
  spool_.owe_hooks(false);
  for (const Ending ending : kEndings) EXPECT_FALSE(is_owed(ended(state_after(ending))));
  EXPECT_TRUE(must(owed_hooks(spool_, 10)).empty());
}

TEST_F(Hooks, AreOwedBeforeTheJobHasEnded) {
  const auto owner = must(Owner::enter(spool_));
  const JobId id = submit_one();
  const Claim claim = claim_one(owner);
  bool stood = false;
  faults::add(
      {.call = "linkat", .path = ".end", .code = ENOSPC, .run = [&] { stood = is_owed(id); }});
  EXPECT_EQ(code_of(owner.fail(claim, {"not_an_image", "no", 0}, "{}", Sync::none)), ENOSPC);
  EXPECT_TRUE(stood);
  EXPECT_FALSE(must(take_hook(spool_, id)));  // it has not ended
  EXPECT_TRUE(is_owed(id));
}

TEST_F(Hooks, ThatCannotBeOwedKeepTheJobFromEnding) {
  const auto owner = must(Owner::enter(spool_));
  const JobId id = submit_one();
  const Claim claim = claim_one(owner);
  faults::add({.call = "linkat", .path = "hooks/", .code = ENOSPC});
  EXPECT_EQ(code_of(owner.fail(claim, {"not_an_image", "no", 0}, "{}", Sync::none)), ENOSPC);
  EXPECT_EQ(state(id), State::processing);
}

TEST_F(Hooks, AreToldOldestFirstAndNoMoreThanAsked) {
  const std::vector<JobId> ids = {ended(), ended(), ended()};
  EXPECT_EQ(must(owed_hooks(spool_, 2)), (std::vector<JobId>{ids[0], ids[1]}));
  EXPECT_EQ(must(owed_hooks(spool_, 9)), ids);
}

TEST_F(Hooks, AreTakenByOneAtATime) {
  const JobId id = ended();
  auto first = must(take_hook(spool_, id));
  ASSERT_TRUE(first);
  EXPECT_FALSE(must(take_hook(spool_, id)));
  first.reset();  // died, or was stopped
  EXPECT_TRUE(must(take_hook(spool_, id)));
}

TEST_F(Hooks, ThatRunHoldUpNoRetryAndStandForTheNextEnd) {
  const JobId id = ended();
  const auto first = must(take_hook(spool_, id));
  ASSERT_TRUE(first);
  EXPECT_EQ(must(retry(spool_, id)), State::staging);
  EXPECT_TRUE(settle_hook(spool_, *first));
  EXPECT_TRUE(is_owed(id));
  const auto owner = must(Owner::enter(spool_));
  complete(owner, claim_one(owner));
  EXPECT_TRUE(settle_hook(spool_, *first));
  const auto second = must(take_hook(spool_, id));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->outcome.ending, Ending::completed);
}

TEST_F(Hooks, AreNotSettledWhileARetryOrPurgeIsUnderWay) {
  const JobId id = ended();
  const auto hook = must(take_hook(spool_, id));
  int during = 0;
  faults::add({.call = "renameat", .path = " delayed/", .run = [&] {
                 during = code_of(settle_hook(spool_, *hook));
               }});
  must(retry(spool_, id));
  EXPECT_EQ(during, EAGAIN);
  EXPECT_TRUE(is_owed(id));
}

TEST_F(Hooks, GoWithTheirJob) {
  const JobId id = ended();
  const auto hook = must(take_hook(spool_, id));
  must(purge(spool_, id));
  EXPECT_FALSE(is_owed(id));
  EXPECT_TRUE(settle_hook(spool_, *hook));
  EXPECT_TRUE(is_clean());
}

// As after a power cut in a purge.
TEST_F(Hooks, OfAJobThatIsGoneGo) {
  for (const bool by_fsck : {true, false}) {
    const JobId id = ended();
    must(purge(spool_, id));
    lab::write_file(path(layout::hook(id)), "");
    EXPECT_FALSE(is_clean());
    if (by_fsck) {
      must(fsck(spool_, Repair::mend));
    } else {
      EXPECT_FALSE(must(take_hook(spool_, id)));
    }
    EXPECT_FALSE(is_owed(id));
    EXPECT_TRUE(is_clean());
  }
}

TEST_F(Hooks, AreWorkedOffInASpoolThatIsOlderThanThey) {
  std::filesystem::remove(path(layout::kHooks));
  EXPECT_TRUE(is_clean());
  for (const Probe& each : probe(spool_)) EXPECT_TRUE(each.good) << each.what;
  EXPECT_TRUE(must(owed_hooks(spool_, 10)).empty());
  const JobId id = ended();
  EXPECT_EQ(must(owed_hooks(spool_, 10)), std::vector<JobId>{id});
  EXPECT_TRUE(is_clean());
}

TEST_F(Hooks, KeepTheirJobsAsLongAsFailedOnesAreKept) {
  const JobId id = ended(State::completed);
  const JobId told = ended(State::completed);
  must(settle_hook(spool_, *must(take_hook(spool_, told))));
  Retention policy;
  policy.completed_age = std::chrono::hours(1);
  policy.failed_age = std::chrono::hours(3);
  const int64_t now = now_ms();
  EXPECT_EQ(must(retain(spool_, policy, now + 2 * 3'600'000, 10)).purged, 1);
  EXPECT_EQ(state(id), State::completed);
  policy.max_jobs = 1;
  const JobId newer = ended(State::completed);
  EXPECT_EQ(must(retain(spool_, policy, now, 10)).purged, 0);
  EXPECT_EQ(must(retain(spool_, policy, now + 4 * 3'600'000, 10)).purged, 2);
  EXPECT_FALSE(is_owed(id) || is_owed(newer));
}

}  // namespace
}  // namespace imgq
