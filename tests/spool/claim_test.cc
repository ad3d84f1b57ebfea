// Scanning, claiming, owners, giving back.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "spool/internal/tries.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/recover.h"
#include "spool/scan.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Claiming : public lab::SpoolTest {
 protected:
  Owner owner_ = must(Owner::enter(spool_));

  std::string my(const std::string& name) {
    return path("processing/" + owner_.name() + "/" + name);
  }
};

TEST_F(Claiming, AScanFindsTheOldestInOrder) {
  const auto ids = submit_many(50);
  const auto tokens = must(scan_staging(spool_, 10));
  ASSERT_EQ(tokens.size(), 10u);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(tokens[i], (Token{ids[i], 1}));
  EXPECT_EQ(must(scan_staging(spool_, 1000)).size(), 50u);
  EXPECT_TRUE(must(scan_staging(spool_, 0)).empty());
}

TEST_F(Claiming, NamesInStagingThatAreNoTokensAreSkipped) {
  const JobId id = submit_one();
  for (const char* name : {"README", ".hidden", "00000000-x.1"}) {
    lab::write_file(path("staging/" + std::string(name)), "");
  }
  lab::write_file(path("staging/" + id.text()), "");
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 1}}));
}

TEST_F(Claiming, AClaimCarriesTheJob) {
  const JobId id = submit_one(draft("image", "a.jpg"));
  const int64_t before = now_ms();
  const Claim claim = claim_one(owner_);
  EXPECT_EQ(claim.token, (Token{id, 1}));
  EXPECT_EQ(claim.ticket.name, "a.jpg");
  EXPECT_EQ(claim.submitter, ::geteuid());
  EXPECT_EQ(claim.failures + claim.crashes + claim.losses, 0);
  EXPECT_GE(claim.claimed_ms, before);
  EXPECT_EQ(state(id), State::processing);
  EXPECT_TRUE(lab::is_there(my(id.text() + ".1")));
  EXPECT_TRUE(waiting().empty());
}

TEST_F(Claiming, AJobIsClaimedOnce) {
  submit_many(5);
  const auto tokens = waiting();
  const auto other = must(Owner::enter(spool_));
  EXPECT_EQ(must(owner_.claim(tokens, Sync::none)).taken.size(), 5u);
  const auto late = must(other.claim(tokens, Sync::none));
  EXPECT_EQ(late.taken.size(), 0u);
  EXPECT_EQ(late.lost_races, 5);
}

TEST_F(Claiming, BothFoldersAreSyncedOnceForABatchBeforeATicketIsRead) {
  submit_many(5);
  std::vector<std::string> order;
  faults::add({.call = "fsync", .path = "/staging", .times = -1, .run = [&] {
                 order.push_back("staging");
               }});
  faults::add({.call = "fsync", .path = "/processing/", .times = -1, .run = [&] {
                 order.push_back("mine");
               }});
  faults::add(
      {.call = "openat", .path = ".job", .times = -1, .run = [&] { order.push_back("ticket"); }});
  EXPECT_EQ(must(owner_.claim(waiting(), Sync::batch)).taken.size(), 5u);
  std::sort(order.begin(), order.begin() + 2);
  EXPECT_EQ(order, (std::vector<std::string>{"mine", "staging", "ticket", "ticket", "ticket",
                                             "ticket", "ticket"}));
}

TEST_F(Claiming, AClaimIsFewCalls) {
  submit_many(100);
  const auto tokens = waiting();
  faults::clear();
  must(owner_.claim(tokens, Sync::batch));
  EXPECT_LE(faults::calls(), 100 * 7 + 20);
}

TEST_F(Claiming, AnEndedJobWhoseTokenCameBackIsFinishedNotRun) {
  for (const State ended : {State::completed, State::failed, State::cancelled}) {
    const JobId id = job_in(ended, owner_);
    std::filesystem::create_hard_link(path(layout::ticket(id)), path(layout::staging({id, 1})));
    const auto claims = claim_all(owner_);
    EXPECT_TRUE(claims.taken.empty());
    EXPECT_EQ(claims.finished, 1);
    EXPECT_EQ(state(id), ended);
    EXPECT_TRUE(is_clean());
  }
}

