// Hosts that are cordoned, and what an owner tells of itself.
#include "spool/cordon.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/probe.h"
#include "spool/recover.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using std::chrono::hours;

// What so many answer who do the same in one moment: how often it was true.
template <class Step>
int how_many(int threads, const Step& step) {
  std::atomic<int> ready = 0, done = 0;
  std::vector<std::thread> all;
  for (int n = 0; n < threads; ++n) {
    all.emplace_back([&] {
      ++ready;
      while (ready < threads) {
      }
      done += must(step()) ? 1 : 0;
    });
  }
  for (std::thread& one : all) one.join();
  return done;
}

class Cordoned : public lab::SpoolTest {
 protected:
  const std::string here_ = sys::identity().host;

  // The sign of life of an owner of another host.
  std::string alive_of(const std::string& host) {
    const std::string owner = host + ".0000.7.00000000000000aa";
    std::filesystem::create_directory(path(layout::owner_folder(owner)));
    lab::write_file(path(layout::alive(owner)), "");
    return path(layout::alive(owner));
  }
};

TEST_F(Cordoned, AHostClaimsNothingUntilItIsNot) {
  const auto owner = must(Owner::enter(spool_));
  submit_many(3);
  EXPECT_TRUE(must(cordon(spool_, here_)));
  const Claims none = claim_all(owner);
  EXPECT_TRUE(none.cordoned);
  EXPECT_TRUE(none.taken.empty());
  EXPECT_EQ(waiting().size(), 3U);
  EXPECT_TRUE(must(uncordon(spool_, here_)));
  const Claims all = claim_all(owner);
  EXPECT_FALSE(all.cordoned);
  EXPECT_EQ(all.taken.size(), 3U);
}

TEST_F(Cordoned, AnotherHostIsNoneOfOurs) {
  const auto owner = must(Owner::enter(spool_));
  submit_one();
  EXPECT_TRUE(must(cordon(spool_, here_ + "-2")));
  EXPECT_EQ(claim_all(owner).taken.size(), 1U);
}

// The same moment, again and again: each time one alone has done it.
TEST_F(Cordoned, AHostIsByOneOfThoseWhoTryAtOnce) {
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(how_many(8, [&] { return cordon(spool_, "web1"); }), 1) << round;
    EXPECT_TRUE(must(is_cordoned(spool_, "web1")));
    EXPECT_EQ(how_many(8, [&] { return uncordon(spool_, "web1"); }), 1) << round;
    EXPECT_FALSE(must(is_cordoned(spool_, "web1")));
  }
  EXPECT_TRUE(temps().empty());
}

// Who claims while the host is being cordoned has it or has it not; who begins afterwards has not.
TEST_F(Cordoned, NoClaimThatBeginsAfterwardsTakesAJob) {
  const size_t jobs = submit_many(400).size();
  std::atomic<bool> is_cordoned = false;
  std::atomic<size_t> taken = 0, ready = 0;
  std::vector<std::thread> claimers;
  for (int n = 0; n < 3; ++n) {
    claimers.emplace_back([&] {
      const auto owner = must(Owner::enter(spool_));
      ++ready;
      for (bool after = false; !after;) {
        after = is_cordoned;
        const Claims claims = must(owner.claim(must(scan_staging(spool_, 2)), Sync::none));
        EXPECT_TRUE(!after || (claims.taken.empty() && claims.cordoned));
        for (const Claim& claim : claims.taken) complete(owner, claim);
        taken += claims.taken.size();
      }
    });
  }
  while (ready < 3 || taken < 6) std::this_thread::yield();
  EXPECT_TRUE(must(cordon(spool_, here_)));
  is_cordoned = true;
  for (std::thread& one : claimers) one.join();
  EXPECT_GT(waiting().size(), 0U);
  EXPECT_EQ(waiting().size() + taken, jobs);
}

TEST_F(Cordoned, AHostHasTheNameThatOwnersHave) {
  for (const std::string& name : {std::string(), std::string("a.b"), std::string("../x"),
                                  std::string("a/b"), std::string("a b"), std::string(65, 'a')}) {
    EXPECT_EQ(code_of(cordon(spool_, name)), EINVAL) << name;
    EXPECT_EQ(code_of(uncordon(spool_, name)), EINVAL) << name;
  }
  EXPECT_TRUE(lab::names_in(path("processing")).empty());
  EXPECT_TRUE(must(cordon(spool_, std::string(64, 'a'))));
}

TEST_F(Cordoned, AllAreToldWithTheirTimeAndWhoDidIt) {
  const int64_t before_ms = now_ms();
  EXPECT_TRUE(must(cordon(spool_, "web2")));
  EXPECT_TRUE(must(cordon(spool_, "web1")));
  EXPECT_FALSE(must(cordon(spool_, "web1")));
  lab::write_file(path("processing/cordon.not a host"), "");
  const auto all = must(cordons(spool_));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].host, "web1");
  EXPECT_EQ(all[1].host, "web2");
  EXPECT_EQ(all[0].by, ::geteuid());
  EXPECT_NEAR(static_cast<double>(all[0].since_ms), static_cast<double>(before_ms), 60'000);
}

TEST_F(Cordoned, AHostIsNoFaultOfTheSpool) {
  EXPECT_TRUE(must(cordon(spool_, "web1")));
  EXPECT_TRUE(is_clean());
  EXPECT_TRUE(unreadable_folders(spool_).empty());
  EXPECT_EQ(must(recover(spool_, "", *std::make_unique<Heartbeats>(), hours(1))).looked_at, 0);
}

