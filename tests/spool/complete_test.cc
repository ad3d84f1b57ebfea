// Publishing, failing, trying again.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "spool/fsck.h"
#include "spool/internal/moves.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/scan.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/digest.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Completing : public lab::SpoolTest {
 protected:
  Owner owner_ = must(Owner::enter(spool_));
  Owner other_ = must(Owner::enter(spool_));

  std::vector<Result<Outcome>> complete_all(std::vector<Finished> jobs, Sync sync,
                                            SourceAfter source = SourceAfter::keep) {
    return owner_.complete(jobs, sync, source);
  }
  Result<Outcome> complete_with(const Owner& owner, const Claim& claim, Sync sync = Sync::none) {
    std::vector<Finished> jobs;
    jobs.push_back(finished(claim, owner.name()));
    return std::move(owner.complete(jobs, sync, SourceAfter::keep)[0]);
  }
  // The same job in the hands of a second owner, as after a takeover of a living one.
  Claim taken_over(const Claim& claim) {
    const Token next = next_of(claim.token);
    std::filesystem::rename(path(layout::processing(owner_.name(), claim.token)),
                            path(layout::staging(next)));
    return must(other_.claim(std::vector<Token>{next}, Sync::none)).taken.at(0);
  }
  Cause crash(int signal = 0) { return {signal != 0 ? "crashed" : "io_error", "it broke", signal}; }
};

