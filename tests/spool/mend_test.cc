// Tickets whose token was never made, or is lost.
#include "spool/mend.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "spool/control.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/types.h"
#include "src/util/fd.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

class Mend : public lab::SpoolTest {
 protected:
  Mender mender_;

  Mend() { faults::add({.call = "sleep", .code = EINTR, .times = -1}); }  // time passes at once

  JobId lost_job() {
    const JobId id = submit_one();
    std::filesystem::remove(path(layout::staging({id, 1})));
    return id;
  }
  // Looks at all that is to be looked at.
  Mended look(milliseconds after = hours(1)) {
    Mended sum = must(mender_.look(spool_, after));
    while (sum.more) {
      Mended next = must(mender_.look(spool_, after));
      next.tokens.insert(next.tokens.end(), sum.tokens.begin(), sum.tokens.end());
      next.trouble.insert(next.trouble.end(), sum.trouble.begin(), sum.trouble.end());
      sum = std::move(next);
    }
    return sum;
  }
  Mended look_after(milliseconds passed) {
    sys::sleep_ms(passed.count());
    return look();
  }
  // Two looks; at the next one it is time.
  void look_twice() {
    EXPECT_TRUE(look().tokens.empty());
    EXPECT_TRUE(look_after(minutes(30)).tokens.empty());
    sys::sleep_ms(milliseconds(minutes(30)).count());
  }
};

TEST_F(Mend, ATicketThatWaitsNowhereWaitsAgainAfterThreeLooksAndAnHour) {
  const JobId id = lost_job();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(look_after(minutes(14)).tokens.empty()) << i;
  EXPECT_TRUE(mender_.has_suspects());
  EXPECT_EQ(look_after(minutes(14)).tokens, (std::vector<Token>{}));
  EXPECT_EQ(look_after(minutes(14)).tokens, (std::vector<Token>{{id, 2}}));
  EXPECT_FALSE(mender_.has_suspects());
  EXPECT_TRUE(is_clean());
  const Owner owner = must(Owner::enter(spool_));
  complete(owner, claim_one(owner));
  EXPECT_EQ(state(id), State::completed);
}

TEST_F(Mend, AnHourIsNotEnoughWithoutThreeLooks) {
  lost_job();
  EXPECT_TRUE(look().tokens.empty());
  EXPECT_TRUE(look_after(hours(2)).tokens.empty());
  EXPECT_EQ(look().tokens.size(), 1u);
}

TEST_F(Mend, WhatGetsATokenMeanwhileIsLeftAlone) {
  const JobId id = lost_job();
  look_twice();
  std::filesystem::create_hard_link(path(layout::ticket(id)), path(layout::staging({id, 1})));
  EXPECT_TRUE(look().tokens.empty());
  EXPECT_FALSE(mender_.has_suspects());
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 1}}));
}

