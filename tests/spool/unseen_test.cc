// ENOENT and ESTALE of what stands: while another host makes a folder, or has just put another in
// its place, a network client says so for a moment.
#include <fcntl.h>

#include <filesystem>

#include "spool/control.h"
#include "spool/layout.h"
#include "spool/list.h"
#include "spool/owner.h"
#include "spool/probe.h"
#include "spool/recover.h"
#include "spool/retain.h"
#include "spool/scan.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using std::chrono::milliseconds;

constexpr int kForAWhile = 20;
constexpr int kForGood = -1;

class AMoveOfWhatIsUnseen : public lab::SpoolTest, public ::testing::WithParamInterface<int> {
 protected:
  AMoveOfWhatIsUnseen() : owner_(must(Owner::enter(spool_))) {
    faults::add({.call = "sleep", .code = EINTR, .times = -1});
  }
  static void unseen(const char* path, int times) {
    faults::add({.call = "renameat", .path = path, .code = GetParam(), .times = times});
  }
  Claim taken() {
    submit_one();
    return claim_one(owner_);
  }
  std::vector<std::string> own_folder() {
    return lab::names_in(path(layout::owner_folder(owner_.name())));
  }
  Owner owner_;
};

TEST_P(AMoveOfWhatIsUnseen, ToTheCompletedIsMadeOnceItsFolderIsSeen) {
  const Claim claim = taken();
  unseen("completed/", kForAWhile);
  EXPECT_EQ(complete(owner_, claim).ending, Ending::completed);
  EXPECT_TRUE(lab::is_there(path(layout::ended(Ending::completed, claim.token.id))));
  EXPECT_EQ(own_folder().size(), 1u);
  EXPECT_TRUE(is_clean());
}

// Its owner lives on, and no call has failed that it knows of.
TEST_P(AMoveOfWhatIsUnseen, ThatNeverSucceededIsMadeByTheOwnersNextBeat) {
  const Claim claim = taken();
  unseen("completed/", kForGood);
  EXPECT_EQ(complete(owner_, claim).ending, Ending::completed);
  EXPECT_EQ(own_folder().size(), 2u);
  faults::clear();
  EXPECT_TRUE(owner_.beat());
  EXPECT_EQ(own_folder().size(), 1u);
  EXPECT_TRUE(lab::is_there(path(layout::ended(Ending::completed, claim.token.id))));
  EXPECT_TRUE(is_clean());
}

TEST_P(AMoveOfWhatIsUnseen, IsMadeWhenAJobIsPutOffOrGivenBack) {
  const Claim first = taken(), second = taken();
  unseen("delayed/", kForAWhile);
  EXPECT_GT(must(owner_.retry_later(first, {"io_error", "x", 0}, {}, Sync::batch)), 0);
  unseen("staging/", kForAWhile);
  EXPECT_TRUE(owner_.release(second));
  EXPECT_EQ(state(first.token.id), State::delayed);
  EXPECT_EQ(state(second.token.id), State::staging);
  EXPECT_EQ(own_folder().size(), 1u);
  EXPECT_TRUE(is_clean());
}

TEST_P(AMoveOfWhatIsUnseen, IsNoSignThatAnotherHasTheJob) {
  const Claim first = taken(), second = taken();
  unseen("delayed/", kForGood);
  EXPECT_EQ(code_of(owner_.retry_later(first, {"io_error", "x", 0}, {}, Sync::batch)), ESTALE);
  unseen("staging/", kForGood);
  EXPECT_EQ(code_of(owner_.release(second)), ESTALE);
  faults::clear();
  EXPECT_TRUE(owner_.release(first));
  EXPECT_TRUE(owner_.release(second));
  EXPECT_EQ(must(scan_staging(spool_, 10)).size(), 2u);
  EXPECT_TRUE(is_clean());
}

TEST_P(AMoveOfWhatIsUnseen, IsMadeForPeople) {
  const JobId failed = job_in(State::failed, owner_), held = job_in(State::hold, owner_);
  unseen("hold/", kForAWhile);
  EXPECT_EQ(must(release(spool_, held)), State::staging);
  unseen("failed/", kForAWhile);
  unseen("delayed/", kForAWhile);
  EXPECT_EQ(must(retry(spool_, failed)), State::staging);
  EXPECT_EQ(must(scan_staging(spool_, 10)).size(), 2u);
  EXPECT_TRUE(is_clean());
}