TEST_F(Claiming, ATokenThatComesBackWhileTheJobRunsIsDropped) {
  const JobId id = submit_one();
  claim_all(owner_);
  std::filesystem::create_hard_link(path(layout::ticket(id)), path(layout::staging({id, 1})));
  const auto again = claim_all(owner_);
  EXPECT_TRUE(again.taken.empty());
  EXPECT_EQ(again.finished, 1);
  EXPECT_TRUE(waiting().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Claiming, ANameThatCameBackAndCannotBeRemovedHoldsUpNoOtherJobOfTheBatch) {
  const JobId other = submit_one(), running = submit_one();
  const auto owner = must(Owner::enter(spool_));
  must(owner.claim(std::vector<Token>{{running, 1}}, Sync::none));
  std::filesystem::create_hard_link(path(layout::ticket(running)),
                                    path(layout::staging({running, 1})));
  faults::add({.call = "unlinkat", .path = "staging/" + running.text(), .code = EIO});
  EXPECT_EQ(code_of(owner.claim(std::vector<Token>{{other, 1}, {running, 1}}, Sync::none)), EIO);
  must(owner.beat());
  EXPECT_EQ(waiting().front(), (Token{other, 2}));
}

TEST_F(Claiming, ATicketThatCannotBeReadIsQuarantinedAndBlocksNobody) {
  const auto ids = submit_many(3);
  lab::write_file(path(layout::ticket(ids[0])), "garbage");
  const auto claims = claim_all(owner_);
  EXPECT_EQ(claims.taken.size(), 2u);
  ASSERT_EQ(claims.quarantined.size(), 1u);
  EXPECT_EQ(claims.quarantined[0].code, 0);
  EXPECT_EQ(lab::names_in(path("corrupt")).size(), 2u);
  EXPECT_EQ(code_of(state_of(spool_, ids[0])), ENOENT);
  EXPECT_TRUE(waiting().empty());
}

TEST_F(Claiming, ATicketOfAnotherJobIsQuarantined) {
  const auto ids = submit_many(2);
  const std::string forged = lab::read_file(path(layout::ticket(ids[0])));
  std::filesystem::remove(path(layout::ticket(ids[1])));
  lab::write_file(path(layout::ticket(ids[1])), forged);
  const auto claims = claim_all(owner_);
  ASSERT_EQ(claims.taken.size(), 1u);
  EXPECT_EQ(claims.taken[0].token.id, ids[0]);
  EXPECT_EQ(claims.quarantined.size(), 1u);
}

TEST_F(Claiming, ATicketThatIsALinkIsNotFollowed) {
  const JobId id = submit_one();
  std::filesystem::rename(path(layout::ticket(id)), scratch_ / "ticket");
  std::filesystem::create_symlink(scratch_ / "ticket", path(layout::ticket(id)));
  EXPECT_TRUE(claim_all(owner_).taken.empty());
}

TEST_F(Claiming, ATicketThatCannotBeReadNowComesBackInAMinute) {
  const auto ids = submit_many(2);
  faults::add({.call = "pread", .path = ids[0].text(), .code = EIO});
  const auto claims = claim_all(owner_);
  EXPECT_EQ(claims.taken.size(), 1u);
  ASSERT_EQ(claims.deferred.size(), 1u);
  EXPECT_EQ(claims.deferred[0].code, EIO);
  EXPECT_EQ(state(ids[0]), State::delayed);
  EXPECT_EQ(must(promote_delayed(spool_, now_ms() + 61'000)).moved, 1);
  EXPECT_EQ(claim_all(owner_).taken.size(), 1u);
}

TEST_F(Claiming, WhatNoTicketCanBeReadForGoesBackAtOnce) {
  const auto ids = submit_many(3);
  faults::add({.call = "pread", .path = ids[1].text(), .code = EMFILE});
  const auto claims = claim_all(owner_);
  EXPECT_EQ(claims.taken.size(), 2u);
  ASSERT_EQ(claims.deferred.size(), 1u);
  EXPECT_EQ(claims.deferred[0].code, EMFILE);
  EXPECT_EQ(waiting(), (std::vector<Token>{{ids[1], 2}}));
  EXPECT_EQ(state(ids[1]), State::staging);
}

TEST_F(Claiming, ADelayedJobThatCannotBeMovedDoesNotKeepTheOthers) {
  const auto ids = submit_many(3);
  for (const JobId& id : ids) {
    std::filesystem::rename(path(layout::staging({id, 1})), path(layout::delayed(1000, {id, 2})));
  }
  faults::add({.call = "renameat", .path = ids[1].text(), .code = EIO, .times = -1});
  const Promoted promoted = must(promote_delayed(spool_, now_ms()));
  EXPECT_EQ(promoted.moved, 2);
  ASSERT_TRUE(promoted.stuck);
  EXPECT_EQ(promoted.stuck->code, EIO);
  EXPECT_EQ(waiting(), (std::vector<Token>{{ids[0], 2}, {ids[2], 2}}));
}

TEST_F(Claiming, ATicketOfANewerVersionWaitsForANewerDaemon) {
  const JobId id = submit_one();
  std::string text = lab::read_file(path(layout::ticket(id)));
  text.replace(text.find("\"imgq\":1"), 8, "\"imgq\":9");
  std::string body = text.substr(0, text.size() - 78);
  lab::write_file(path(layout::ticket(id)), text);
  const auto claims = claim_all(owner_);
  EXPECT_EQ(claims.taken.size(), 0u);
  EXPECT_EQ(claims.quarantined.size() + claims.deferred.size(), 1u);
}

TEST_F(Claiming, ALostTicketIsRestoredFromItsToken) {
  const JobId id = submit_one();
  std::filesystem::remove(path(layout::ticket(id)));
  EXPECT_EQ(claim_all(owner_).taken.size(), 1u);
  EXPECT_TRUE(lab::is_there(path(layout::ticket(id))));
  EXPECT_EQ(state(id), State::processing);
}

TEST_F(Claiming, ATokenOfAPurgedJobIsNotRun) {
  const JobId id = job_in(State::completed, owner_);
  const std::string kept = lab::read_file(path(layout::ticket(id)));
  must(purge(spool_, id));
  lab::write_file(path(layout::staging({id, 1})), kept);
  const auto claims = claim_all(owner_);
  EXPECT_TRUE(claims.taken.empty());
  EXPECT_EQ(claims.quarantined.size(), 1u);
  EXPECT_EQ(code_of(state_of(spool_, id)), ENOENT);
}

TEST_F(Claiming, WhenTheDiskRefusesNoneIsTaken) {
  const auto ids = submit_many(5);
  for (const int code : {ENOSPC, EROFS, EDQUOT}) {
    faults::clear();
    faults::add({.call = "renameat", .path = "staging/" + ids[3].text(), .code = code});
    EXPECT_EQ(code_of(owner_.claim(waiting(), Sync::none)), code);
    faults::clear();
    EXPECT_EQ(waiting().size(), 5u);
  }
  faults::add({.call = "fsync", .path = "/staging", .code = EIO});
  EXPECT_EQ(code_of(owner_.claim(waiting(), Sync::batch)), EIO);
  faults::clear();
  EXPECT_EQ(waiting().size(), 5u);
  EXPECT_EQ(claim_all(owner_).taken.size(), 5u);
}

TEST_F(Claiming, OneThatCannotBeMovedDoesNotKeepTheOthers) {
  const auto ids = submit_many(3);
  faults::add({.call = "renameat", .path = "staging/" + ids[1].text(), .code = EPERM, .times = -1});
  const auto claims = claim_all(owner_);
  EXPECT_EQ(claims.taken.size(), 2u);
  ASSERT_EQ(claims.stuck.size(), 1u);
  EXPECT_EQ(claims.stuck[0].first, (Token{ids[1], 1}));
  EXPECT_EQ(claims.stuck[0].second.code, EPERM);
  EXPECT_EQ(waiting(), (std::vector<Token>{{ids[1], 1}}));
}

TEST_F(Claiming, AnOwnerThatWasTakenOverClaimsNothing) {
  submit_many(2);
  const auto tokens = waiting();
  std::filesystem::remove_all(path("processing/" + owner_.name()));
  EXPECT_EQ(code_of(owner_.claim(tokens, Sync::batch)), ENOENT);
  EXPECT_EQ(code_of(owner_.beat()), ENOENT);
  EXPECT_EQ(waiting().size(), 2u);
}

TEST_F(Claiming, AnOwnerWithoutItsLifeSignIsTakenOver) {
  const JobId id = submit_one();
  std::filesystem::remove(my(".alive"));
  EXPECT_EQ(code_of(owner_.claim(waiting(), Sync::none)), ENOENT);
  Heartbeats seen;
  EXPECT_EQ(must(recover(spool_, "", seen, std::chrono::hours(1))).owners, 1);
  EXPECT_EQ(state(id), State::staging);
}

TEST_F(Claiming, AnOwnerWhoseLifeSignWentStaleKnowsThatItWasTakenOver) {
  const auto owner = must(Owner::enter(spool_));
  faults::add({.call = "set_mtime", .code = ESTALE, .times = -1});
  EXPECT_EQ(code_of(owner.beat()), ESTALE);
  std::filesystem::remove(path(layout::alive(owner.name())));
  EXPECT_EQ(code_of(owner.beat()), ENOENT);
}

TEST_F(Claiming, AnOwnerAppearsWholeAndLocked) {
  EXPECT_TRUE(layout::parse_writer(owner_.name()));
  const Fd alive(sys::openat(AT_FDCWD, my(".alive").c_str(), O_RDWR));
  EXPECT_EQ(::flock(alive.get(), LOCK_EX | LOCK_NB), -1);
  EXPECT_TRUE(temps().empty());
}

TEST_F(Claiming, ErrorsWhileEnteringLeaveOnlyWhatIsSwept) {
  for (int skip = 0;; ++skip) {
    faults::clear();
    faults::add({.call = "", .code = ENOSPC, .skip = skip});
    auto owner = Owner::enter(spool_);
    const bool hit = faults::hits() > 0;
    faults::clear();
    if (owner) must(owner->leave());
    if (!hit) break;
  }
  const auto names = temps();
  for (const std::string& name : names) EXPECT_TRUE(layout::parse_writer(name));
}

TEST_F(Claiming, AHeartbeatMovesTheMark) {
  lab::set_mtime(my(".alive"), 1000);
  must(owner_.beat());
  struct stat about = {};
  ASSERT_EQ(::stat(my(".alive").c_str(), &about), 0);
  EXPECT_GT(about.st_mtime, 1000);
}

TEST_F(Claiming, AReleasedJobWaitsUnharmedUnderTheNextNumber) {
  const JobId id = submit_one();
  must(owner_.release(claim_one(owner_)));
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
  const Claim again = claim_one(owner_);
  EXPECT_EQ(again.failures + again.losses, 0);
}

TEST_F(Claiming, AReleasedJobThatHasEndedGoesWhereItBelongs) {
  const JobId id = submit_one();
  const Claim claim = claim_one(owner_);
  must(cancel(spool_, id));
  EXPECT_TRUE(must(owner_.has_ended(claim)));
  must(owner_.release(claim));
  EXPECT_TRUE(waiting().empty());
  EXPECT_TRUE(lab::is_there(path("cancelled/" + id.text())));
  EXPECT_TRUE(is_clean());
}

TEST_F(Claiming, ReleasingWhatWasTakenOverIsNoError) {
  submit_one();
  const Claim claim = claim_one(owner_);
  std::filesystem::remove(my(claim.token.id.text() + ".1"));
  EXPECT_TRUE(owner_.release(claim));
}

TEST_F(Claiming, AJobWhoseNumbersAreUsedUpFails) {
  const JobId id = submit_one();
  std::filesystem::rename(path(layout::staging({id, 1})), path(layout::staging({id, 9999})));
  must(owner_.release(claim_one(owner_)));
  EXPECT_EQ(state(id), State::failed);
  EXPECT_EQ(must(find(spool_, id)).outcome->cause.code, "poison");
}

TEST_F(Claiming, LeavingGivesEverythingBack) {
  submit_many(3);
  claim_all(owner_);
  must(owner_.leave());
  EXPECT_EQ(waiting().size(), 3u);
  EXPECT_TRUE(lab::names_in(path("processing")).empty());
}

TEST_F(Claiming, TheSourceOfAClaimIsOpened) {
  submit_one(draft("the bytes"));
  const Claim claim = claim_one(owner_);
  const auto source = owner_.open_source(claim);
  ASSERT_TRUE(source);
  char bytes[20] = "";
  EXPECT_EQ(sys::read(source->get(), bytes, sizeof bytes), 9);
  EXPECT_EQ(std::string(bytes), "the bytes");
  EXPECT_EQ(::write(source->get(), "x", 1), -1);
}

TEST_F(Claiming, ASourceThatVanishedOrChangedIsToldApart) {
  submit_one(draft("the bytes"));
  const Claim claim = claim_one(owner_);
  const std::string source = path(layout::source(claim.token.id));
  lab::write_file(source, "more bytes than before");
  EXPECT_EQ(code_of(owner_.open_source(claim)), ESTALE);
  std::filesystem::remove(source);
  EXPECT_EQ(code_of(owner_.open_source(claim)), ENOENT);
  std::filesystem::create_symlink("/etc/passwd", source);
  EXPECT_EQ(code_of(owner_.open_source(claim)), ELOOP);
  std::filesystem::remove(source);
  ASSERT_EQ(::mkfifo(source.c_str(), 0600), 0);
  EXPECT_EQ(code_of(owner_.open_source(claim)), EINVAL);
}

TEST_F(Claiming, AReferencedSourceIsOpenedWhileItIsUnchanged) {
  const std::string image = scratch_ / "odd \xff\n.jpg";
  lab::write_file(image, "image");
  struct stat about = {};
  ASSERT_EQ(::stat(image.c_str(), &about), 0);
  Draft made;
  made.referenced = {SourceKind::referenced, image, about.st_size, ns_of(about.st_mtim), ""};
  submit_one(std::move(made));
  Claim claim = claim_one(owner_);
  EXPECT_EQ(code_of(owner_.open_source(claim)), 0);
  lab::set_mtime(image, 1000);
  EXPECT_EQ(code_of(owner_.open_source(claim)), ESTALE);
  claim.submitter = ::geteuid() + 1;
  EXPECT_EQ(code_of(owner_.open_source(claim)), EPERM);
}

TEST_F(Claiming, DelayedJobsArePromotedWhenTheirTimeHasCome) {
  const auto ids = submit_many(4);
  const int64_t now = 1'700'000'000'000;
  const int64_t due[] = {now - 1, now, now + 1, now + kMaxDelayMs + 1};
  for (size_t i = 0; i < 4; ++i) {
    std::filesystem::rename(path(layout::staging({ids[i], 1})),
                            path(layout::delayed(due[i], {ids[i], 2})));
  }
  const auto promoted = must(promote_delayed(spool_, now));
  EXPECT_EQ(promoted.moved, 3);  // the last is further away than any delay: the clock stepped
  EXPECT_EQ(promoted.next_due_ms, now + 1);
  EXPECT_EQ(waiting(), (std::vector<Token>{{ids[0], 2}, {ids[1], 2}, {ids[3], 2}}));
  EXPECT_EQ(must(promote_delayed(spool_, now + 1)).moved, 1);
  EXPECT_EQ(must(promote_delayed(spool_, now + 1)).next_due_ms, 0);
}

TEST_F(Claiming, NoMoreThanTenThousandArePromotedAtATime) {
  const JobId id = submit_one();
  for (int i = 0; i < 10'050; ++i) {
    const std::string name = layout::delayed(1000, {id_at(1'700'000'000'000 + i), 1});
    std::filesystem::create_hard_link(path(layout::ticket(id)), path(name));
  }
  const int64_t now = now_ms();
  const Promoted first = must(promote_delayed(spool_, now));
  EXPECT_EQ(first.moved, 10'000);
  EXPECT_EQ(first.next_due_ms, now);
  const Promoted rest = must(promote_delayed(spool_, now));
  EXPECT_EQ(rest.moved, 50);
  EXPECT_EQ(rest.next_due_ms, 0);
}

TEST_F(Claiming, APromotedTokenThatAnotherPromotedIsNoError) {
  const JobId id = job_in(State::delayed, owner_);
  faults::add({.call = "renameat", .path = "delayed/", .run = [&] {
                 must(promote_delayed(spool_, now_ms() + kMaxDelayMs));
               }});
  EXPECT_EQ(must(promote_delayed(spool_, now_ms() + kMaxDelayMs)).moved, 0);
  EXPECT_EQ(state(id), State::staging);
}

TEST_F(Claiming, JobsThatFailedTooOftenAreEndedHere) {
  struct Case {
    Try::Kind kind;
    int signal, count;
    const char* code;
  };
  for (const Case& one : {Case{Try::Kind::lost, 0, kMaxLosses + 1, "poison"},
                          Case{Try::Kind::counted, 9, kPoisonCrashes, "poison"},
                          Case{Try::Kind::counted, 0, 3, "timed_out"}}) {
    const JobId id = submit_one();
    for (int n = 1; n <= one.count; ++n) {
      lab::write_file(path(layout::try_record(id, n)),
                      encode(Try{id, n, 1, 0, "o", {"timed_out", "slow", one.signal}, one.kind}));
    }
    std::filesystem::rename(path(layout::staging({id, 1})),
                            path(layout::staging({id, one.count + 1})));
    const auto claims = claim_all(owner_);
    EXPECT_TRUE(claims.taken.empty());
    EXPECT_EQ(state(id), State::failed);
    const JobView view = must(find(spool_, id));
    EXPECT_EQ(view.outcome->cause.code, one.code);
    EXPECT_EQ(view.attempts, one.kind == Try::Kind::counted ? one.count : 0);  // it was not run
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(Claiming, CountingStartsAnewAfterARetryByHand) {
  const JobId id = submit_one();
  const auto put = [&](int n, Try::Kind kind, int signal) {
    lab::write_file(path(layout::try_record(id, n)),
                    encode(Try{id, n, 1, 0, "o", {"crashed", "", signal}, kind}));
  };
  put(1, Try::Kind::counted, 9);
  put(2, Try::Kind::lost, 0);
  put(3, Try::Kind::retried, 9);
  put(4, Try::Kind::counted, 9);
  put(6, Try::Kind::lost, 0);
  std::filesystem::rename(path(layout::staging({id, 1})), path(layout::staging({id, 7})));
  const Claim claim = claim_one(owner_);
  EXPECT_EQ(claim.failures, 1);
  EXPECT_EQ(claim.crashes, 1);
  EXPECT_EQ(claim.losses, 1);
  EXPECT_EQ(must(find(spool_, id)).attempts, 2);  // and the running one
  must(cancel(spool_, id));
  EXPECT_EQ(must(find(spool_, id)).attempts, 1);
}

TEST_F(Claiming, ThreadsOfManyOwnersShareTheJobsWithoutOverlap) {
  submit_many(200);
  std::vector<std::vector<JobId>> taken(4);
  std::vector<std::thread> threads;
  for (auto& mine : taken) {
    threads.emplace_back([this, &mine] {
      const auto owner = must(Owner::enter(spool_));
      for (auto tokens = waiting(); !tokens.empty(); tokens = waiting()) {
        for (const Claim& claim : must(owner.claim(tokens, Sync::none)).taken) {
          mine.push_back(claim.token.id);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<JobId> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all.size(), 200u);
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

}  // namespace
}  // namespace imgq