TEST_F(Mend, JobsInAnyStateAreNoSuspects) {
  const Owner owner = must(Owner::enter(spool_));
  for (const State state : {State::hold, State::cancelled, State::completed, State::failed,
                            State::delayed, State::processing, State::staging}) {
    job_in(state, owner);
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(look(milliseconds(0)).tokens.empty());
  EXPECT_FALSE(mender_.has_suspects());
}

TEST_F(Mend, ItsAttemptIsAboveEveryOneThatIsRecordedOrHasAResult) {
  const JobId recorded = lost_job(), with_result = lost_job();
  lab::write_file(path(layout::try_record(recorded, 4)), "x");
  lab::write_file(path(layout::result(with_result, with_result.text() + ".6.main.jpg")), "x");
  look_twice();
  auto tokens = look().tokens;
  std::sort(tokens.begin(), tokens.end());
  EXPECT_EQ(tokens, (std::vector<Token>{{recorded, 5}, {with_result, 7}}));
}

// As a retry, a purge, or the same on another host holds it.
TEST_F(Mend, AJobThatSomebodyHasAloneIsLookedAtAgain) {
  const JobId id = lost_job();
  look_twice();
  {
    const Fd ticket(::open(path(layout::ticket(id)).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(ticket.get(), LOCK_EX | LOCK_NB), 0);
    const Mended none = look();
    EXPECT_TRUE(none.tokens.empty() && none.trouble.empty());
  }
  EXPECT_EQ(look().tokens.size(), 1u);
}

TEST_F(Mend, AJobThatEndsWhileItIsMendedIsSettled) {
  const JobId id = lost_job();
  look_twice();
  faults::add({.call = "linkat", .path = "staging/", .run = [&] { must(cancel(spool_, id)); }});
  EXPECT_TRUE(look().tokens.empty());
  EXPECT_EQ(state(id), State::cancelled);
  EXPECT_TRUE(waiting().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Mend, AJobThatIsPurgedWhileItIsMendedStaysGone) {
  const JobId id = lost_job();
  look_twice();
  faults::add({.call = "linkat", .path = "staging/", .run = [&] {
                 std::filesystem::remove(path(layout::ticket(id)));
                 std::filesystem::remove(path(layout::source(id)));
               }});
  const Mended none = look();
  EXPECT_TRUE(none.tokens.empty() && none.trouble.empty());
  EXPECT_TRUE(waiting().empty());
}

// It stood still for so long that its job was mended, and then failed.
TEST_F(Mend, ASubmissionThatFailsLaterLeavesTheJob) {
  faults::add({.call = "fsync", .path = "/staging", .code = EIO, .run = [&] {
                 const auto first = lab::names_in(path("staging")).at(0);
                 const JobId id = must(JobId::parse(first.substr(0, first.find('.'))));
                 std::filesystem::create_hard_link(path(layout::ticket(id)),
                                                   path(layout::staging({id, 2})));
               }});
  std::vector<Draft> drafts;
  drafts.push_back(draft("an image"));
  EXPECT_EQ(code_of(submit(spool_, std::move(drafts), Sync::full)[0]), EIO);
  ASSERT_EQ(waiting().size(), 1u);
  const Owner owner = must(Owner::enter(spool_));
  complete(owner, claim_one(owner));
  EXPECT_TRUE(is_clean());
}

TEST_F(Mend, HoursThatHaveNotChangedAreNotReadAgain) {
  const std::string hour = layout::hour_folder(submit_one());
  const auto reads = [&] {
    mender_.begin();
    faults::clear();
    faults::add({.call = "list", .path = hour, .times = -1});
    look();
    return faults::hits();
  };
  EXPECT_EQ(reads(), 1);
  EXPECT_EQ(reads(), 1);  // for what was made in the same tick of its time
  EXPECT_EQ(reads(), 0);
  lab::set_mtime(path(hour), 5);
  EXPECT_EQ(reads(), 1);
}

TEST_F(Mend, ErrorsAreToldAndTheNextLookGoesOn) {
  const JobId id = lost_job();
  faults::add({.call = "list", .path = "jobs", .code = ENOTCONN});
  EXPECT_EQ(code_of(mender_.look(spool_, hours(1))), ENOTCONN);
  faults::add({.call = "list", .path = layout::hour_folder(id), .code = EIO});
  EXPECT_EQ(code_of(mender_.look(spool_, hours(1))), EIO);
  mender_.begin();
  faults::add({.call = "list", .path = "staging", .code = EIO});
  EXPECT_EQ(code_of(mender_.look(spool_, hours(1))), EIO);
  mender_.begin();
  look_twice();
  for (const char* call : {"flock", "linkat", "fsync"}) {
    faults::add(
        {.call = call, .path = call == std::string("flock") ? ".job" : "staging", .code = EIO});
    const Mended none = look();
    EXPECT_TRUE(none.tokens.empty()) << call;
    ASSERT_EQ(none.trouble.size(), 1u) << call;
    EXPECT_EQ(none.trouble[0].code, EIO) << call;
    if (call == std::string("fsync")) continue;
    EXPECT_TRUE(waiting().empty()) << call;
  }
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));  // linked, though not known to last
  EXPECT_TRUE(look().tokens.empty());
  EXPECT_FALSE(mender_.has_suspects());
}

}  // namespace
}  // namespace imgq
