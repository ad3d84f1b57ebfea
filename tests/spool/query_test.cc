// Looking jobs up, listing, counting.
#include "spool/query.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "spool/internal/keys.h"
#include "spool/layout.h"
#include "spool/list.h"
#include "spool/owner.h"
#include "spool/placed.h"
#include "spool/records.h"
#include "spool/recover.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Queries : public lab::SpoolTest {
 protected:
  Owner owner_ = must(Owner::enter(spool_));
};

TEST_F(Queries, AMarkThatAllIsPlacedStandsUntilThePurge) {
  const JobId id = job_in(State::completed, owner_);
  EXPECT_FALSE(must(is_placed(spool_, id)));
  must(mark_placed(spool_, id));
  must(mark_placed(spool_, id));
  EXPECT_TRUE(must(is_placed(spool_, id)));
  EXPECT_TRUE(is_clean());
  must(purge(spool_, id));
  EXPECT_FALSE(must(is_placed(spool_, id)));
  EXPECT_EQ(code_of(mark_placed(spool_, id)), ENOENT);
}

TEST_F(Queries, AJobIsFoundByItsKeyAndByNoOther) {
  Draft keyed = draft();
  keyed.key = "a key";
  const JobId id = submit_one(std::move(keyed));
  EXPECT_EQ(must(find_by_key(spool_, "a key")), id);
  EXPECT_EQ(code_of(find_by_key(spool_, "A key")), ENOENT);
  ASSERT_TRUE(std::filesystem::create_directories(path(key_folder("other"))));
  std::filesystem::create_hard_link(path(layout::ticket(id)), path(key_path("other")));
  EXPECT_EQ(code_of(find_by_key(spool_, "other")), -1);
}

TEST_F(Queries, AJobIsFoundInEveryState) {
  for (const State wanted : kAllStates) {
    const JobId id = job_in(wanted, owner_);
    const auto view = find(spool_, id);
    ASSERT_TRUE(view) << wanted;
    EXPECT_EQ(view->state, wanted);
    EXPECT_EQ(state(id), wanted);
    EXPECT_EQ(view->attempt, wanted == State::delayed ? 2 : 1);
    EXPECT_EQ(view->owner.empty(), wanted != State::processing);
    EXPECT_EQ(view->due_ms != 0, wanted == State::delayed);
    const bool ended =
        wanted == State::completed || wanted == State::failed || wanted == State::cancelled;
    EXPECT_EQ(must(has_ended(spool_, id)), ended);
    EXPECT_EQ(view->outcome.has_value(), ended);
  }
}

TEST_F(Queries, AnUnknownJobIsNotFound) {
  EXPECT_EQ(code_of(find(spool_, lab::unknown_id())), ENOENT);
  EXPECT_EQ(code_of(state_of(spool_, lab::unknown_id())), ENOENT);
  EXPECT_FALSE(must(has_ended(spool_, lab::unknown_id())));
}

TEST_F(Queries, AJobWithoutAnyTokenStillExists) {
  const JobId id = submit_one();
  std::filesystem::remove(path(layout::staging({id, 1})));
  EXPECT_EQ(state(id), State::staging);
  EXPECT_EQ(must(find(spool_, id)).attempt, 1);
}

TEST_F(Queries, AHighAttemptInStagingIsStillStaging) {
  const JobId id = submit_one();
  std::filesystem::rename(path(layout::staging({id, 1})), path(layout::staging({id, 77})));
  EXPECT_EQ(state(id), State::staging);
}

TEST_F(Queries, AJobIsNeverDeniedWhileItMoves) {
  const int moves = 300;
  const JobId id = submit_one();
  const pid_t mover = lab::start_child([&] {
    const auto owner = must(Owner::enter(spool_));
    for (int n = 1; n <= moves; ++n) {
      const auto claims = must(owner.claim(std::vector<Token>{{id, n}}, Sync::none));
      must(owner.release(claims.taken.at(0)));
    }
  });
  const std::string last = path(layout::staging({id, moves + 1}));
  int looks = 0;
  for (bool moving = true; moving; ++looks) {
    moving = !lab::is_there(last);
    const auto now = state_of(spool_, id);
    ASSERT_TRUE(now) << now.error().text();
    ASSERT_TRUE(*now == State::staging || *now == State::processing);
  }
  EXPECT_EQ(lab::wait_for(mover), 0);
  EXPECT_GT(looks, 100);
}

