#include "spool/retain.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "spool/control.h"
#include "spool/fsck.h"
#include "spool/internal/purge.h"
#include "spool/layout.h"
#include "src/util/clock.h"
#include "src/util/digest.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using std::chrono::hours;

constexpr int64_t kHour = 3'600'000, kDay = 24 * kHour;

class Retaining : public lab::SpoolTest {
 protected:
  const int64_t now_ = now_ms();
  Retention policy_;

  Retained run(int budget = 1000) { return must(retain(spool_, policy_, now_, budget)); }
  bool stands(const JobId& id) { return state_of(spool_, id) ? true : false; }
};

TEST_F(Retaining, EachKindOfEndHasItsAge) {
  const JobId old_done = past_job(now_ - 8 * kDay, Ending::completed, 1);
  const JobId new_done = past_job(now_ - 6 * kDay, Ending::completed, 2);
  const JobId old_failed = past_job(now_ - 31 * kDay, Ending::failed, 3);
  const JobId new_failed = past_job(now_ - 29 * kDay, Ending::failed, 4);
  const JobId old_cancelled = past_job(now_ - 31 * kDay, Ending::cancelled, 5);
  const JobId new_cancelled = past_job(now_ - 29 * kDay, Ending::cancelled, 6);
  const Retained done = run();
  EXPECT_EQ(done.purged, 3);
  EXPECT_FALSE(done.more);
  for (const JobId& id : {old_done, old_failed, old_cancelled}) EXPECT_FALSE(stands(id));
  for (const JobId& id : {new_done, new_failed, new_cancelled}) EXPECT_TRUE(stands(id));
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, ZeroMeansNoLimit) {
  policy_.completed_age = policy_.failed_age = std::chrono::seconds(0);
  past_job(now_ - 800 * kDay, Ending::completed, 1);
  past_job(now_ - 800 * kDay, Ending::failed, 2);
  EXPECT_EQ(run().purged, 0);
}

TEST_F(Retaining, JobsThatHaveNotEndedStayHoweverOld) {
  const auto owner = must(Owner::enter(spool_));
  std::vector<JobId> ids;
  for (const State each : {State::staging, State::delayed, State::processing, State::hold}) {
    ids.push_back(job_in(each, owner));
  }
  EXPECT_EQ(must(retain(spool_, policy_, now_ + 1000 * kDay, 1000)).purged, 0);
  for (const JobId& id : ids) EXPECT_TRUE(stands(id));
}

TEST_F(Retaining, AJobIsDatedByItsEndNotItsSubmission) {
  const JobId id = past_job(now_ - 100 * kDay, Ending::completed, 1);
  Outcome outcome = *must(find(spool_, id)).outcome;
  outcome.ended_ms = now_ - kDay;
  std::filesystem::remove(path(layout::outcome(id)));
  lab::write_file(path(layout::outcome(id)), encode(outcome));
  EXPECT_EQ(run().purged, 0);
}

TEST_F(Retaining, WhatEndedBeforeTheClockLeaptCountsAsEndedThen) {
  const JobId id = past_job(now_ - 100 * kDay, Ending::completed, 1);
  policy_.since_ms = now_ - 6 * kDay;
  EXPECT_EQ(run().purged, 0);
  policy_.since_ms = now_ - 8 * kDay;
  EXPECT_EQ(run().purged, 1);
  EXPECT_FALSE(stands(id));
}

TEST_F(Retaining, TheBudgetIsKeptAndTheRestIsLeftForTheNextCall) {
  for (int i = 0; i < 25; ++i) past_job(now_ - 10 * kDay + i * kHour, Ending::completed, i + 1);
  const Retained first = run(10);
  EXPECT_EQ(first.purged, 10);
  EXPECT_TRUE(first.more);
  EXPECT_FALSE(stands(id_at(now_ - 10 * kDay, 1)));
  EXPECT_TRUE(stands(id_at(now_ - 10 * kDay + 24 * kHour, 25)));
  EXPECT_EQ(run(10).purged, 10);
  const Retained last = run(10);
  EXPECT_EQ(last.purged, 5);
  EXPECT_FALSE(last.more);
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, OnlySoManyAreKeptTheNewest) {
  policy_.max_jobs = 3;
  std::vector<JobId> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(
        past_job(now_ - kDay + i * kHour, i % 2 == 0 ? Ending::completed : Ending::failed, i + 1));
  }
  EXPECT_EQ(run().purged, 3);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(stands(ids[i]), i >= 3) << i;
  EXPECT_EQ(run().purged, 0);
}