TEST_F(Completing, ACompletedJobHasItsResultsAndItsOutcome) {
  const JobId id = submit_one();
  const Outcome outcome = complete(owner_, claim_one(owner_), "the thumbnail");
  EXPECT_EQ(outcome.ending, Ending::completed);
  EXPECT_EQ(outcome.owner, owner_.name());
  EXPECT_EQ(outcome.attempt, 1);
  EXPECT_EQ(outcome.report, R"({"format":"jpeg"})");
  ASSERT_EQ(outcome.results.size(), 1u);
  const ResultFile& result = outcome.results[0];
  EXPECT_EQ(result.file, id.text() + ".1.main.jpg");
  EXPECT_EQ(result.size_bytes, 13);
  EXPECT_EQ(result.sha256, sha256_hex("the thumbnail"));
  EXPECT_EQ(lab::read_file(path(layout::result(id, result.file))), "the thumbnail");
  EXPECT_TRUE(lab::is_there(path(layout::ended(Ending::completed, id))));
  EXPECT_TRUE(lab::is_there(path(layout::source(id))));
  EXPECT_EQ(state(id), State::completed);
  EXPECT_TRUE(temps().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, TheSourceGoesWhenPolicySaysSo) {
  const JobId id = submit_one();
  std::vector<Finished> jobs;
  jobs.push_back(finished(claim_one(owner_)));
  must(std::move(complete_all(std::move(jobs), Sync::full, SourceAfter::remove)[0]));
  EXPECT_FALSE(lab::is_there(path(layout::source(id))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, AGroupIsAnsweredInOrder) {
  for (const Sync sync : {Sync::full, Sync::batch, Sync::none}) {
    submit_many(20);
    std::vector<Finished> jobs;
    std::vector<JobId> ids;
    for (const Claim& claim : claim_all(owner_).taken) {
      ids.push_back(claim.token.id);
      jobs.push_back(finished(claim));
      jobs.back().results.push_back(result("second", "small"));
    }
    const auto answers = complete_all(std::move(jobs), sync);
    ASSERT_EQ(answers.size(), 20u);
    for (size_t i = 0; i < 20; ++i) {
      ASSERT_TRUE(answers[i]);
      EXPECT_EQ(answers[i]->id, ids[i]);
      EXPECT_EQ(answers[i]->results.size(), 2u);
    }
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, ResultsAndRecordAreOnTheDiskBeforeTheCommitAndItsNameBeforeTheAnswer) {
  submit_one();
  const Claim claim = claim_one(owner_);
  std::vector<std::string> order;
  const auto note = [&order](const char* what) {
    return [&order, what] { order.emplace_back(what); };
  };
  faults::add({.call = "fsync", .path = "spool/tmp/", .times = -1, .run = note("bytes")});
  faults::add({.call = "fsync", .path = "spool/jobs/", .times = -1, .run = note("names")});
  faults::add({.call = "linkat", .path = ".end", .times = -1, .run = note("commit")});
  faults::add({.call = "renameat", .path = " completed/", .times = -1, .run = note("token")});
  std::vector<Finished> jobs;
  jobs.push_back(finished(claim));
  must(std::move(complete_all(std::move(jobs), Sync::batch)[0]));
  order.erase(std::unique(order.begin(), order.end()), order.end());
  EXPECT_EQ(order, (std::vector<std::string>{"bytes", "names", "commit", "names", "token"}));
}

class SurvivingKillsAlone : public lab::SpoolTest {
 protected:
  SurvivingKillsAlone() : SpoolTest(Survives::kill) {}
};

TEST_F(SurvivingKillsAlone, SyncsResultsAndNothingElse) {
  int synced = 0;
  for (const char* call : {"fsync", "syncfs"}) {
    faults::add({.call = call, .times = -1, .run = [&synced] { ++synced; }});
  }
  must(Spool::create(scratch_ / "another", 0700, Survives::kill));
  const Owner owner = must(Owner::enter(spool_));
  submit_many(5);
  const auto claims = claim_all(owner).taken;
  EXPECT_EQ(synced, 0);
  std::vector<Finished> jobs;
  for (size_t i = 0; i < 3; ++i) jobs.push_back(finished(claims.at(i)));
  for (const auto& answer : owner.complete(jobs, Sync::batch, SourceAfter::remove)) must(answer);
  must(owner.fail(claims.at(3), {"io_error", "", 0}, "{}", Sync::full));
  must(owner.retry_later(claims.at(4), {"io_error", "", 0}, {}, Sync::full));
  EXPECT_EQ(synced, 3);
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, OnlyOneOfTwoOwnersPublishes) {
  const JobId id = submit_one();
  const Claim zombie = claim_one(owner_);
  const Claim second = taken_over(zombie);
  EXPECT_TRUE(complete_with(other_, second));
  const auto late = complete_with(owner_, zombie);
  EXPECT_EQ(code_of(late), EEXIST);
  EXPECT_EQ(must(find(spool_, id)).outcome->owner, other_.name());
  EXPECT_FALSE(lab::is_there(path(layout::result(id, id.text() + ".1.main.jpg"))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, AZombieThatIsFirstWinsAndTheOtherIsFenced) {
  const JobId id = submit_one();
  const Claim zombie = claim_one(owner_);
  const Claim second = taken_over(zombie);
  EXPECT_TRUE(complete_with(owner_, zombie));
  EXPECT_EQ(code_of(complete_with(other_, second)), EEXIST);
  EXPECT_EQ(must(find(spool_, id)).outcome->owner, owner_.name());
  EXPECT_EQ(state(id), State::completed);
  EXPECT_TRUE(lab::is_there(path(layout::ended(Ending::completed, id))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, ACancelledJobIsNotPublished) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  must(cancel(spool_, id));
  EXPECT_EQ(code_of(complete_with(owner_, claim)), EEXIST);
  EXPECT_EQ(code_of(owner_.fail(claim, crash(), "{}", Sync::none)), EEXIST);
  EXPECT_EQ(code_of(owner_.retry_later(claim, crash(), {}, Sync::none)), EEXIST);
  EXPECT_EQ(state(id), State::cancelled);
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, ACommitWhoseAnswerWasLostIsItsOwn) {
  const JobId id = submit_one();
  for (const int code : {EEXIST, EIO, ENOTCONN, ESTALE}) {
    const JobId job = submit_one();
    const Claim claim = must(owner_.claim(std::vector<Token>{{job, 1}}, Sync::none)).taken.at(0);
    faults::clear();
    faults::add({.call = "linkat", .path = ".end", .code = code, .after = true});
    EXPECT_TRUE(complete_with(owner_, claim)) << code;
    EXPECT_EQ(state(job), State::completed);
  }
  faults::clear();
  must(cancel(spool_, id));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, ACommitThatWasRefusedLeavesTheClaim) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  for (const int code : {ENOSPC, EROFS, EDQUOT}) {
    faults::clear();
    faults::add({.call = "linkat", .path = ".end", .code = code});
    EXPECT_EQ(code_of(complete_with(owner_, claim)), code);
    EXPECT_EQ(state(id), State::processing);
    EXPECT_FALSE(lab::is_there(path(layout::result(id, id.text() + ".1.main.jpg"))));
  }
  faults::clear();
  EXPECT_TRUE(complete_with(owner_, claim));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, ACommitThatMayStillHappenKeepsItsResultsUntilTheJobEnds) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  faults::add({.call = "linkat", .path = ".end", .code = EIO});
  EXPECT_EQ(code_of(complete_with(owner_, claim)), EIO);
  EXPECT_TRUE(lab::is_there(path(layout::result(id, id.text() + ".1.main.jpg"))));
  must(owner_.release(claim));
  EXPECT_TRUE(complete_with(owner_, claim_one(owner_)));
  EXPECT_FALSE(lab::is_there(path(layout::result(id, id.text() + ".1.main.jpg"))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, ErrorsAtEveryCallAreNeverAFalseAnswer) {
  for (const int code : {ENOSPC, EIO}) {
    for (int skip = 0;; ++skip) {
      const JobId id = submit_one();
      const Claim claim = must(owner_.claim(std::vector<Token>{{id, 1}}, Sync::none)).taken.at(0);
      std::vector<Finished> jobs;
      jobs.push_back(finished(claim));
      faults::clear();
      faults::add({.call = "", .code = code, .skip = skip});
      const auto answers = owner_.complete(jobs, Sync::batch, SourceAfter::remove);
      const bool hit = faults::hits() > 0;
      faults::clear();
      jobs.clear();
      if (answers[0]) {
        EXPECT_EQ(state(id), State::completed) << skip;
      }
      must(owner_.release(claim));
      must(fsck(spool_, Repair::mend));
      EXPECT_TRUE(is_clean()) << "call " << skip << " code " << code;
      const State after = state(id);
      EXPECT_TRUE(after == State::completed || (!answers[0] && after == State::staging)) << skip;
      if (after == State::staging) must(cancel(spool_, id));
      if (!hit) break;
    }
  }
  for (const std::string& name : temps()) {
    EXPECT_TRUE(layout::parse_writer(name)) << name;  // where the removal was what failed
  }
}

TEST_F(Completing, ResultsWithImpossibleNamesAreRefused) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  for (const char* rendition : {"", "../x", "Main", "a.b"}) {
    Finished job{claim};
    job.results.push_back(result("x", rendition));
    std::vector<Finished> jobs;
    jobs.push_back(std::move(job));
    EXPECT_EQ(code_of(complete_all(std::move(jobs), Sync::none)[0]), EINVAL) << rendition;
  }
  EXPECT_EQ(state(id), State::processing);
}

TEST_F(Completing, TwoResultsOfOneNameAreRefusedAndTheJobGoesOn) {
  const JobId id = submit_one();
  Finished job{claim_one(owner_)};
  job.results.push_back(result("x"));
  job.results.push_back(result("y"));
  std::vector<Finished> jobs;
  jobs.push_back(std::move(job));
  EXPECT_EQ(code_of(complete_all(std::move(jobs), Sync::none)[0]), EEXIST);
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, AResultOfThisAttemptThatIsThereAlreadyIsNotReplaced) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  const std::string there = path(layout::result(id, id.text() + ".1.main.jpg"));
  lab::write_file(there, "another's");
  EXPECT_EQ(code_of(complete_with(owner_, claim)), EEXIST);
  EXPECT_EQ(lab::read_file(there), "another's");
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
}

TEST_F(Completing, AFailedJobSaysWhy) {
  const JobId id = submit_one();
  const auto outcome = owner_.fail(claim_one(owner_), {"not_an_image", "no known signature", 0},
                                   R"({"x":1})", Sync::full);
  ASSERT_TRUE(outcome);
  const JobView view = must(find(spool_, id));
  EXPECT_EQ(view.state, State::failed);
  EXPECT_EQ(view.outcome->cause.code, "not_an_image");
  EXPECT_EQ(view.outcome->report, R"({"x":1})");
  EXPECT_TRUE(lab::is_there(path("failed/" + id.text())));
  EXPECT_TRUE(lab::is_there(path(layout::source(id))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, FailingTwiceAfterALostAnswerIsOneFailure) {
  submit_one();
  const Claim claim = claim_one(owner_);
  faults::add({.call = "fsync", .path = "spool/jobs/", .code = EIO});
  EXPECT_EQ(code_of(owner_.fail(claim, crash(), "{}", Sync::full)), EIO);
  EXPECT_TRUE(owner_.fail(claim, crash(), "{}", Sync::full));
}

TEST_F(Completing, APassingFailureIsTriedAgainLaterAndCounted) {
  const JobId id = submit_one();
  Claim claim = claim_one(owner_);
  const int64_t before = now_ms();
  const int64_t due = must(owner_.retry_later(claim, crash(), {10'000, 600'000}, Sync::batch));
  EXPECT_GE(due, before + 5000);
  EXPECT_LE(due, now_ms() + 10'000);
  const JobView view = must(find(spool_, id));
  EXPECT_EQ(view.state, State::delayed);
  EXPECT_EQ(view.attempt, 2);
  EXPECT_EQ(view.due_ms, due);
  ASSERT_EQ(view.tries.size(), 1u);
  EXPECT_EQ(view.tries[0].cause.code, "io_error");
  EXPECT_EQ(view.tries[0].retry_ms, due);
  EXPECT_EQ(view.tries[0].owner, owner_.name());
  must(promote_delayed(spool_, due));
  claim = claim_one(owner_);
  EXPECT_EQ(claim.token.attempt, 2);
  EXPECT_EQ(claim.failures, 1);
  EXPECT_EQ(claim.crashes, 0);
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, EachFurtherAttemptWaitsTwiceAsLongUpToTheMost) {
  const Backoff backoff{1000, 5000};
  Draft patient = draft();
  patient.max_attempts = 100;
  submit_one(std::move(patient));
  Claim claim = claim_one(owner_);
  const int64_t most[] = {1000, 2000, 4000, 5000, 5000};
  for (int failures = 0; failures < 5; ++failures) {
    claim.failures = failures;
    const int64_t before = now_ms();
    const int64_t due = must(owner_.retry_later(claim, crash(), backoff, Sync::none));
    EXPECT_GE(due, before + most[failures] / 2);
    EXPECT_LE(due, now_ms() + most[failures]);
    must(promote_delayed(spool_, due));
    claim.token = must(owner_.claim(waiting(), Sync::none)).taken.at(0).token;
  }
  const Backoff endless{kMaxDelayMs * 100, kMaxDelayMs * 100};
  EXPECT_LE(must(owner_.retry_later(claim, crash(), endless, Sync::none)), now_ms() + kMaxDelayMs);
}

TEST_F(Completing, TheLastAttemptEndsTheJob) {
  const JobId id = submit_one();
  for (int n = 1; n <= 3; ++n) {
    const Claim claim = claim_one(owner_);
    const int64_t due = must(owner_.retry_later(claim, crash(), {}, Sync::none));
    EXPECT_EQ(due == 0, n == 3);
    must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
  }
  const JobView view = must(find(spool_, id));
  EXPECT_EQ(view.state, State::failed);
  EXPECT_EQ(view.outcome->cause.code, "io_error");
  EXPECT_EQ(view.outcome->attempt, 3);
  EXPECT_EQ(view.tries.size(), 2u);
  EXPECT_TRUE(is_clean());
}

TEST_F(Completing, AJobThatKillsTwoWorkersIsPoison) {
  const JobId id = submit_one();
  EXPECT_GT(must(owner_.retry_later(claim_one(owner_), crash(11), {}, Sync::none)), 0);
  must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
  EXPECT_EQ(must(owner_.retry_later(claim_one(owner_), crash(11), {}, Sync::none)), 0);
  const JobView view = must(find(spool_, id));
  EXPECT_EQ(view.state, State::failed);
  EXPECT_EQ(view.outcome->cause.code, "poison");
  EXPECT_EQ(view.outcome->cause.signal, 11);
}

TEST_F(Completing, AnAttemptThatWasTakenOverIsFenced) {
  submit_one();
  const Claim zombie = claim_one(owner_);
  taken_over(zombie);
  EXPECT_EQ(code_of(owner_.retry_later(zombie, crash(), {}, Sync::none)), EEXIST);
}

TEST_F(Completing, ErrorsAtEveryCallOfARetryKeepTheJob) {
  for (int skip = 0;; ++skip) {
    const JobId id = submit_one();
    const Claim claim = must(owner_.claim(std::vector<Token>{{id, 1}}, Sync::none)).taken.at(0);
    faults::clear();
    faults::add({.call = "", .code = ENOSPC, .skip = skip});
    const auto due = owner_.retry_later(claim, crash(), {}, Sync::batch);
    const bool hit = faults::hits() > 0;
    faults::clear();
    const State now = state(id);
    if (due) {
      EXPECT_EQ(now, State::delayed) << skip;
    }
    EXPECT_TRUE(now == State::delayed || now == State::processing) << skip;
    must(owner_.release(claim));
    EXPECT_TRUE(is_clean()) << skip;
    must(cancel(spool_, id));
    if (!hit) break;
  }
}

// Neither is an answer given nor does a reader believe the outcome before it is on the disk.
TEST_F(Completing, AnOutcomeWhoseSyncFailedIsSyncedByWhoeverReadsIt) {
  for (const bool good : {true, false}) {
    const JobId id = submit_one();
    const Claim claim = claim_one(owner_);
    faults::add({.call = "fsync", .path = "spool/jobs/", .code = EIO, .skip = good ? 1 : 0});
    const auto ended = good ? complete_with(owner_, claim, Sync::full)
                            : owner_.fail(claim, crash(), "{}", Sync::full);
    EXPECT_EQ(code_of(ended), EIO);
    ASSERT_TRUE(lab::is_there(path(layout::outcome(id))));
    faults::add({.call = "fsync", .path = "spool/jobs/", .code = EIO, .times = -1});
    EXPECT_EQ(code_of(has_ended(spool_, id)), EIO);
    faults::clear();
    EXPECT_TRUE(must(has_ended(spool_, id)));
  }
}

// An owner is stopped just after it failed a job; when it wakes, the job was retried and completed.
TEST_F(Completing, AnOwnerThatWakesUpLeavesALaterAttemptsResultsAlone) {
  const JobId id = submit_one();
  must(owner_.release(claim_one(owner_)));
  const Claim claim = claim_one(owner_);
  ASSERT_EQ(claim.token.attempt, 2);
  faults::add({.call = "fsync", .path = "spool/jobs/", .run = [&] {
                 std::filesystem::rename(path(layout::processing(owner_.name(), claim.token)),
                                         path(layout::ended(Ending::failed, id)));
                 must(retry(spool_, id));
                 complete(other_, claim_one(other_));
               }});
  EXPECT_TRUE(owner_.fail(claim, crash(), "{}", Sync::full));
  EXPECT_EQ(faults::hits(), 1);
  const JobView job = must(find(spool_, id));
  ASSERT_EQ(job.state, State::completed);
  EXPECT_TRUE(open_result(spool_, id, job.outcome->results.at(0)));
}

}  // namespace
}  // namespace imgq
