// Each step of the protocol, cut short before each change it makes to the disk; what was not synced
// lasted or not, in every combination up to a bound, and in seeded ones beyond it.
#include <gtest/gtest.h>

#include "spool/fsck.h"
#include "spool/layout.h"
#include "spool/query.h"
#include "spool/sweep.h"
#include "tests/spool/model/replay.h"

namespace imgq::model {
namespace {

constexpr size_t kCombinations = 16;
constexpr size_t kSeeds = 6;

struct Tally {
  size_t cuts = 0;
  size_t played = 0;
  size_t wrong = 0;
};

class ACutStep : public testing::TestWithParam<size_t> {
 protected:
  const Scenario& scenario() const { return scenarios()[GetParam()]; }

  // Reports the first broken promise of each cut, and at most three in all.
  bool keeps_promises(sim::Order order, int64_t cut, End end, sim::Chooser& chooser,
                      const std::string& how) {
    const auto played = play(scenario(), order, cut, std::nullopt);
    const std::string wrong = judge_after(*played, scenario(), end, chooser);
    tally_.played++;
    if (wrong.empty()) return true;
    tally_.wrong++;
    ADD_FAILURE() << scenario().name << " cut before change " << cut << ", " << how << "\n"
                  << wrong;
    return false;
  }

  bool every_combination_keeps(sim::Order order, int64_t cut) {
    for (size_t number = 0; number < depth(kCombinations); ++number) {
      CountingChooser chooser(number);
      const auto how = "combination " + std::to_string(number);
      if (!keeps_promises(order, cut, End::power_cut, chooser, how)) return false;
      if (chooser.exhausted()) return true;
    }
    sim::ConstantChooser all(true);
    if (!keeps_promises(order, cut, End::power_cut, all, "all lasted")) return false;
    for (uint64_t seed = 1; seed <= depth(kSeeds); ++seed) {
      sim::SeededChooser chooser(seed + static_cast<uint64_t>(cut) * 1000);
      const auto how = "seed " + std::to_string(seed);
      if (!keeps_promises(order, cut, End::power_cut, chooser, how)) return false;
    }
    return true;
  }

  int64_t changes(sim::Order order) {
    return play(scenario(), order, std::nullopt, std::nullopt)->changes;
  }

  void cut_everywhere(sim::Order order) {
    const int64_t all = changes(order);
    ASSERT_GT(all, 0);
    for (int64_t cut = 0; cut <= all && tally_.wrong < 3; ++cut) {
      every_combination_keeps(order, cut);
      tally_.cuts++;
    }
    report();
  }

  void report() const {
    std::printf("[  CUTS    ] %s: %zu cut points, %zu worlds, %zu wrong\n", scenario().name.c_str(),
                tally_.cuts, tally_.played, tally_.wrong);
  }

