// Dead owners, old temporary files.
#include "spool/recover.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "spool/internal/locate.h"
#include "spool/internal/tries.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/scan.h"
#include "spool/sweep.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr int kNobody = 2'147'483'647;  // a pid above any that the kernel gives

class Recovery : public lab::SpoolTest {
 protected:
  Heartbeats seen_;
  std::optional<Owner> living_;  // another daemon, for those that need one

  const Owner& living() {
    if (!living_) living_.emplace(must(Owner::enter(spool_)));
    return *living_;
  }

  // A daemon that completes a job and is killed before that call.
  void die_completing(const faults::Rule& at) {
    const pid_t pid = lab::start_child([this, &at] {
      const auto owner = must(Owner::enter(spool_));
      std::vector<Finished> jobs;
      jobs.push_back(finished(claim_one(owner)));
      faults::Rule rule = at;
      rule.run = [] { ::kill(::getpid(), SIGKILL); };
      faults::add(rule);
      (void)owner.complete(jobs, Sync::full, SourceAfter::keep);
    });
    ASSERT_EQ(lab::wait_for(pid), 128 + SIGKILL);
  }

  // A daemon that claims all jobs and is killed.
  void die_with_claims() {
    const pid_t pid = lab::start_child([this] {
      const auto owner = must(Owner::enter(spool_));
      claim_all(owner);
      ::kill(::getpid(), SIGKILL);
    });
    ASSERT_EQ(lab::wait_for(pid), 128 + SIGKILL);
  }
  Recovered recover_all(const std::string& me = "", milliseconds lease = hours(1)) {
    return must(recover(spool_, me, seen_, lease));
  }
  std::vector<std::string> owners() { return must(owners_of(spool_)); }

  // Since when an owner was seen to stand still.
  void stands_still(Heartbeats& seen, const std::string& owner, milliseconds since = hours(2)) {
    struct stat about = {};
    ASSERT_EQ(::stat(path(layout::alive(owner)).c_str(), &about), 0);
    (void)seen.still(owner, ns_of(about.st_mtim), sys::monotonic_ms() - since.count());
  }

  // The folder of an owner of another host, with a claim.
  std::string foreign_owner(const JobId& id) {
    const std::string name = "elsewhere.00000000000000000000000000000000.7.00000000000000aa";
    std::filesystem::create_directory(path("processing/" + name));
    lab::write_file(path("processing/" + name + "/.alive"), "");
    std::filesystem::rename(path(layout::staging({id, 1})),
                            path(layout::processing(name, {id, 1})));
    return name;
  }
};

TEST_F(Recovery, OwnersThatLeftAreForgotten) {
  EXPECT_EQ(seen_.still("h.b.1.0123456789abcdef", 1, 0), milliseconds(0));
  recover_all();
  EXPECT_EQ(seen_.still("h.b.1.0123456789abcdef", 1, 5000), milliseconds(0));
}