TEST_F(Queries, UnreadableRecordsAreErrorsNotMissingJobs) {
  const JobId id = job_in(State::completed, owner_);
  lab::write_file(path(layout::outcome(id)), "garbage");
  EXPECT_EQ(code_of(find(spool_, id)), -1);
  EXPECT_EQ(code_of(state_of(spool_, id)), -1);
  const JobId other = submit_one();
  lab::write_file(path(layout::ticket(other)), "garbage");
  EXPECT_EQ(code_of(find(spool_, other)), -1);
}

TEST_F(Queries, AnUnreadableTryIsLeftOut) {
  const JobId id = job_in(State::delayed, owner_);
  lab::write_file(path(layout::try_record(id, 1)), "garbage");
  EXPECT_TRUE(must(find(spool_, id)).tries.empty());
}

TEST_F(Queries, DiskErrorsAreToldAsSuch) {
  const JobId id = job_in(State::hold, owner_);
  for (const char* call : {"openat", "pread", "fstatat", "list"}) {
    faults::clear();
    faults::add({.call = call, .code = EIO, .times = -1});
    EXPECT_EQ(code_of(find(spool_, id)), EIO) << call;
  }
}

TEST_F(Queries, TriesAreToldOldestFirst) {
  const JobId id = submit_one();
  for (const int n : {1, 3, 4}) {
    lab::write_file(path(layout::try_record(id, n)),
                    encode(Try{id, n, n, 0, "o", {"crashed", "", 9}, Try::Kind::counted}));
  }
  std::filesystem::rename(path(layout::staging({id, 1})), path(layout::hold({id, 5})));
  const JobView view = must(find(spool_, id));
  ASSERT_EQ(view.tries.size(), 3u);
  EXPECT_EQ(view.tries[0].attempt, 1);
  EXPECT_EQ(view.tries[2].attempt, 4);
  EXPECT_EQ(view.attempt, 5);
}

TEST_F(Queries, EveryStateIsListedInBothOrdersUpToTheLimit) {
  for (const State wanted : kAllStates) {
    std::vector<JobId> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(job_in(wanted, owner_));
    const auto oldest = must(list(spool_, wanted, Order::oldest_first, 3));
    ASSERT_EQ(oldest.size(), 3u) << wanted;
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(oldest[i].id, ids[i]) << wanted;
    const auto newest = must(list(spool_, wanted, Order::newest_first, 3));
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(newest[i].id, ids[3 - i]) << wanted;
    EXPECT_EQ(must(list(spool_, wanted, Order::oldest_first, 100)).size(), 4u);
    EXPECT_TRUE(must(list(spool_, wanted, Order::oldest_first, 0)).empty());
    for (const Listed& entry : oldest) EXPECT_EQ(entry.state, wanted);
    if (wanted == State::processing) {
      EXPECT_EQ(oldest[0].owner, owner_.name());
    }
    if (wanted == State::delayed) {
      EXPECT_GT(oldest[0].due_ms, 0);
    }
  }
}

TEST_F(Queries, CompletedJobsAreListedAcrossHours) {
  const int64_t hour = 3'600'000, start = 1'700'000'000'000;
  std::vector<JobId> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(past_job(start + i * hour * 10, Ending::completed, i + 1));
  const auto newest = must(list(spool_, State::completed, Order::newest_first, 2));
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[0].id, ids[4]);
  EXPECT_EQ(newest[1].id, ids[3]);
  faults::add({.call = "list", .path = "completed/", .times = -1});
  must(list(spool_, State::completed, Order::oldest_first, 1));
  EXPECT_LE(faults::hits(), 4);  // three days and one hour, not five hours
}

TEST_F(Queries, StrangersAreNeitherListedNorCounted) {
  for (const State each : kAllStates) {
    lab::write_file(path(std::string(name_of(each)) + "/stranger"), "");
  }
  std::filesystem::create_directory(path("processing/not-an-owner"));
  lab::write_file(path("processing/not-an-owner/x"), "");
  for (const State each : {State::staging, State::delayed, State::processing, State::failed,
                           State::hold, State::cancelled}) {
    EXPECT_TRUE(must(list(spool_, each, Order::oldest_first, 10)).empty()) << each;
  }
}