TEST_F(Retaining, OnlySoManyBytesAreKeptTheNewest) {
  std::vector<JobId> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(
        past_job(now_ - kDay + i * 2 * kHour, Ending::completed, i + 1, std::string(100'000, 'x')));
  }
  policy_.max_bytes = 250'000;
  EXPECT_EQ(run().purged, 3);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(stands(ids[i]), i >= 3) << i;
}

TEST_F(Retaining, EmptyFoldersOfPastHoursGo) {
  const JobId id = past_job(now_ - 9 * kDay, Ending::completed, 1);
  const std::string day = id.folder().substr(0, 10);
  const Retained done = run();
  EXPECT_EQ(done.purged, 1);
  EXPECT_EQ(done.folders, 4);  // hour and day, under jobs/ and completed/
  EXPECT_FALSE(lab::is_there(path("jobs/" + day)));
  EXPECT_FALSE(lab::is_there(path("completed/" + day)));
}

TEST_F(Retaining, TheFolderOfThisHourStaysEvenWhenEmpty) {
  const JobId id = submit_one();
  must(cancel(spool_, id));
  must(purge(spool_, id));
  run();
  EXPECT_TRUE(lab::is_there(path("jobs/" + id.folder())));
}

TEST_F(Retaining, AFolderThatWasRemovedIsMadeAgainForALateSubmission) {
  const JobId id = submit_one();
  must(cancel(spool_, id));
  must(purge(spool_, id));
  EXPECT_GT(must(retain(spool_, policy_, now_ + 3 * kDay, 10)).folders, 0);
  EXPECT_EQ(state(submit_one()), State::staging);
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, AStrangerInAnHourFolderStaysAndKeepsIt) {
  const JobId id = past_job(now_ - 9 * kDay, Ending::completed, 1);
  lab::write_file(path("jobs/" + id.folder() + "/notes.txt"), "x");
  run();
  EXPECT_FALSE(stands(id));
  EXPECT_TRUE(lab::is_there(path("jobs/" + id.folder() + "/notes.txt")));
}

TEST_F(Retaining, TheKeyGoesWithTheJob) {
  Draft keyed = draft();
  keyed.key = "k";
  const JobId id = submit_one(std::move(keyed));
  const auto owner = must(Owner::enter(spool_));
  complete(owner, claim_one(owner));
  EXPECT_EQ(must(retain(spool_, policy_, now_ + 9 * kDay, 10)).purged, 1);
  EXPECT_FALSE(stands(id));
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, WhatACrashLeftOfAPurgeIsFinishedWithItsHour) {
  const JobId cut = past_job(now_ - 9 * kDay, Ending::completed, 1);
  std::filesystem::remove(path(layout::ticket(cut)));
  std::filesystem::remove(path(layout::ended(Ending::completed, cut)));
  past_job(now_ - 9 * kDay, Ending::completed, 2);
  EXPECT_EQ(run().purged, 1);
  EXPECT_FALSE(lab::is_there(path(layout::source(cut))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, HoursThatAreTooYoungAreNotEvenListed) {
  for (int i = 0; i < 5; ++i) past_job(now_ - kDay + i * kHour, Ending::completed, i + 1);
  faults::add({.call = "openat", .path = ".end", .times = -1});
  run();
  EXPECT_EQ(faults::hits(), 0);
}

TEST_F(Retaining, AnOutcomeThatCannotBeReadIsKept) {
  const JobId id = past_job(now_ - 9 * kDay, Ending::completed, 1);
  lab::write_file(path(layout::outcome(id)), "garbage");
  EXPECT_EQ(run().purged, 0);
  EXPECT_TRUE(lab::is_there(path(layout::ticket(id))));
}

TEST_F(Retaining, ErrorsAtEveryCallLeaveWhatTheNextCallFinishes) {
  for (int skip = 0;; ++skip) {
    for (int i = 0; i < 3; ++i) past_job(now_ - 9 * kDay, Ending::completed, i + 1);
    faults::clear();
    faults::add({.call = "", .code = EIO, .skip = skip});
    (void)retain(spool_, policy_, now_, 10);
    const bool hit = faults::hits() > 0;
    faults::clear();
    must(fsck(spool_, Repair::mend));
    run();
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(stands(id_at(now_ - 9 * kDay, i + 1))) << skip;
    EXPECT_TRUE(is_clean()) << skip;
    if (!hit) break;
  }
}

// A job is submitted and completed while the hour folder is being read: its ticket's place was
// passed already, its outcome's was not.
TEST_F(Retaining, AJobThatEndsWhileItsHourIsReadIsNotTakenForAPurgeCutShort) {
  const JobId young = past_job(now_ - 2 * kDay, Ending::completed, 1);
  faults::add({.call = "listed", .path = young.text() + ".job", .code = ENOENT, .times = -1});
  must(purge_parts(spool_, layout::hour_folder(young), {}));
  EXPECT_GT(faults::hits(), 0);
  faults::clear();
  EXPECT_EQ(state(young), State::completed);
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, AJobThatIsRetriedInThisMomentStays) {
  for (const bool by_amount : {false, true}) {
    const JobId id = past_job(now_ - 31 * kDay, Ending::failed, by_amount ? 2 : 1);
    policy_.max_jobs = 1;
    if (by_amount) past_job(now_ - kDay, Ending::completed, 3);
    policy_.failed_age = by_amount ? hours(0) : hours(24);
    int purged = -1;
    faults::add({.call = "renameat", .path = "failed/", .run = [&] { purged = run().purged; }});
    EXPECT_EQ(must(retry(spool_, id)), State::staging);
    EXPECT_EQ(purged, 0);
    EXPECT_EQ(state(id), State::staging);
    EXPECT_TRUE(is_clean());
  }
}

TEST_F(Retaining, AJobThatIsPurgedInThisMomentIsNotRetried) {
  const JobId id = past_job(now_ - 31 * kDay, Ending::failed, 1);
  faults::add({.call = "unlinkat", .path = ".job", .run = [&] {  // the token is gone by then
                 EXPECT_EQ(code_of(retry(spool_, id)), EAGAIN);
               }});
  EXPECT_EQ(run().purged, 1);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(code_of(retry(spool_, id)), ENOENT);
  EXPECT_TRUE(is_clean());
}

// A retry that was cut short after it had put the outcome aside: the token is in failed/ again.
TEST_F(Retaining, AJobWithoutAnOutcomeIsNotPurgedForItsToken) {
  const JobId id = past_job(now_ - 31 * kDay, Ending::failed, 1);
  past_job(now_ - kDay, Ending::completed, 2);
  std::filesystem::rename(path(layout::outcome(id)), path(layout::try_record(id, 1)));
  policy_.max_jobs = 1;
  EXPECT_EQ(run().purged, 0);
  EXPECT_TRUE(stands(id));
}

TEST_F(Retaining, AnOutcomeThatIsPutAsideInThisMomentSavesItsJob) {
  const JobId id = past_job(now_ - 31 * kDay, Ending::failed, 1);
  faults::add({.call = "flock", .run = [&] {
                 std::filesystem::rename(path(layout::outcome(id)),
                                         path(layout::try_record(id, 1)));
               }});
  EXPECT_EQ(run().purged, 0);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_TRUE(stands(id));
}

TEST_F(Retaining, ATokenThatARepairMakesMeanwhileGoesToo) {
  const JobId id = past_job(now_ - 31 * kDay, Ending::failed, 1);
  faults::add(
      {.call = "unlinkat", .path = ".job", .run = [&] { must(fsck(spool_, Repair::mend)); }});
  EXPECT_EQ(run().purged, 1);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_FALSE(lab::is_there(path(layout::ended(Ending::failed, id))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Retaining, ARecordThatCannotBeReadDoesNotKeepTheOthers) {
  std::vector<JobId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(past_job(now_ - 9 * kDay, Ending::completed, i + 1));
  const auto make_newer = [](const std::string& file) {
    std::string text = lab::read_file(file);
    text = "{\"imgq\":2" + text.substr(9, text.size() - 9 - 78);
    lab::write_file(file, text + ",\"digest\":\"" + sha256_hex(text) + "\"}\n");
  };
  make_newer(path(layout::outcome(ids[0])));
  std::filesystem::remove(path(layout::outcome(ids[1])));
  std::filesystem::create_symlink("/etc/passwd", path(layout::outcome(ids[1])));
  make_newer(path(layout::ticket(ids[2])));
  EXPECT_EQ(run().purged, 1);
  EXPECT_FALSE(stands(ids[3]));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(lab::is_there(path(layout::ticket(ids[i])))) << i;
}

TEST_F(Retaining, AFileNamedLikeADayIsAStranger) {
  const JobId old = past_job(now_ - 9 * kDay, Ending::completed, 1);
  for (const char* top : {"jobs/", "completed/"}) lab::write_file(path(top) + "2001-01-01", "x");
  EXPECT_EQ(run().purged, 1);
  EXPECT_FALSE(stands(old));
  EXPECT_TRUE(is_clean());
  EXPECT_TRUE(lab::is_there(path("jobs/2001-01-01")));
}

TEST_F(Retaining, OnlyPartsWithAnOutcomeAndNoTicketArePurgedAlong) {
  const JobId kept = past_job(now_ - 9 * kDay, Ending::completed, 1);
  const JobId orphan = id_at(now_ - 9 * kDay, 2);
  lab::write_file(path(layout::source(orphan)), "the only copy");
  must(purge_parts(spool_, layout::hour_folder(kept), {}));
  EXPECT_TRUE(stands(kept));
  EXPECT_EQ(lab::read_file(path(layout::source(orphan))), "the only copy");
}

}  // namespace
}  // namespace imgq
