// What people do to single jobs: every act in every state.
#include "spool/control.h"

#include <unistd.h>

#include <filesystem>

#include "spool/fsck.h"
#include "spool/internal/keys.h"
#include "spool/internal/outcome.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/placed.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/scan.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Control : public lab::SpoolTest {
 protected:
  Owner owner_ = must(Owner::enter(spool_));

  int files_of(const JobId& id) {
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(""))) {
      if (entry.path().filename().string().find(id.text()) != std::string::npos) ++files;
    }
    return files;
  }
};

// What an act leads to from each state, in the order of kAllStates; EBUSY: refused.
struct Row {
  const char* name;
  Result<State> (*act)(const Spool&, const JobId&);
  std::optional<State> leads_to[std::size(kAllStates)];
};
constexpr std::optional<State> kBusy = std::nullopt;
const Row kTable[] = {
    //                 staging            delayed            processing         completed failed
    //                 hold               cancelled
    {"cancel",
     cancel,
     {State::cancelled, State::cancelled, State::cancelled, kBusy, kBusy, State::cancelled,
      State::cancelled}},
    {"hold", hold, {State::hold, State::hold, kBusy, kBusy, kBusy, State::hold, kBusy}},
    {"release", release, {State::staging, kBusy, kBusy, kBusy, kBusy, State::staging, kBusy}},
    {"retry", retry, {State::staging, State::staging, kBusy, kBusy, State::staging, kBusy, kBusy}},
};

TEST_F(Control, EveryActInEveryStateDoesWhatTheTableSays) {
  for (const Row& row : kTable) {
    for (size_t i = 0; i < std::size(kAllStates); ++i) {
      const State from = kAllStates[i];
      const JobId id = job_in(from, owner_);
      const auto done = row.act(spool_, id);
      if (row.leads_to[i]) {
        ASSERT_TRUE(done) << row.name << " " << from << ": " << done.error().text();
        EXPECT_EQ(*done, *row.leads_to[i]) << row.name << " " << from;
        EXPECT_EQ(state(id), *row.leads_to[i]) << row.name << " " << from;
      } else {
        EXPECT_EQ(code_of(done), EBUSY) << row.name << " " << from;
        EXPECT_EQ(state(id), from) << row.name << " " << from;
        EXPECT_EQ(done.error().action,
                  std::string(row.name) + " the job: its state is " + std::string(name_of(from)));
      }
      EXPECT_TRUE(is_clean()) << row.name << " " << from;
    }
  }
}