TEST_F(Queries, JobsAreCountedByState) {
  std::optional<JobId> oldest;
  for (const State wanted : kAllStates) {
    for (int i = 0; i <= static_cast<int>(wanted); ++i) {
      const JobId id = job_in(wanted, owner_);
      if (!oldest) oldest = id;
    }
  }
  lab::write_file(path("corrupt/x"), "");
  const Counts counts = must(count(spool_));
  for (const State wanted : kAllStates) {
    EXPECT_EQ(counts.jobs[static_cast<size_t>(wanted)], static_cast<int>(wanted) + 1) << wanted;
  }
  EXPECT_EQ(counts.oldest_waiting, oldest);
  EXPECT_EQ(counts.corrupt, 1);
}

TEST_F(Queries, AnEmptySpoolCountsNothing) {
  must(owner_.leave());
  const Counts counts = must(count(spool_));
  for (const int64_t jobs : counts.jobs) EXPECT_EQ(jobs, 0);
  EXPECT_FALSE(counts.oldest_waiting);
}

TEST_F(Queries, AResultIsOpenedWhileItIsWhatTheOutcomeSays) {
  const JobId id = job_in(State::completed, owner_);
  const ResultFile result = must(find(spool_, id)).outcome->results.at(0);
  EXPECT_TRUE(open_result(spool_, id, result));
  EXPECT_EQ(lab::read_file(result_path(spool_, id, result)), "a thumbnail");
  const std::string file = path(layout::result(id, result.file));
  lab::write_file(file, "short");
  EXPECT_EQ(code_of(open_result(spool_, id, result)), -1);
  std::filesystem::remove(file);
  EXPECT_EQ(code_of(open_result(spool_, id, result)), ENOENT);
  std::filesystem::create_symlink("/etc/passwd", file);
  EXPECT_EQ(code_of(open_result(spool_, id, result)), ELOOP);
  ResultFile hostile = result;
  hostile.file = "../../../format";
  EXPECT_EQ(code_of(open_result(spool_, id, hostile)), -1);
}

TEST_F(Queries, TheSourceIsOpenedWhileItIsThere) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  EXPECT_TRUE(owner_.open_source(claim));
  std::filesystem::remove(path(layout::source(id)));
  EXPECT_EQ(code_of(owner_.open_source(claim)), ENOENT);
  ASSERT_EQ(::mkfifo(path(layout::source(id)).c_str(), 0600), 0);
  EXPECT_EQ(code_of(owner_.open_source(claim)), EINVAL);
}

TEST_F(Queries, EveryStateHasItsFoldersName) {
  for (const State each : kAllStates) EXPECT_TRUE(lab::is_there(path(std::string(name_of(each)))));
}

// Between an outcome's link and the sync of its name it has a second name, in tmp/.
TEST_F(Queries, NobodyIsToldOfAnOutcomeThatAPowerCutMayTakeBack) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  const std::string hour = layout::hour_folder(id);
  int asked = 0;
  faults::add({.call = "fsync", .path = hour, .skip = 1, .run = [&] {
                 ++asked;
                 EXPECT_TRUE(must(has_ended(spool_, id)));
               }});
  std::vector<Finished> jobs;
  jobs.push_back(finished(claim));
  must(owner_.complete(jobs, Sync::full, SourceAfter::keep)[0]);
  ASSERT_EQ(asked, 1);
  faults::clear();
  faults::add({.call = "fsync", .path = hour, .code = EIO, .times = -1});
  EXPECT_TRUE(must(has_ended(spool_, id)));  // known to be on the disk: not asked for again
  EXPECT_EQ(state(id), State::completed);
  std::filesystem::create_hard_link(path(layout::outcome(id)), path("tmp/second"));
  EXPECT_EQ(code_of(has_ended(spool_, id)), EIO);
  EXPECT_EQ(code_of(state_of(spool_, id)), EIO);
  EXPECT_EQ(code_of(find(spool_, id)), EIO);
}

TEST_F(Queries, AFileNamedLikeAnOwnerIsAStranger) {
  const JobId id = job_in(State::hold, owner_);
  lab::write_file(path("processing/host.boot.1.0123456789abcdef"), "x");
  EXPECT_EQ(state(id), State::hold);
  EXPECT_EQ(must(count(spool_)).jobs[static_cast<size_t>(State::hold)], 1);
  EXPECT_TRUE(must(list(spool_, State::processing, Order::oldest_first, 10)).empty());
  Heartbeats seen;
  EXPECT_TRUE(must(recover(spool_, owner_.name(), seen, std::chrono::hours(1))).trouble.empty());
  EXPECT_TRUE(is_clean());
  EXPECT_TRUE(lab::is_there(path("processing/host.boot.1.0123456789abcdef")));
}

}  // namespace
}  // namespace imgq