TEST_F(Cordoned, NothingIsAnsweredBeforeItIsOnTheDisk) {
  faults::add({.call = "fsync", .path = "processing", .code = EIO, .times = -1});
  EXPECT_EQ(code_of(cordon(spool_, "web1")), EIO);
  EXPECT_EQ(code_of(uncordon(spool_, "web1")), EIO);
  faults::clear();
  faults::add({.call = "linkat", .code = ENOSPC});
  EXPECT_EQ(code_of(cordon(spool_, "web1")), ENOSPC);
  EXPECT_FALSE(must(is_cordoned(spool_, "web1")));
}

TEST_F(Cordoned, WhereItCannotBeAskedNothingIsClaimed) {
  const auto owner = must(Owner::enter(spool_));
  submit_one();
  faults::add({.call = "fstatat", .path = "processing/cordon.", .code = EIO, .times = -1});
  EXPECT_EQ(code_of(owner.claim(waiting(), Sync::none)), EIO);
  EXPECT_EQ(waiting().size(), 1U);
}

// Those that are at work share the jobs; a cordoned host's are not among them.
TEST_F(Cordoned, AHostsOwnersAreNotAtWork) {
  alive_of("web1");
  alive_of("web2");
  const auto at_work = [&] {
    Heartbeats seen;  // a newcomer's: all are taken to be at work, until they are seen not to be
    return must(recover(spool_, "", seen, hours(1))).at_work;
  };
  EXPECT_EQ(at_work().size(), 2U);
  EXPECT_TRUE(must(cordon(spool_, "web1")));
  EXPECT_EQ(at_work(), std::vector<std::string>{"web2.0000.7.00000000000000aa"});
  EXPECT_TRUE(must(uncordon(spool_, "web1")));
  EXPECT_EQ(at_work().size(), 2U);
}

TEST_F(Cordoned, OwnersAreAtWorkFromTheFirstLookAndSeenToBeInTheSecond) {
  const std::string alive = alive_of("web1");
  Heartbeats seen;
  const Recovered first = must(recover(spool_, "", seen, hours(1)));
  EXPECT_EQ(first.at_work.size(), 1U);
  EXPECT_FALSE(first.all_beat);
  lab::set_mtime(alive, 5);
  EXPECT_TRUE(must(recover(spool_, "", seen, hours(1))).all_beat);
}

class Telling : public lab::SpoolTest {
 protected:
  std::string alive(const Owner& owner) const { return path(layout::alive(owner.name())); }

  OwnerTold told(const std::string& alive) const {
    const Fd file(sys::openat(AT_FDCWD, alive.c_str(), O_RDONLY));
    struct stat about = {};
    EXPECT_EQ(sys::fstat(file.get(), &about), 0);
    return told_by(file.get(), about);
  }
  OwnerTold told(const Owner& owner) const { return told(alive(owner)); }
};

TEST_F(Telling, AnOwnerTellsItsVersionAndHowFarItsClockIsOff) {
  faults::step_clock(600);
  const auto owner = must(Owner::enter(spool_, "1.2.3~rc1+x"));
  EXPECT_EQ(told(owner).version, "1.2.3~rc1+x");
  EXPECT_NEAR(static_cast<double>(told(owner).clock_ahead_ms.value_or(0)), 600'000, 2'000);
  faults::clear();  // it is set right
  faults::step_clock(-60);
  EXPECT_TRUE(owner.beat());
  EXPECT_NEAR(static_cast<double>(told(owner).clock_ahead_ms.value_or(0)), -60'000, 2'000);
  faults::clear();
  EXPECT_TRUE(owner.beat());
  EXPECT_NEAR(static_cast<double>(told(owner).clock_ahead_ms.value_or(9'999)), 0, 2'000);
}

TEST_F(Telling, OneOfBeforeTellsNothing) {
  const auto owner = must(Owner::enter(spool_));
  EXPECT_EQ(told(owner).version, "");
  EXPECT_FALSE(told(owner).clock_ahead_ms);
}

TEST_F(Telling, WhoMayNotSetTheTimeBeatsByTheFileSystemsClockAndTellsNoOffset) {
  faults::add({.call = "set_mtime", .code = EPERM, .times = -1});
  faults::step_clock(600);
  const auto owner = must(Owner::enter(spool_, "1.2.3"));
  lab::set_mtime(alive(owner), 1);
  EXPECT_TRUE(owner.beat());
  EXPECT_GT(std::filesystem::last_write_time(alive(owner)),
            std::filesystem::file_time_type::clock::now() - hours(1));
  EXPECT_EQ(told(owner).version, "1.2.3");
  EXPECT_FALSE(told(owner).clock_ahead_ms);
}

TEST_F(Telling, WhereItsVersionCannotBeWrittenAnOwnerEntersAllTheSame) {
  faults::add({.call = "write", .path = ".alive", .code = ENOSPC, .times = -1});
  const auto owner = must(Owner::enter(spool_, "1.2.3"));
  EXPECT_EQ(told(owner).version, "");
  submit_one();
  EXPECT_EQ(claim_all(owner).taken.size(), 1U);
}

TEST_F(Telling, AVersionThatIsNoneIsNotTold) {
  for (const std::string text :
       {"version 1.2.3", "version \n", "version a\"b\n", "Version 1\n", "\n", "version 1 2\n"}) {
    lab::write_file(path("tmp/alive"), text);
    EXPECT_EQ(told(path("tmp/alive")).version, "") << text;
  }
  lab::write_file(path("tmp/alive"), "version " + std::string(64, '1') + "\nmore 1\n");
  EXPECT_EQ(told(path("tmp/alive")).version, std::string(64, '1'));
}

}  // namespace
}  // namespace imgq