TEST_P(AMoveOfWhatIsUnseen, LeavesNoTokenOfAJobThatIsPurged) {
  const JobId id = job_in(State::completed, owner_);
  const std::string token = layout::ended(Ending::completed, id);
  faults::add({.call = "unlinkat", .path = token, .code = GetParam(), .times = kForGood});
  EXPECT_EQ(code_of(purge(spool_, id)), ESTALE);
  EXPECT_EQ(state(id), State::completed);
  faults::clear();
  faults::add({.call = "unlinkat", .path = token, .code = GetParam(), .times = 2});
  EXPECT_TRUE(purge(spool_, id));
  EXPECT_FALSE(lab::is_there(path(token)));
  EXPECT_TRUE(is_clean());
}

INSTANTIATE_TEST_SUITE_P(Codes, AMoveOfWhatIsUnseen, ::testing::Values(ENOENT, ESTALE),
                         [](const auto& code) {
                           return std::string(code.param == ENOENT ? "ENOENT" : "ESTALE");
                         });

class WhatIsUnseen : public lab::SpoolTest {
 protected:
  WhatIsUnseen() { faults::add({.call = "sleep", .code = EINTR, .times = -1}); }
};

TEST_F(WhatIsUnseen, IsNotTakenForARaceThatWasLost) {
  const Owner owner = must(Owner::enter(spool_));
  submit_one();
  faults::add({.call = "renameat", .path = "staging/", .code = ENOENT});
  const Claims none = claim_all(owner);
  EXPECT_EQ(none.lost_races, 0);
  EXPECT_EQ(none.unseen, 1);
  EXPECT_EQ(claim_all(owner).taken.size(), 1u);
}

// Another host has just made the hour's folder.
TEST_F(WhatIsUnseen, IsNotTakenForATicketThatWasLost) {
  const Owner owner = must(Owner::enter(spool_));
  submit_one();
  faults::add({.call = "openat", .path = ".job", .code = ENOENT});
  faults::add({.call = "fstatat", .path = ".src", .code = ENOENT});
  const Claims claims = claim_all(owner);
  EXPECT_EQ(claims.taken.size(), 1u);
  EXPECT_TRUE(claims.quarantined.empty());
  EXPECT_TRUE(lab::names_in(path("corrupt")).empty());
}

TEST_F(WhatIsUnseen, IsNotTakenForALostInstance) {
  const Owner owner = must(Owner::enter(spool_));
  submit_one();
  for (const int code : {ENOENT, ESTALE}) {
    faults::add({.call = "fstatat", .path = ".alive", .code = code});
    EXPECT_TRUE(owner.beat());
  }
  faults::add({.call = "fstatat", .path = ".alive", .code = ENOENT});
  EXPECT_EQ(claim_all(owner).taken.size(), 1u);
}

TEST_F(WhatIsUnseen, IsTakenOverTheNextTime) {
  const JobId id = submit_one();
  const std::string dead = "elsewhere.00000000000000000000000000000000.7.00000000000000aa";
  std::filesystem::create_directory(path("processing/" + dead));
  std::filesystem::rename(path(layout::staging({id, 1})), path(layout::processing(dead, {id, 1})));
  Heartbeats seen;
  faults::add({.call = "renameat", .path = "processing/", .code = ENOENT});
  EXPECT_EQ(must(recover(spool_, "", seen, milliseconds(0))).owners, 0);
  EXPECT_EQ(state(id), State::processing);
  EXPECT_EQ(must(recover(spool_, "", seen, milliseconds(0))).owners, 1);
  EXPECT_EQ(must(scan_staging(spool_, 10)), (std::vector<Token>{{id, 2}}));
}

TEST_F(WhatIsUnseen, IsPromotedTheNextTime) {
  const Owner owner = must(Owner::enter(spool_));
  job_in(State::delayed, owner);
  const int64_t later = 4'000'000'000'000;
  faults::add({.call = "renameat", .path = "delayed/", .code = ENOENT});
  EXPECT_EQ(must(promote_delayed(spool_, later)).moved, 0);
  EXPECT_EQ(must(promote_delayed(spool_, later)).moved, 1);
}