TEST_F(Recovery, AKilledOwnersJobsWaitAgainAndTheLossIsRecorded) {
  const auto ids = submit_many(3);
  die_with_claims();
  const auto done = recover_all();
  EXPECT_EQ(done.owners, 1);
  EXPECT_EQ(done.jobs, 3);
  EXPECT_TRUE(done.trouble.empty());
  EXPECT_TRUE(owners().empty());
  for (const JobId& id : ids) {
    const JobView view = must(find(spool_, id));
    EXPECT_EQ(view.state, State::staging);
    EXPECT_EQ(view.attempt, 2);
    ASSERT_EQ(view.tries.size(), 1u);
    EXPECT_EQ(view.tries[0].kind, Try::Kind::lost);
    EXPECT_EQ(view.tries[0].cause.code, "lost");
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(Recovery, ALivingOwnerIsLeftAlone) {
  submit_one();
  const auto owner = must(Owner::enter(spool_));
  const Claim claim = claim_one(owner);
  EXPECT_EQ(recover_all().owners, 0);
  EXPECT_EQ(recover_all(owner.name(), milliseconds(0)).owners, 0);
  EXPECT_EQ(state(claim.token.id), State::processing);
}

TEST_F(Recovery, AnOwnerThatStandsStillForItsLeaseIsTakenOver) {
  const JobId id = submit_one();
  const auto frozen = must(Owner::enter(spool_));
  const Claim claim = claim_one(frozen);
  EXPECT_EQ(recover_all("", hours(1)).owners, 0);  // first seen now
  EXPECT_EQ(recover_all("", milliseconds(0)).owners, 1);
  EXPECT_EQ(state(id), State::staging);
  // The frozen one thaws: it notices, publishes nothing, and disturbs nobody.
  EXPECT_EQ(code_of(frozen.beat()), ENOENT);
  const auto next = must(Owner::enter(spool_));
  complete(next, claim_one(next));
  std::vector<Finished> jobs;
  jobs.push_back(finished(claim));
  EXPECT_EQ(code_of(frozen.complete(jobs, Sync::none, SourceAfter::keep)[0]), EEXIST);
  EXPECT_TRUE(frozen.release(claim));
  EXPECT_TRUE(waiting().empty());
  jobs.clear();
  EXPECT_TRUE(is_clean());
}

TEST_F(Recovery, AHeartbeatStartsTheLeaseAnew) {
  EXPECT_EQ(seen_.still("a", 1, 1000), milliseconds(0));
  EXPECT_EQ(seen_.still("a", 1, 5000), milliseconds(4000));
  EXPECT_EQ(seen_.still("a", 2, 6000), milliseconds(0));
  EXPECT_EQ(seen_.still("a", 2, 7000), milliseconds(1000));
  EXPECT_EQ(seen_.still("a", 1, 8000), milliseconds(0));  // any change counts, also backwards
  EXPECT_EQ(seen_.still("b", 1, 8000), milliseconds(0));
  seen_.forget_all_but({"b"});
  EXPECT_EQ(seen_.still("a", 1, 9000), milliseconds(0));
}

TEST_F(Recovery, AnOwnerOfAnotherHostIsWatchedNotLocked) {
  const JobId id = submit_one();
  const std::string name = foreign_owner(id);
  EXPECT_EQ(recover_all("", hours(1)).owners, 0);
  EXPECT_EQ(owners(), std::vector<std::string>{name});
  lab::set_mtime(path("processing/" + name + "/.alive"), 5000);  // it beats
  EXPECT_EQ(recover_all("", milliseconds(1)).owners, 0);
  ASSERT_TRUE(lab::eventually([&] { return recover_all("", milliseconds(1)).owners == 1; }));
  EXPECT_EQ(state(id), State::staging);
}

// Two hosts that sweep one writer's files at once can hang a shared file system: one of those that
// live does so, which all know by its name; what waits goes on whoever sees it first.
TEST_F(Recovery, WhatTheDeadOfAnotherHostLeaveIsRemovedByTheFirstThatLivesAlone) {
  const JobId id = submit_one();
  const std::string dead = foreign_owner(id);
  const std::string left = "00000000000000bb." + dead.substr(0, dead.rfind('.'));
  lab::write_file(path("tmp/" + left), "half a result");
  const std::string first = "-.00000000000000000000000000000000.1.00000000000000aa";
  std::filesystem::create_directory(path("processing/" + first));
  lab::write_file(path(layout::alive(first)), "");
  stands_still(seen_, dead);
  const Recovered done = recover_all(living().name());
  EXPECT_EQ(done.jobs, 1);
  EXPECT_EQ(state(id), State::staging);
  EXPECT_EQ(recover_all(living().name()).owners, 0);
  EXPECT_EQ(temps(), std::vector<std::string>{left});
  EXPECT_EQ(must(recover(spool_, "", seen_, hours(1))).owners, 0);  // fsck's
  Heartbeats of_first;
  stands_still(of_first, dead);
  EXPECT_EQ(must(recover(spool_, first, of_first, hours(1))).owners, 1);
  EXPECT_TRUE(temps().empty());
  EXPECT_EQ(owners(), (std::vector<std::string>{first, living().name()}));
}

TEST_F(Recovery, TheNextRemovesWhatIsLeftWhenTheFirstIsDeadToo) {
  const std::string dead = foreign_owner(submit_one());
  const std::string first = "-.00000000000000000000000000000000.1.00000000000000aa";
  std::filesystem::create_directory(path("processing/" + first));
  lab::write_file(path(layout::alive(first)), "");
  for (const std::string& one : {dead, first}) stands_still(seen_, one);
  EXPECT_EQ(recover_all(living().name()).owners, 2);
}

TEST_F(Recovery, SaysWhenTheNextCouldBeDead) {
  const std::string one = foreign_owner(submit_one());
  stands_still(seen_, one, minutes(50));
  const auto next = recover_all().next_dead;
  EXPECT_LE(next, minutes(10));
  EXPECT_GT(next, minutes(9));
  EXPECT_EQ(owners(), std::vector<std::string>{one});
}

TEST_F(Recovery, ACompletedClaimOfADeadOwnerIsOnlyTidied) {
  const JobId id = submit_one();
  const pid_t pid = lab::start_child([this] {
    const auto owner = must(Owner::enter(spool_));
    const Claim claim = claim_one(owner);
    faults::add(
        {.call = "renameat", .path = " completed/", .run = [] { ::kill(::getpid(), SIGKILL); }});
    complete(owner, claim);
  });
  ASSERT_EQ(lab::wait_for(pid), 128 + SIGKILL);
  EXPECT_EQ(state(id), State::completed);
  const auto done = recover_all();
  EXPECT_EQ(done.finished, 1);
  EXPECT_EQ(done.jobs, 0);
  EXPECT_TRUE(lab::is_there(path(layout::ended(Ending::completed, id))));
  must(sweep_tmp(spool_));
  EXPECT_TRUE(is_clean());
}

// A daemon that claims and completes, killed just before its n-th call: afterwards each job has
// either ended or waits, once, and the spool is clean.
TEST_F(Recovery, ADaemonKilledAtAnyCallLosesNothing) {
  for (int skip = 0;; ++skip) {
    const auto ids = submit_many(2);
    const int result = lab::in_child([&] {
      faults::clear();
      faults::add({.call = "", .skip = skip, .run = [] { ::_exit(42); }});
      auto owner = must(Owner::enter(spool_));
      std::vector<Finished> jobs;
      const auto claims = must(owner.claim(must(scan_staging(spool_, 100)), Sync::none));
      jobs.push_back(finished(claims.taken.at(0)));
      must(std::move(owner.complete(jobs, Sync::none, SourceAfter::remove)[0]));
      must(owner.retry_later(claims.taken.at(1), {"io_error", "x", 0}, {}, Sync::none));
      must(owner.leave());
    });
    recover_all();
    must(sweep_tmp(spool_));
    EXPECT_TRUE(temps().empty()) << skip;
    EXPECT_TRUE(owners().empty()) << skip;
    EXPECT_TRUE(is_clean()) << skip;
    auto next = must(Owner::enter(spool_));
    must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
    for (const Claim& claim : claim_all(next).taken) complete(next, claim);
    must(next.leave());
    for (const JobId& id : ids) EXPECT_EQ(state(id), State::completed) << skip;
    if (result == 0) break;
    ASSERT_EQ(result, 42) << skip;
  }
}

// The same for the one who recovers.
TEST_F(Recovery, ARecoveryKilledAtAnyCallIsDoneByTheNext) {
  for (int skip = 0;; ++skip) {
    const auto ids = submit_many(2);
    die_with_claims();
    const int result = lab::in_child([&] {
      faults::clear();
      faults::add({.call = "", .skip = skip, .run = [] { ::_exit(42); }});
      recover_all();
    });
    recover_all();
    must(sweep_tmp(spool_));
    EXPECT_TRUE(owners().empty()) << skip;
    EXPECT_EQ(waiting().size(), 2u) << skip;
    EXPECT_TRUE(is_clean()) << skip;
    for (const JobId& id : ids) {
      EXPECT_EQ(must(find(spool_, id)).tries.size(), 1u) << skip;
      must(cancel(spool_, id));
    }
    if (result == 0) break;
  }
}

// A daemon killed between naming its results and its commit.
TEST_F(Recovery, ResultsOfADeadOwnerThatItDidNotPublishGoWhenTheJobEnds) {
  const JobId id = submit_one();
  die_completing({.call = "linkat", .path = ".end"});
  const std::string named = path(layout::result(id, id.text() + ".1.main.jpg"));
  ASSERT_TRUE(lab::is_there(named));
  recover_all();
  EXPECT_TRUE(lab::is_there(named));  // it may be another's by now, who was given the same attempt
  must(sweep_tmp(spool_));
  EXPECT_TRUE(is_clean());
  complete(living(), claim_one(living()));
  EXPECT_FALSE(lab::is_there(named));
  EXPECT_TRUE(is_clean());
}

TEST_F(Recovery, ResultsOfADeadOwnerGoWithACancelledJob) {
  const JobId id = submit_one();
  die_completing({.call = "linkat", .path = ".end"});
  const std::string named = path(layout::result(id, id.text() + ".1.main.jpg"));
  EXPECT_EQ(must(cancel(spool_, id)), State::cancelled);
  ASSERT_TRUE(lab::is_there(named));
  recover_all();
  EXPECT_FALSE(lab::is_there(named));
}

// Its second name tells readers that an outcome may not be on the disk: so it is brought there
// before that name is swept.
TEST_F(Recovery, AnOutcomeWhoseOwnerDiedBeforeItsSyncIsSyncedBeforeItIsBelieved) {
  const JobId id = submit_one();
  die_completing({.call = "fsync", .path = "spool/jobs/", .skip = 1});
  recover_all();
  faults::add({.call = "fsync", .path = "spool/jobs/", .code = EIO, .times = -1});
  EXPECT_EQ(code_of(has_ended(spool_, id)), EIO);
  EXPECT_EQ(code_of(cancel(spool_, id)), EIO);
  EXPECT_EQ(code_of(sweep_tmp(spool_)), EIO);
  EXPECT_EQ(code_of(has_ended(spool_, id)), EIO);
  faults::clear();
  EXPECT_GT(must(sweep_tmp(spool_)), 0);
  faults::add({.call = "fsync", .path = "spool/jobs/", .code = EIO, .times = -1});
  EXPECT_TRUE(must(has_ended(spool_, id)));  // without a sync
}

// The same attempt was claimed twice (an old name came back), and one of the two owners died.
TEST_F(Recovery, ResultsOfALivingOwnerOfTheSameAttemptStay) {
  const JobId id = submit_one();
  const pid_t pid = lab::start_child([this] {
    const auto owner = must(Owner::enter(spool_));
    (void)claim_one(owner);
    ::_exit(0);
  });
  ASSERT_EQ(lab::wait_for(pid), 0);
  std::filesystem::create_hard_link(path(layout::ticket(id)), path(layout::staging({id, 1})));
  const Claim claim = claim_one(living());
  ASSERT_EQ(claim.token.attempt, 1);
  faults::add({.call = "linkat", .path = ".end", .run = [this] { recover_all(living().name()); }});
  complete(living(), claim);
  EXPECT_EQ(faults::hits(), 1);
  const JobView job = must(find(spool_, id));
  ASSERT_EQ(job.state, State::completed);
  for (const ResultFile& result : job.outcome->results) {
    EXPECT_TRUE(open_result(spool_, id, result));
  }
}

TEST_F(Recovery, ResultsOfAFrozenOwnerStayUntilTheJobEnds) {
  const JobId id = submit_one();
  const auto frozen = must(Owner::enter(spool_));
  const Claim claim = claim_one(frozen);
  const std::string named = path(layout::result(id, id.text() + ".1.main.jpg"));
  lab::write_file(named, "named, not yet committed");
  recover_all("", hours(1));
  EXPECT_EQ(recover_all("", milliseconds(0)).owners, 1);
  EXPECT_TRUE(lab::is_there(named));
  const auto next = must(Owner::enter(spool_));
  complete(next, claim_one(next));
  EXPECT_FALSE(lab::is_there(named));
  EXPECT_TRUE(is_clean());
}

TEST_F(Recovery, ResultsOfOtherAttemptsGoHoweverTheJobEnds) {
  for (const State end : {State::completed, State::failed, State::cancelled}) {
    const JobId id = submit_one();
    auto owner = must(Owner::enter(spool_));
    must(owner.release(claim_one(owner)));
    const std::string left = path(layout::result(id, id.text() + ".1.main.jpg"));
    lab::write_file(left, "of the first attempt");
    if (end == State::cancelled) {
      must(cancel(spool_, id));
    } else {
      const Claim claim = claim_one(owner);
      if (end == State::completed) complete(owner, claim);
      if (end == State::failed) must(owner.fail(claim, {"timed_out", "", 0}, "{}", Sync::none));
    }
    EXPECT_FALSE(lab::is_there(left)) << end;
    EXPECT_EQ(state(id), end);
    must(owner.leave());
    EXPECT_TRUE(is_clean()) << end;
  }
}

TEST_F(Recovery, TwoThatRecoverAtOnceDoItOnce) {
  submit_many(20);
  die_with_claims();
  std::vector<pid_t> pids;
  for (int i = 0; i < 4; ++i) pids.push_back(lab::start_child([this] { recover_all(); }));
  for (const pid_t pid : pids) EXPECT_EQ(lab::wait_for(pid), 0);
  EXPECT_TRUE(lab::eventually([&] { return recover_all(), owners().empty(); }));
  EXPECT_EQ(waiting().size(), 20u);
  for (const Token& token : waiting()) EXPECT_EQ(token.attempt, 2);
  EXPECT_TRUE(is_clean());
}

TEST_F(Recovery, FurtherLossesWaitLongerAndTooManyAreTheEnd) {
  const JobId id = submit_one();
  int64_t before = 0;
  for (int losses = 1; losses <= kMaxLosses; ++losses) {
    must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
    ASSERT_EQ(waiting().size(), 1u) << losses;
    die_with_claims();
    const int64_t now = now_ms();
    EXPECT_EQ(recover_all().jobs, 1);
    const JobView view = must(find(spool_, id));
    EXPECT_EQ(view.state, losses <= 2 ? State::staging : State::delayed) << losses;
    if (losses > 2) {
      EXPECT_GT(view.due_ms - now, before) << losses;
      EXPECT_LE(view.due_ms - now_ms(), kMaxDelayMs);
      before = (view.due_ms - now) - 1000;
    }
  }
  must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
  die_with_claims();
  recover_all();
  EXPECT_EQ(state(id), State::failed);
  EXPECT_EQ(must(find(spool_, id)).outcome->cause.code, "poison");
  EXPECT_TRUE(is_clean());
}

TEST_F(Recovery, AFileThatIsNoClaimKeepsTheFolderAndIsTold) {
  submit_one();
  die_with_claims();
  lab::write_file(path("processing/" + owners().at(0) + "/notes.txt"), "x");
  const auto done = recover_all();
  EXPECT_EQ(done.owners, 0);
  EXPECT_EQ(done.jobs, 1);
  ASSERT_EQ(done.trouble.size(), 1u);
  EXPECT_EQ(waiting().size(), 1u);
  EXPECT_TRUE(lab::is_there(path("processing/" + owners().at(0) + "/notes.txt")));
}

TEST_F(Recovery, ErrorsAreToldAndTheNextTimeMendsThem) {
  submit_many(2);
  die_with_claims();
  for (const char* call : {"renameat", "linkat", "write", "fsync", "list"}) {
    faults::clear();
    faults::add({.call = call, .code = ENOSPC, .times = -1});
    const auto done = recover(spool_, "", seen_, hours(1));
    faults::clear();
    EXPECT_TRUE(!done || !done->trouble.empty()) << call;
    EXPECT_FALSE(owners().empty()) << call;
  }
  EXPECT_EQ(recover_all().owners, 1);
  EXPECT_EQ(waiting().size(), 2u);
}

TEST_F(Recovery, AClaimWhoseOutcomeCannotBeReadIsSetAside) {
  const JobId id = submit_one();
  die_with_claims();
  lab::write_file(path(layout::outcome(id)), "garbage");
  EXPECT_EQ(recover_all().owners, 1);
  EXPECT_EQ(lab::names_in(path("corrupt")).size(), 1u);
}

TEST_F(Recovery, TemporaryFilesOfDeadWritersAreSwept) {
  const pid_t pid = lab::start_child([this] {
    auto file = must(TempFile::create(spool_));
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_EQ(lab::wait_for(pid), 128 + SIGKILL);
  const auto mine = must(TempFile::create(spool_));
  auto before = sys::identity();
  before.boot = std::string(32, 'f');
  before.pid = kNobody;
  lab::write_file(path(layout::temp("00000000000000aa", before)), "another boot's");
  EXPECT_EQ(must(sweep_tmp(spool_)), 2);
  EXPECT_EQ(temps(), std::vector<std::string>{mine.path().substr(4)});
}

// In a container that was given a boot id of its own, a service whose /proc is its own reads
// another.
TEST_F(Recovery, ALivingWriterThatReadsAnotherBootIdIsNotSwept) {
  auto me = sys::identity();
  me.boot = std::string(32, 'f');
  lab::write_file(path(layout::temp("00000000000000aa", me)), "still written");
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
}

TEST_F(Recovery, AWriterThatEndedAndWasNotWaitedForIsDead) {
  const pid_t pid = lab::start_child([this] {
    auto file = must(TempFile::create(spool_));
    ::kill(::getpid(), SIGKILL);
  });
  siginfo_t ended = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(::kill(pid, 0), 0);  // its number is still taken
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);
  lab::wait_for(pid);
}

TEST_F(Recovery, TemporaryFilesOfOtherHostsAreSweptAfter36Hours) {
  lab::write_file(path("tmp/00000000000000aa.elsewhere.0123.7"), "x");
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  lab::set_mtime(path("tmp/00000000000000aa.elsewhere.0123.7"), 1000);  // a link to an old file
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  faults::add({.call = "fstatat", .path = "elsewhere", .code = EIO});
  EXPECT_EQ(code_of(sweep_tmp(spool_)), EIO);
}

TEST_F(Recovery, WhatIsNoTemporaryFileIsNotSwept) {
  for (const char* name : {"README", "a.b.c.d", "00000000000000aa.x.y.z", ".hidden"}) {
    lab::write_file(path("tmp/" + std::string(name)), "x");
  }
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  EXPECT_EQ(temps().size(), 4u);
}

TEST_F(Recovery, AFolderThatWasToBecomeAnOwnersIsSwept) {
  auto before = sys::identity();
  before.pid = kNobody;
  const std::string folder = path(layout::temp("00000000000000aa", before));
  std::filesystem::create_directory(folder);
  lab::write_file(folder + "/.alive", "");
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);
  EXPECT_TRUE(temps().empty());
}

}  // namespace
}  // namespace imgq