  Tally tally_;
};

TEST_P(ACutStep, LosesNothingWhenPowerFailsUnderAJournal) {
  cut_everywhere(sim::Order::journalled);
}

TEST_P(ACutStep, LosesNothingWhenPowerFailsAndAnySubsetLasted) {
  cut_everywhere(sim::Order::loose);
}

// What was answered is kept and runs without anybody calling fsck.
TEST_P(ACutStep, LeavesADaemonAloneWithAllItNeeds) {
  const int64_t all = changes(sim::Order::loose);
  for (int64_t cut = 0; cut <= all && tally_.wrong < 3; ++cut) {
    for (uint64_t seed = 0; seed <= depth(kCombinations); ++seed) {
      sim::SeededChooser chooser(seed + static_cast<uint64_t>(cut) * 1000);
      const auto played = play(scenario(), sim::Order::loose, cut, std::nullopt);
      const auto wrong = judge_after(*played, scenario(), End::power_cut, chooser, Helper::none);
      tally_.played++;
      if (wrong.empty()) continue;
      tally_.wrong++;
      ADD_FAILURE() << scenario().name << " cut before change " << cut << ", seed " << seed << "\n"
                    << wrong;
      break;
    }
    tally_.cuts++;
  }
  report();
}

TEST_P(ACutStep, LosesNothingWhenItsProcessIsKilled) {
  const int64_t all = changes(sim::Order::loose);
  for (int64_t cut = 0; cut <= all && tally_.wrong < 3; ++cut) {
    sim::ConstantChooser unused(true);
    keeps_promises(sim::Order::loose, cut, End::kill, unused, "killed");
    tally_.cuts++;
  }
  report();
}

// A reader asks once recovery and sweep have been through; what it hears is an answer like another.
void note_what_is_told(Lab& lab) {
  for (const auto& [id, promise] : lab.ledger) {
    const auto job = find(lab.spool(), id);
    if (job && job->outcome) lab.note_answer(*job->outcome);
  }
}

TEST_P(ACutStep, TellsNothingThatAPowerCutTakesBackWhenItsProcessIsKilledFirst) {
  const int64_t all = changes(sim::Order::loose);
  for (int64_t cut = 0; cut <= all && tally_.wrong < 3; ++cut) {
    const auto played = play(scenario(), sim::Order::loose, cut, std::nullopt);
    Lab& lab = played->lab;
    lab.world.kill(lab.world.running());
    lab.world.start();
    Heartbeats seen;
    (void)recover(lab.spool(), "", seen, kLease);
    (void)sweep_tmp(lab.spool());
    note_what_is_told(lab);
    sim::ConstantChooser nothing_lasted(false);
    const auto wrong = judge_after(*played, scenario(), End::power_cut, nothing_lasted);
    tally_.played++;
    tally_.cuts++;
    if (wrong.empty()) continue;
    tally_.wrong++;
    ADD_FAILURE() << scenario().name << " cut before change " << cut << "\n" << wrong;
  }
  report();
}

INSTANTIATE_TEST_SUITE_P(Model, ACutStep, testing::Range<size_t>(0, scenarios().size()),
                         [](const auto& chosen) { return scenarios()[chosen.param].name; });

// How many names of a job's ticket there are in the folders of its states.
size_t names_of(const Lab& lab, const std::string& folder, const JobId& id) {
  const sim::InodePtr at = lab.world.look_up(std::string(kSpool) + "/" + folder);
  size_t names = 0;
  for (const auto& [name, child] : at->names) {
    if (child->is_directory()) {
      names += names_of(lab, folder + "/" + name, id);
    } else {
      names += name.rfind(id.text(), 0) == 0 ? 1 : 0;
    }
  }
  return names;
}

// A claim that was answered is on the disk: the attempt is counted even when it takes the host
// down, and the job is in one state only.
TEST(AClaim, IsInOnePlaceAfterAPowerCut) {
  for (const sim::Order order : {sim::Order::loose, sim::Order::journalled}) {
    Lab lab(order);
    lab.submit({"good 1", "good 2"}, Sync::batch);
    Daemon daemon(lab);
    ASSERT_EQ(daemon.claim(10, Sync::batch).size(), 2U);
    sim::ConstantChooser nothing_lasted(false);
    lab.world.power_cut(nothing_lasted);
    for (const JobId& id : lab.jobs) {
      EXPECT_EQ(names_of(lab, "processing", id), 1U);
      EXPECT_EQ(names_of(lab, "staging", id), 0U);
    }
  }
}

TEST(ALivingProgram, LeavesNothingInTmp) {
  Lab lab(sim::Order::loose);
  lab.submit({"good 1", "bad 2", "flaky 3"}, Sync::batch);
  Daemon daemon(lab);
  daemon.run(20);
  daemon.leave();
  const sim::InodePtr tmp = lab.world.look_up(std::string(kSpool) + "/tmp");
  for (const auto& [name, file] : tmp->names) {
    EXPECT_TRUE(layout::is_writer_lock(name)) << "left in tmp: " << name;
  }
}

// The disaster strikes again while its damage is being repaired.
TEST(ARecovery, MayItselfBeCutShortAnywhere) {
  size_t played = 0;
  for (const char* name : {"submit_bulk", "complete", "retry_later", "recover"}) {
    for (const Scenario& scenario : scenarios()) {
      if (scenario.name != name) continue;
      const int64_t changes =
          play(scenario, sim::Order::loose, std::nullopt, std::nullopt)->changes;
      for (int64_t first = 1; first < changes; first += 3) {
        for (int64_t second = 0; second < 40; second += 3) {
          const auto world = play(scenario, sim::Order::loose, first, std::nullopt);
          Lab& lab = world->lab;
          sim::SeededChooser chooser(static_cast<uint64_t>(first * 100 + second));
          lab.world.power_cut(chooser);
          sim::Process& repairer = lab.world.start();
          (void)lab.spool();
          repairer.dies_at = repairer.changes + second;
          Daemon daemon(lab);
          (void)sweep_tmp(lab.spool());
          (void)fsck(lab.spool(), Repair::mend, 1);
          if (daemon.in()) daemon.run(2);
          const std::string wrong = judge_after(*world, scenario, End::power_cut, chooser);
          played++;
          ASSERT_TRUE(wrong.empty())
              << name << " cut at " << first << ", repair cut at " << second << "\n"
              << wrong;
        }
      }
    }
  }
  std::printf("[  CUTS    ] recovery: %zu worlds\n", played);
}

TEST(ASpoolBeingMade, IsWholeOrCanBeMadeAgainWhereverItIsCut) {
  for (int64_t cut = 0; cut < 60; ++cut) {
    sim::World world(sim::Order::loose);
    sim::Process& maker = world.running();
    maker.dies_at = cut;
    (void)Spool::create("/home/me/spool");
    const bool done = !maker.dead;
    sim::SeededChooser chooser(static_cast<uint64_t>(cut));
    world.power_cut(chooser);
    world.start();
    const auto again = Spool::create("/home/me/spool");
    ASSERT_TRUE(again) << "cut " << cut << ": " << again.error().text() << world.story();
    std::vector<Draft> drafts(1);
    drafts[0].referenced = {SourceKind::referenced, "/home/photo.jpg", 1, 1, ""};
    const auto answers = imgq::submit(*again, std::move(drafts), Sync::full);
    ASSERT_TRUE(answers.at(0)) << "cut " << cut << ": " << answers[0].error().text()
                               << world.story();
    if (done) return;
  }
  FAIL() << "making a spool takes more than 60 changes";
}

TEST(ASpoolThatWasMade, IsThereAfterAPowerCut) {
  sim::World world(sim::Order::loose);
  ASSERT_TRUE(Spool::create("/home/me/state/imgq"));
  sim::ConstantChooser nothing_lasted(false);
  world.power_cut(nothing_lasted);
  world.start();
  const auto opened = Spool::open("/home/me/state/imgq");
  ASSERT_TRUE(opened) << opened.error().text() << world.story();
}

}  // namespace
}  // namespace imgq::model
