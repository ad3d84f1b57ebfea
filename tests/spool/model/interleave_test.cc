// Two or three programs at once, handed over at each system call: every schedule with one switch,
// many with two, and seeded ones.
#include <gtest/gtest.h>

#include "spool/fsck.h"
#include "spool/internal/folders.h"
#include "spool/layout.h"
#include "spool/query.h"
#include "spool/retain.h"
#include "spool/scan.h"
#include "spool/sweep.h"
#include "tests/spool/model/replay.h"
#include "tests/spool/model/sim_schedule.h"

namespace imgq::model {
namespace {

using sim::Actor;
using sim::Preemptions;
using sim::Turn;

constexpr size_t kSchedules = 300;
constexpr size_t kSeeds = 100;

struct Play {
  std::string host;
  std::function<void(Lab&)> work;
};

// Actors over one spool, tried under many schedules, each judged.
struct Race {
  std::function<void(Lab&)> prepare;
  std::vector<Play> plays;
  std::function<void(Lab&)> after;
  bool stale_names = false;
};

// Every third schedule ends with a power cut: what was answered in it must last.
size_t run_once(const Race& race, const Turn& turn, const std::string& how, size_t& wrong) {
  static size_t number = 0;
  const bool lose_power = number++ % 3 == 2;
  Lab lab(sim::Order::loose);
  race.prepare(lab);
  lab.world.stale_names = race.stale_names;
  std::vector<Actor> actors;
  for (const Play& play : race.plays) {
    sim::Process& process = lab.world.start(play.host);
    (void)lab.spool();
    actors.push_back({&process, [&lab, work = play.work] { work(lab); }});
  }
  const size_t steps = sim::interleave(lab.world, actors, turn);
  for (const Actor& actor : actors) lab.world.kill(*actor.process);
  if (lose_power) {
    sim::ConstantChooser nothing_lasted(false);
    lab.world.power_cut(nothing_lasted);
  }
  lab.world.start();
  if (race.after) race.after(lab);
  const std::string broken = settle_and_judge(lab);
  if (!broken.empty()) {
    wrong++;
    ADD_FAILURE() << how << (lose_power ? ", then a power cut" : "") << "\n"
                  << broken << lab.world.story(150);
  }
  return steps;
}

void race_all(const char* name, const Race& race) {
  size_t wrong = 0;
  size_t played = sim::explore(
      race.plays.size(), 2, depth(kSchedules), [&](const Preemptions& schedule) -> size_t {
        if (wrong > 1) return 0;
        return run_once(race, sim::turn_by(schedule), describe(schedule), wrong);
      });
  for (uint64_t seed = 1; seed <= depth(kSeeds) && wrong < 2; ++seed, ++played) {
    run_once(race, sim::turn_by_seed(seed, 1 + seed % 7), "seed " + std::to_string(seed), wrong);
  }
  std::printf("[  RACES   ] %s: %zu schedules, %zu wrong\n", name, played, wrong);
}

std::function<void(Lab&)> jobs(std::vector<std::string> names) {
  return [names = std::move(names)](Lab& lab) { lab.submit(names, Sync::batch); };
}

// Takes what waits and ends it, as a daemon would that lives as long as the others.
void work_once(Lab& lab) {
  Daemon daemon(lab);
  if (!daemon.in()) return;
  const auto claims = daemon.claim(10, Sync::batch);
  if (!claims.empty()) daemon.complete(claims, Sync::batch, SourceAfter::remove);
}

// A second daemon on another host that believes every other one dead.
void take_over_and_work(Lab& lab) {
  Daemon daemon(lab);
  if (!daemon.in()) return;
  Heartbeats seen;
  for (int round = 0; round < 2; ++round) {
    (void)recover(lab.spool(), daemon.owner().name(), seen, kLease);
    lab.world.pass(2 * kLease.count());
  }
  (void)recover(lab.spool(), daemon.owner().name(), seen, kLease);
  const auto claims = daemon.claim(10, Sync::batch);
  if (!claims.empty()) daemon.complete(claims, Sync::batch, SourceAfter::remove);
}

TEST(TwoDaemons, NeverPublishAJobTwice) {
  race_all("two daemons",
           {jobs({"good 1", "good 2"}), {{"alpha", work_once}, {"beta", work_once}}, nullptr});
}

TEST(TwoDaemons, NeverPublishAJobTwiceOverStaleNames) {
  race_all(
      "two daemons, stale names",
      {jobs({"good 1", "good 2"}), {{"alpha", work_once}, {"beta", work_once}}, nullptr, true});
}

TEST(TwoDaemons, NeverHoldOneClaimAtOnce) {
  for (const bool stale : {false, true}) {
    std::map<JobId, int> holders;
    const auto claim_only = [&holders](Lab& lab) {
      Daemon daemon(lab);
      const std::vector<Claim> claims = daemon.claim(10, Sync::batch);
      for (const Claim& claim : claims) {
        if (++holders[claim.token.id] > 1)
          lab.complain(claim.token.id.text() + " was claimed by two at once");
      }
      for (const Claim& claim : claims) {
        --holders[claim.token.id];
        (void)daemon.owner().release(claim);
      }
    };
    Race race{[&holders, make = jobs({"good 1", "good 2"})](Lab& lab) {
                holders.clear();
                make(lab);
              },
              {{"alpha", claim_only}, {"beta", claim_only}},
              nullptr,
              stale};
    race_all(stale ? "claims, stale names" : "claims", race);
  }
}

TEST(AFrozenOwner, IsFencedWhenItWakes) {
  race_all(
      "frozen owner",
      {jobs({"good 1", "good 2"}), {{"alpha", work_once}, {"beta", take_over_and_work}}, nullptr});
}

TEST(AFrozenOwner, IsFencedOnItsOwnHostToo) {
  race_all("takeover of a live owner's host",
           {jobs({"good 1", "flaky 2"}),
            {{"alpha", work_once}, {"alpha", take_over_and_work}},
            nullptr});
}

TEST(ThreeDaemons, RecoverOneDeadOwnerTogether) {
  const auto leave_dead = [](Lab& lab) {
    lab.submit({"good 1", "good 2"}, Sync::batch);
    sim::Process& victim = lab.world.start();
    Daemon daemon(lab);
    daemon.claim(10, Sync::batch);
    lab.world.kill(victim);
    lab.world.start();
  };
  race_all("three recover one",
           {leave_dead,
            {{"alpha", take_over_and_work}, {"alpha", work_once}, {"beta", take_over_and_work}},
            nullptr});
}

void cancel_first(Lab& lab) {
  const JobId id = lab.jobs.at(0);
  const auto state = cancel(lab.spool(), id);
  if (state && *state == State::cancelled) lab.ledger[id].cancelled = true;
}

TEST(Cancel, WinsOrLosesAgainstAWorkingDaemonButNeverBoth) {
  race_all("cancel and work",
           {jobs({"good 1", "good 2"}), {{"alpha", work_once}, {"alpha", cancel_first}}, nullptr});
}

TEST(Cancel, AndCancelAgreeWithEachOther) {
  race_all("cancel twice", {jobs({"good 1"}),
                            {{"alpha", cancel_first}, {"beta", cancel_first}, {"alpha", work_once}},
                            nullptr});
}

void hold_first(Lab& lab) {
  const JobId id = lab.jobs.at(0);
  lab.ledger[id].may_be_held = true;
  const auto state = hold(lab.spool(), id);
  if (state && *state == State::hold) lab.ledger[id].held = true;
}

TEST(Hold, KeepsAJobFromRunningOrSaysThatItIsTooLate) {
  race_all("hold and work",
           {jobs({"good 1", "good 2"}), {{"alpha", work_once}, {"alpha", hold_first}}, nullptr});
}

void release_first(Lab& lab) {
  const JobId id = lab.jobs.at(0);
  lab.ledger[id].held = false;
  lab.ledger[id].may_be_held = true;
  if (release(lab.spool(), id)) lab.ledger[id].may_be_held = false;
}

TEST(Release, ByTwoGivesOneToken) {
  race_all("release twice",
           {[](Lab& lab) { lab.submit({"good 1"}, Sync::full, "", true); },
            {{"alpha", release_first}, {"beta", release_first}, {"alpha", work_once}},
            nullptr});
}

void retry_first(Lab& lab) {
  const JobId id = lab.jobs.at(0);
  lab.ledger[id].may_change = true;
  (void)retry(lab.spool(), id);
}

TEST(RetryByHand, ByTwoGivesOneToken) {
  const auto failed = [](Lab& lab) {
    lab.submit({"bad 1"}, Sync::full);
    Daemon daemon(lab);
    daemon.run(60);
  };
  const auto work = [](Lab& lab) {
    Daemon daemon(lab);
    daemon.run(3);
  };
  race_all("retry twice",
           {failed, {{"alpha", retry_first}, {"beta", retry_first}, {"alpha", work}}, nullptr});
}

TEST(OneKey, GivesOneJobHoweverManySubmitWithIt) {
  const auto submit_key = [](Lab& lab) { lab.submit({"good"}, Sync::full, "key-1"); };
  race_all("one key", {[](Lab&) {}, {{"alpha", submit_key}, {"beta", submit_key}}, submit_key});
}

// Asks again and again; a job that was accepted is never unknown.
void look_up_all(Lab& lab) {
  for (int round = 0; round < 6; ++round) {
    for (const JobId& id : lab.jobs) {
      const auto found = find(lab.spool(), id);
      if (!found) lab.complain("find denies " + id.text() + ": " + found.error().text());
      const auto state = state_of(lab.spool(), id);
      if (!state) lab.complain("state_of denies " + id.text() + ": " + state.error().text());
    }
  }
}

TEST(ALookUp, NeverDeniesAnAcceptedJob) {
  const auto live = [](Lab& lab) {
    Daemon daemon(lab);
    daemon.run(4);
  };
  race_all(
      "look-up",
      {jobs({"good 1", "flaky 2", "bad 3"}), {{"alpha", live}, {"alpha", look_up_all}}, nullptr});
}

TEST(Repair, DisturbsNobodyWhoWorks) {
  const auto repair = [](Lab& lab) {
    const auto report = fsck(lab.spool(), Repair::mend, 1);
    if (!report) return;
    for (const Finding& finding : report->findings) {
      if (finding.kind == Finding::Kind::damage) {
        lab.complain("fsck calls a healthy spool damaged: " + finding.path + ": " + finding.what);
      }
    }
  };
  const auto submit_and_work = [](Lab& lab) {
    lab.submit({"good 2"}, Sync::full);
    work_once(lab);
  };
  race_all("repair and work",
           {jobs({"good 1", "flaky 3"}), {{"alpha", submit_and_work}, {"alpha", repair}}, nullptr});
  race_all("repair and retry", {[](Lab& lab) {
                                  lab.submit({"bad 1"}, Sync::full);
                                  Daemon daemon(lab);
                                  daemon.run(60);
                                },
                                {{"alpha", retry_first}, {"alpha", repair}},
                                nullptr});
}

// What a submission has for a moment looks like what it leaves when it is cut; the job may have
// been run and purged between a look and the new token; another host may mend it, too.
TEST(Mend, RunsNoJobTwiceAndBringsNoneBack) {
  const auto submit_one = [](Lab& lab) { lab.submit({"good 1"}, Sync::full); };
  const auto submit_work_purge = [submit_one](Lab& lab) {
    submit_one(lab);
    work_once(lab);
    if (lab.jobs.empty()) return;
    lab.ledger[lab.jobs.at(0)].may_be_gone = true;
    (void)purge(lab.spool(), lab.jobs.at(0));
  };
  const auto mend_and_work = [](Lab& lab) {
    mend_lost(lab);
    work_once(lab);
  };
  race_all("mend and submit",
           {[](Lab&) {}, {{"alpha", submit_one}, {"beta", mend_and_work}}, nullptr});
  race_all("mend and purge",
           {[](Lab&) {}, {{"alpha", submit_work_purge}, {"beta", mend_and_work}}, nullptr});
  race_all("mend twice",
           {lose_token, {{"alpha", mend_and_work}, {"beta", mend_and_work}}, nullptr});
  race_all(
      "mend twice beside a daemon",
      {lose_token, {{"alpha", mend_lost}, {"beta", mend_lost}, {"gamma", work_once}}, nullptr});
}

TEST(Sweep, LeavesLiveWritersAlone) {
  const auto sweep = [](Lab& lab) { (void)sweep_tmp(lab.spool()); };
  const auto submit_one = [](Lab& lab) {
    if (lab.submit({"good"}, Sync::full).empty()) lab.complain("a submission failed");
  };
  race_all("sweep and submit", {[](Lab&) {}, {{"alpha", submit_one}, {"alpha", sweep}}, nullptr});
}

// Two make the first folder of an hour, of which one dies on its way; the other is answered an id,
// and then the power fails. `first` and `second`: the calls before which the one that dies lets the
// other go on, and the other it.
std::string submit_beside_a_dying_maker(int64_t dies_at, size_t first, size_t second) {
  Lab lab(sim::Order::loose);
  const std::string hour = layout::hour_folder(JobId::generate());
  sim::Process& dying = lab.world.start("alpha");
  (void)lab.spool();
  dying.dies_at = dying.changes + dies_at;
  sim::Process& other = lab.world.start("beta");
  (void)lab.spool();
  const auto make = [&] { (void)durable::make_durable_folder(lab.spool(), hour, Sync::full); };
  const auto make_and_submit = [&] {
    make();
    lab.submit({"good"}, Sync::full);
  };
  sim::interleave(lab.world, {{&dying, make}, {&other, make_and_submit}},
                  sim::turn_by({{first, 1}, {second, 0}}));
  if (lab.jobs.empty()) lab.complain("the other was refused");
  sim::ConstantChooser nothing_lasted(false);
  lab.world.power_cut(nothing_lasted);
  const std::string broken = settle_and_judge(lab);
  return broken.empty() ? "" : broken + lab.world.story(150);
}

TEST(TwoMakersOfAFolder, LeaveOneThatIsOnTheDiskWhenOneOfThemDies) {
  size_t played = 0;
  for (int64_t dies_at = 0; dies_at < 8; ++dies_at) {
    for (size_t first = 1; first < 12; ++first) {
      for (size_t second = first + 1; second < first + 32; ++second, ++played) {
        const std::string broken = submit_beside_a_dying_maker(dies_at, first, second);
        ASSERT_TRUE(broken.empty()) << "dies before change " << dies_at << ", turns at " << first
                                    << " and " << second << "\n"
                                    << broken;
      }
    }
  }
  std::printf("[  RACES   ] two makers of a folder: %zu schedules\n", played);
}

TEST(Retention, ForgetsOnlyWhatHasEnded) {
  const auto prepare = [](Lab& lab) {
    lab.submit({"good 1", "bad 2"}, Sync::full);
    Daemon daemon(lab);
    daemon.run(60);
    for (auto& [id, promise] : lab.ledger) promise.may_be_gone = true;
    lab.world.pass(2 * 3600 * 1000);
    lab.submit({"good 3"}, Sync::full);
  };
  const auto forget = [](Lab& lab) {
    Retention policy;
    policy.completed_age = policy.failed_age = std::chrono::seconds(60);
    (void)retain(lab.spool(), policy, lab.world.real_ns() / 1'000'000, 100);
  };
  race_all("retention and work", {prepare, {{"alpha", forget}, {"alpha", work_once}}, nullptr});
  race_all("retention twice", {prepare, {{"alpha", forget}, {"beta", forget}}, nullptr});
  race_all("retention and retry", {[prepare](Lab& lab) {
                                     prepare(lab);
                                     std::swap(lab.jobs.at(0), lab.jobs.at(1));
                                   },
                                   {{"alpha", forget}, {"alpha", retry_first}},
                                   nullptr});
}

// The hook of the first end runs while the job is tried again: the second end is told, too.
TEST(AHook, IsRunForTheLastEndAlsoOfAJobThatIsTriedAgainMeanwhile) {
  const auto prepare = [](Lab& lab) {
    lab.hooks = true;
    lab.submit({"good 1"}, Sync::batch);
    Daemon daemon(lab);
    for (const Claim& claim : daemon.claim(10, Sync::batch)) daemon.fail(claim, Sync::batch);
    daemon.leave();
  };
  const auto run_hooks = [](Lab& lab) {
    Daemon daemon(lab);
    if (daemon.in()) (void)daemon.run_hooks();
  };
  const auto again = [](Lab& lab) {
    lab.ledger[lab.jobs.at(0)].may_change = true;
    (void)retry(lab.spool(), lab.jobs.at(0));
    work_once(lab);
  };
  race_all("hook and retry", {prepare, {{"alpha", run_hooks}, {"alpha", again}}, nullptr});
  race_all("hook and hook", {prepare, {{"alpha", run_hooks}, {"beta", run_hooks}}, nullptr});
}

// An old name of an ended job comes back, as while a replica heals: it is not run again.
TEST(AnOldName, ThatComesBackIsNotRunAgain) {
  Lab lab(sim::Order::loose);
  lab.submit({"good 1", "good 2"}, Sync::batch);
  Daemon daemon(lab);
  daemon.run(10);
  const std::string root = kSpool;
  for (const JobId& id : lab.jobs) {
    const auto ticket = lab.world.look_up(root + "/jobs/" + id.folder() + "/" + id.text() + ".job");
    ASSERT_TRUE(ticket);
    lab.world.resurrect(root + "/staging", id.text() + ".1", ticket);
  }
  const auto tokens = scan_staging(lab.spool(), 10);
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 2U);
  const auto claims = daemon.owner().claim(*tokens, Sync::batch);
  ASSERT_TRUE(claims);
  EXPECT_TRUE(claims->taken.empty());
  EXPECT_EQ(claims->finished, 2);
  daemon.leave();
  EXPECT_EQ(settle_and_judge(lab), "");
}

// The reply to a link was lost, and the call repeated: the outcome is one's own, or, when the reply
// was that to a result's link, nothing is published and the job is given back.
TEST(ALostReply, ToThePublishingLinkIsKnownAsOnesOwn) {
  constexpr int64_t kOutcomeLink = 2;  // after two results
  for (int64_t at = 0; at < 8; ++at) {
    Lab lab(sim::Order::loose);
    lab.submit({"good 1"}, Sync::batch);
    Daemon daemon(lab);
    const auto claims = daemon.claim(10, Sync::batch);
    ASSERT_EQ(claims.size(), 1U);
    lab.world.running().fault =
        sim::Fault{at, EEXIST, sim::Fault::Lasts::once, sim::Fault::Effect::done, sim::Call::link};
    daemon.complete(claims, Sync::batch, SourceAfter::keep);
    const bool struck = lab.world.running().faults > 0;
    lab.world.running().fault.reset();
    const int completions = lab.ledger[lab.jobs.at(0)].completions;
    EXPECT_EQ(completions, at < kOutcomeLink ? 0 : 1) << "link number " << at;
    daemon.leave();
    EXPECT_EQ(settle_and_judge(lab), "");
    if (!struck) return;
  }
}

}  // namespace
}  // namespace imgq::model