// An instance enters or is swept while another host lists what it had.
TEST_F(WhatIsUnseen, IsLookedUpAnewWhenAFolderWasReplaced) {
  const Owner owner = must(Owner::enter(spool_));
  const JobId id = job_in(State::processing, owner);
  faults::add({.call = "list", .path = owner.name(), .code = ESTALE});
  const auto listed = must(list(spool_, State::processing, Order::oldest_first, 10));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].id, id);
  faults::add({.call = "list", .path = owner.name(), .code = ESTALE, .times = -1});
  EXPECT_EQ(code_of(list(spool_, State::processing, Order::oldest_first, 10)), ESTALE);
}

TEST_F(WhatIsUnseen, IsNothingOnceItsFolderWasRemoved) {
  const std::string gone = path("processing/elsewhere.00000000.7.00000000000000aa");
  std::filesystem::create_directory(gone);
  faults::add({.call = "list", .path = "elsewhere", .code = ESTALE, .times = -1, .run = [&] {
                 std::filesystem::remove(gone);
               }});
  EXPECT_TRUE(must(list(spool_, State::processing, Order::oldest_first, 10)).empty());
  EXPECT_GT(faults::hits(), 0);
}

TEST_F(WhatIsUnseen, HindersNoTakeOver) {
  const std::string dead = "elsewhere.00000000000000000000000000000000.7.00000000000000aa";
  std::filesystem::create_directory(path("processing/" + dead));
  lab::write_file(path(layout::alive(dead)), "");
  Heartbeats seen;
  faults::add({.call = "fstat", .path = ".alive", .code = ESTALE});
  faults::add({.call = "list", .path = dead, .code = ESTALE});
  const Recovered done = must(recover(spool_, "", seen, milliseconds(0)));
  EXPECT_EQ(done.owners, 1);
  EXPECT_TRUE(done.trouble.empty());
  EXPECT_EQ(done.looked_at, 1);
}

// What its own host would sweep goes when that is dead; and a second name of an outcome only once
// the first is on the disk.
TEST_F(WhatIsUnseen, OfADeadHostInTmpIsSweptByWhoeverTakesOver) {
  const Owner owner = must(Owner::enter(spool_));
  const JobId id = job_in(State::completed, owner);
  const std::string host = "elsewhere.00000000000000000000000000000000.";
  const std::string dead = host + "7.00000000000000aa";
  std::filesystem::create_directory(path("processing/" + dead));
  lab::write_file(path("tmp/00000000000000bb." + host + "7"), "half a result");
  std::filesystem::create_hard_link(path(layout::outcome(id)),
                                    path("tmp/00000000000000cc." + host + "7"));
  lab::write_file(path("tmp/00000000000000dd." + host + "8"), "another's");
  Heartbeats seen;
  faults::add({.call = "fsync", .path = layout::hour_folder(id)});
  EXPECT_EQ(must(recover(spool_, owner.name(), seen, milliseconds(0))).owners, 1);
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(temps(), (std::vector<std::string>{"00000000000000dd." + host + "8"}));
}

TEST_F(WhatIsUnseen, AnHourThatIsMadeAheadIsReadyAndGoesWhenItStaysEmpty) {
  constexpr int64_t kThen = 1'700'000'000'000;
  ASSERT_TRUE(make_hour(spool_, kThen));
  const std::string hour = id_at(kThen).folder();
  EXPECT_TRUE(lab::is_there(path("jobs/" + hour)));
  EXPECT_TRUE(lab::is_there(path("completed/" + hour)));
  faults::add({.call = "mkdirat", .times = -1});
  EXPECT_TRUE(make_hour(spool_, kThen));
  EXPECT_EQ(faults::hits(), 0);
  EXPECT_EQ(must(retain(spool_, {}, kThen + 3 * 3'600'000, 10)).folders, 4);  // with their days
  faults::add({.call = "fsync", .path = "jobs", .code = EIO});
  EXPECT_EQ(code_of(make_hour(spool_, kThen)), EIO);
}

TEST_F(WhatIsUnseen, IsToldOfWhenItsFolderCannotBeRead) {
  const std::string hour = layout::hour_folder(submit_one());
  std::filesystem::create_directory(path("keys/aa"));
  EXPECT_TRUE(unreadable_folders(spool_).empty());
  faults::add({.call = "list", .path = hour, .code = EIO});
  faults::add({.call = "list", .path = "keys/aa", .code = ENOTCONN});
  faults::add({.call = "list", .path = "hold", .code = EACCES});
  const auto bad = unreadable_folders(spool_);
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[0].path, hour);
  EXPECT_EQ(bad[0].code, EIO);
  EXPECT_EQ(bad[1].path, "keys/aa");
}

}  // namespace
}  // namespace imgq