TEST_F(Control, PurgeForgetsEndedJobsOnly) {
  for (const State from : kAllStates) {
    const JobId id = job_in(from, owner_);
    const bool ended =
        from == State::completed || from == State::failed || from == State::cancelled;
    EXPECT_EQ(code_of(purge(spool_, id)), ended ? 0 : EBUSY) << from;
    EXPECT_EQ(code_of(state_of(spool_, id)), ended ? ENOENT : 0) << from;
    if (ended) {
      EXPECT_EQ(files_of(id), 0) << from;
    }
    if (ended) {
      EXPECT_EQ(code_of(purge(spool_, id)), ENOENT) << from;
    }
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, ManyThatArePurgedShareTheirSyncs) {
  std::vector<JobId> ids;
  for (int i = 0; i < 30; ++i) ids.push_back(past_job(1'700'000'000'000, Ending::completed, i));
  const JobId waits = submit_one();
  ids.insert(ids.begin() + 10, waits);
  ids.push_back(ids.front());  // named again, when it is gone
  int synced = 0;
  faults::add({.call = "fsync", .times = -1, .run = [&synced] { ++synced; }});
  const auto done = purge(spool_, ids);
  ASSERT_EQ(done.size(), 32U);
  for (size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(code_of(done[i]), i == 10 ? EBUSY : i == 31 ? ENOENT : 0) << i;
  }
  EXPECT_EQ(synced, 2);  // completed/ and jobs/, of one hour
  for (size_t i = 0; i < 31; ++i) EXPECT_EQ(files_of(ids[i]) == 0, i != 10) << i;
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, ASyncThatFailsIsTheFailureOfAllWhosePurgeDependsOnIt) {
  const JobId first = past_job(1'700'000'000'000, Ending::completed, 1);
  const JobId second = past_job(1'700'000'000'000, Ending::completed, 2);
  const JobId later = past_job(1'700'003'600'000, Ending::completed, 3);
  faults::add({.call = "fsync", .path = "jobs/2023-11-14/22", .code = EIO});
  const auto done = purge(spool_, std::vector<JobId>{first, second, later});
  EXPECT_EQ(code_of(done[0]), EIO);
  EXPECT_EQ(code_of(done[1]), EIO);
  EXPECT_EQ(code_of(done[2]), 0);
  EXPECT_EQ(code_of(purge(spool_, first)), 0);  // what is left of it
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, AnUnknownJobIsNotFound) {
  const JobId id = lab::unknown_id();
  for (const Row& row : kTable) EXPECT_EQ(code_of(row.act(spool_, id)), ENOENT) << row.name;
  EXPECT_EQ(code_of(purge(spool_, id)), ENOENT);
}

TEST_F(Control, AReleasedJobNeverUsesItsOldNameAgain) {
  const JobId id = submit_one();
  for (int n = 1; n < 5; ++n) {
    EXPECT_EQ(waiting(), (std::vector<Token>{{id, n}}));
    must(hold(spool_, id));
    must(release(spool_, id));
  }
}

TEST_F(Control, ARetriedJobStartsCountingAnew) {
  const JobId id = submit_one();
  const Cause crash{"crashed", "x", 11};
  for (int n = 0; n < 2; ++n) {
    must(owner_.retry_later(claim_one(owner_), crash, {}, Sync::none));
    must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
  }
  ASSERT_EQ(state(id), State::failed);
  EXPECT_EQ(must(retry(spool_, id)), State::staging);
  const JobView view = must(find(spool_, id));
  EXPECT_FALSE(view.outcome);
  ASSERT_EQ(view.tries.size(), 2u);
  EXPECT_EQ(view.tries[0].kind, Try::Kind::counted);
  EXPECT_EQ(view.tries[1].kind, Try::Kind::retried);
  EXPECT_EQ(view.tries[1].cause.code, "poison");
  const Claim claim = claim_one(owner_);
  EXPECT_EQ(claim.token.attempt, 3);
  EXPECT_EQ(claim.failures + claim.crashes, 0);
  complete(owner_, claim);
  EXPECT_EQ(state(id), State::completed);
  EXPECT_EQ(code_of(retry(spool_, id)), EBUSY);
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, AFailureCanBeRetriedAgainAndAgain) {
  const JobId id = job_in(State::failed, owner_);
  for (int n = 2; n < 6; ++n) {
    must(retry(spool_, id));
    const Claim claim = claim_one(owner_);
    EXPECT_EQ(claim.token.attempt, n);
    must(owner_.fail(claim, {"timed_out", "", 0}, "{}", Sync::none));
  }
  EXPECT_EQ(must(find(spool_, id)).tries.size(), 4u);
  EXPECT_TRUE(is_clean());
}

// The retry is stopped just before its n-th call; whatever it did, the job ends as failed, or runs.
TEST_F(Control, ARetryCutAnywhereLeavesAJobThatGoesOnByItself) {
  for (int skip = 0;; ++skip) {
    const JobId id = job_in(State::failed, owner_);
    const int result = lab::in_child([&] {
      faults::clear();
      faults::add({.call = "", .skip = skip, .run = [] { ::_exit(42); }});
      must(retry(spool_, id));
    });
    must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
    const auto claims = claim_all(owner_);
    const State after = state(id);
    EXPECT_TRUE(after == State::failed || after == State::processing) << skip;
    EXPECT_EQ(claims.taken.size(), after == State::processing ? 1u : 0u) << skip;
    if (after == State::processing) complete(owner_, claims.taken[0]);
    EXPECT_TRUE(is_clean()) << skip;
    if (result == 0) break;
    ASSERT_EQ(result, 42);
  }
}

TEST_F(Control, ARetryKeepsOthersOutUntilItIsThrough) {
  const JobId id = job_in(State::failed, owner_);
  faults::add({.call = "renameat", .path = "failed/", .run = [&] {
                 EXPECT_EQ(code_of(retry(spool_, id)), EAGAIN);
                 EXPECT_EQ(code_of(purge(spool_, id)), EAGAIN);
               }});
  EXPECT_EQ(must(retry(spool_, id)), State::staging);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(waiting().size(), 1u);
  EXPECT_EQ(must(find(spool_, id)).tries.size(), 1u);
  EXPECT_TRUE(is_clean());
}

// The retry stands still for more than its minute, or another host's clock is ahead by more: the
// parked token is promoted, claimed, and put back to failed/, just before the outcome goes.
TEST_F(Control, ARetryThatIsOvertakenByAPromotionStillRuns) {
  const JobId id = job_in(State::failed, owner_);
  faults::add({.call = "renameat", .path = ".end", .run = [&] {
                 must(promote_delayed(spool_, now_ms() + 120'000));
                 EXPECT_EQ(claim_all(owner_).finished, 1);
               }});
  EXPECT_EQ(must(retry(spool_, id)), State::staging);
  EXPECT_EQ(waiting().size(), 1u);
  complete(owner_, claim_one(owner_));
  EXPECT_TRUE(is_clean());
}

// A file system whose locks do not reach the other host, played by a ticket of another inode.
TEST_F(Control, ARetryThatIsOvertakenByAnotherLeavesItsOutcomeAlone) {
  const JobId id = job_in(State::failed, owner_);
  faults::add({.call = "renameat", .path = ".end", .run = [&] {
                 const std::string ticket = lab::read_file(path(layout::ticket(id)));
                 std::filesystem::remove(path(layout::ticket(id)));
                 lab::write_file(path(layout::ticket(id)), ticket);
                 must(promote_delayed(spool_, now_ms() + 120'000));
                 EXPECT_EQ(claim_all(owner_).finished, 1);
                 EXPECT_EQ(must(retry(spool_, id)), State::staging);
                 complete(owner_, claim_one(owner_));
               }});
  EXPECT_EQ(code_of(retry(spool_, id)), EBUSY);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(state(id), State::completed);
  EXPECT_TRUE(is_clean());
}

// The same, the outcome going after the claim has read it and before the token is in failed/.
TEST_F(Control, ATokenIsNotLeftInFailedWhenItsOutcomeIsJustPutAside) {
  const JobId id = job_in(State::failed, owner_);
  std::filesystem::rename(path("failed/" + id.text()), path(layout::staging({id, 2})));
  faults::add({.call = "renameat", .path = " failed/", .run = [&] {
                 std::filesystem::rename(path(layout::outcome(id)),
                                         path(layout::try_record(id, 1)));
               }});
  EXPECT_EQ(claim_all(owner_).finished, 1);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 3}}));
  complete(owner_, claim_one(owner_));
  EXPECT_TRUE(is_clean());
}

// What is left when it is killed before it can put the outcome back.
TEST_F(Control, ACompletedOutcomeThatARetryPutAsideIsPutBackByFsck) {
  const JobId id = job_in(State::completed, owner_);
  std::filesystem::rename(path(layout::outcome(id)), path(layout::try_record(id, 1)));
  EXPECT_FALSE(is_clean());
  must(fsck(spool_, Repair::mend));
  EXPECT_EQ(state(id), State::completed);
  EXPECT_TRUE(is_clean());
  EXPECT_TRUE(lab::names_in(path("corrupt")).empty());
}

TEST_F(Control, ALostTokenOfAFailedJobDoesNotPreventItsRetry) {
  const JobId id = job_in(State::failed, owner_);
  std::filesystem::remove(path("failed/" + id.text()));
  EXPECT_EQ(must(retry(spool_, id)), State::staging);
  EXPECT_EQ(waiting().size(), 1u);
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, CancellingARunningJobLeavesItsTokenToItsOwner) {
  const JobId id = job_in(State::processing, owner_);
  EXPECT_EQ(must(cancel(spool_, id)), State::cancelled);
  EXPECT_FALSE(lab::is_there(path("cancelled/" + id.text())));
  must(owner_.leave());
  EXPECT_TRUE(lab::is_there(path("cancelled/" + id.text())));
}

TEST_F(Control, ACancelThatComesTooLateSaysSo) {
  const JobId id = job_in(State::staging, owner_);
  faults::add(
      {.call = "linkat", .path = ".end", .run = [&] { complete(owner_, claim_one(owner_)); }});
  EXPECT_EQ(code_of(cancel(spool_, id)), EBUSY);
  EXPECT_EQ(state(id), State::completed);
}

TEST_F(Control, ATokenThatMovesIsFollowed) {
  const JobId id = submit_one();
  int moves = 0;
  faults::add({.call = "renameat", .path = "staging/" + id.text(), .times = 2, .run = [&] {
                 must(hold(spool_, id));
                 must(release(spool_, id));
                 ++moves;
               }});
  EXPECT_EQ(must(hold(spool_, id)), State::hold);
  EXPECT_EQ(moves, 2);
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, ATokenThatMovesThreeTimesIsLeftAlone) {
  const JobId id = submit_one();
  faults::add({.call = "renameat", .path = "staging/" + id.text(), .times = -1, .run = [&] {
                 must(hold(spool_, id));
                 must(release(spool_, id));
               }});
  EXPECT_EQ(code_of(hold(spool_, id)), EAGAIN);
}

TEST_F(Control, AHoldThatMeetsACancelEndsCancelled) {
  const JobId id = submit_one();
  faults::add({.call = "linkat", .path = ".end", .run = [&] { must(hold(spool_, id)); }});
  EXPECT_EQ(must(cancel(spool_, id)), State::cancelled);
  EXPECT_TRUE(is_clean());
  const JobId other = submit_one();
  faults::clear();
  faults::add({.call = "renameat", .path = " hold/", .run = [&] {
                 Outcome outcome{other};
                 outcome.ending = Ending::cancelled;
                 must(publish(spool_, outcome, Sync::none));
               }});
  EXPECT_EQ(must(hold(spool_, other)), State::cancelled);
  EXPECT_TRUE(is_clean());
}

TEST_F(Control, APurgeCutAnywhereIsFinishedByTheNext) {
  for (int skip = 0;; ++skip) {
    Draft keyed = draft();
    keyed.key = "key " + std::to_string(skip);
    const JobId id = submit_one(std::move(keyed));
    complete(owner_, claim_one(owner_));
    must(mark_placed(spool_, id));
    const int result = lab::in_child([&] {
      faults::clear();
      faults::add({.call = "", .skip = skip, .run = [] { ::_exit(42); }});
      must(purge(spool_, id));
    });
    const auto again = purge(spool_, id);
    EXPECT_TRUE(again || again.error().code == ENOENT) << skip << again.error().text();
    EXPECT_EQ(code_of(state_of(spool_, id)), ENOENT) << skip;
    EXPECT_EQ(files_of(id), 0) << skip;
    EXPECT_TRUE(is_clean()) << skip;
    if (result == 0) break;
  }
}

TEST_F(Control, APurgeMeetsARetryUnderWay) {
  const JobId id = job_in(State::failed, owner_);
  std::filesystem::rename(path("failed/" + id.text()),
                          path(layout::delayed(now_ms() + 60'000, {id, 2})));
  EXPECT_EQ(code_of(purge(spool_, id)), EAGAIN);
  EXPECT_EQ(state(id), State::failed);
}

TEST_F(Control, AJobWhoseOutcomeCannotBeReadIsNotPurgedBlindly) {
  const JobId id = job_in(State::completed, owner_);
  lab::write_file(path(layout::outcome(id)), "garbage");
  EXPECT_EQ(code_of(purge(spool_, id)), -1);
  EXPECT_EQ(code_of(cancel(spool_, id)), -1);
  EXPECT_TRUE(lab::is_there(path(layout::source(id))));
}

TEST_F(Control, ErrorsOfTheDiskAreToldAndNothingIsHalfDone) {
  for (const State from : {State::staging, State::failed, State::hold, State::delayed}) {
    for (const Row& row : kTable) {
      const JobId id = job_in(from, owner_);
      faults::clear();
      faults::add({.call = "renameat", .code = EROFS, .times = -1});
      faults::add({.call = "linkat", .code = EROFS, .times = -1});
      const auto done = row.act(spool_, id);
      faults::clear();
      EXPECT_TRUE(done || done.error().code == EBUSY || done.error().code == EROFS);
      EXPECT_EQ(state(id), from) << row.name;
    }
  }
  EXPECT_TRUE(is_clean());
}

}  // namespace
}  // namespace imgq
