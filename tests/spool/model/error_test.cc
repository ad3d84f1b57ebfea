// Each step of the protocol, while one call or all calls from one on fail; then the trouble is
// over, and the power fails at the worst moment.
#include <gtest/gtest.h>

#include <tuple>

#include "spool/sweep.h"
#include "tests/spool/model/replay.h"

namespace imgq::model {
namespace {

using sim::Fault;

struct Trouble {
  const char* name;
  Fault::Lasts lasts;
  Fault::Effect effect;
  std::vector<int> errors;
  std::optional<sim::Call> only = {};
};

const std::vector<Trouble>& troubles() {
  static const std::vector<Trouble> all = {
      {"passing", Fault::Lasts::once, Fault::Effect::undone, {ENOSPC, EIO, EMFILE}},
      {"lasting", Fault::Lasts::until_lifted, Fault::Effect::undone, {ENOSPC, EROFS, EIO, EDQUOT}},
      {"lost_reply", Fault::Lasts::once, Fault::Effect::done, {EIO, EEXIST, ENOENT, ENOTCONN}},
      {"unseen_by_rename",
       Fault::Lasts::once,
       Fault::Effect::undone,
       {ENOENT, ESTALE},
       sim::Call::rename},
      {"unseen_by_link",
       Fault::Lasts::once,
       Fault::Effect::undone,
       {ENOENT, ESTALE},
       sim::Call::link},
      {"half_written", Fault::Lasts::once, Fault::Effect::partly, {0}},
  };
  return all;
}

class AFailingCall : public testing::TestWithParam<std::tuple<size_t, size_t>> {
 protected:
  const Scenario& scenario() const { return scenarios()[std::get<0>(GetParam())]; }
  const Trouble& trouble() const { return troubles()[std::get<1>(GetParam())]; }

  bool keeps_promises(const Fault& fault, End end) {
    const auto played = play(scenario(), sim::Order::loose, std::nullopt, fault);
    injected_ += static_cast<size_t>(played->faults);
    sim::ConstantChooser nothing_lasted(false);
    const std::string wrong = judge_after(*played, scenario(), end, nothing_lasted);
    played_++;
    if (wrong.empty()) return true;
    wrong_++;
    ADD_FAILURE() << scenario().name << ", errno " << fault.error << " " << trouble().name
                  << " at call " << fault.at << (end == End::kill ? ", then killed" : ", then cut")
                  << "\n"
                  << wrong;
    return false;
  }

  size_t injected_ = 0;
  size_t played_ = 0;
  size_t wrong_ = 0;
};

TEST_P(AFailingCall, IsNeverAnsweredAsDone) {
  Fault never;
  never.at = 1'000'000;
  never.only = trouble().only;
  const int64_t calls = play(scenario(), sim::Order::loose, std::nullopt, never)->fault_calls;
  for (const int error : trouble().errors) {
    for (int64_t at = 0; at < calls && wrong_ < 3; ++at) {
      const Fault fault{at, error, trouble().lasts, trouble().effect, trouble().only};
      keeps_promises(fault, End::power_cut);
      keeps_promises(fault, End::kill);
    }
  }
  std::printf("[  ERRORS  ] %s %s: %zu worlds, %zu calls failed, %zu wrong\n",
              scenario().name.c_str(), trouble().name, played_, injected_, wrong_);
}

INSTANTIATE_TEST_SUITE_P(Model, AFailingCall,
                         testing::Combine(testing::Range<size_t>(0, scenarios().size()),
                                          testing::Range<size_t>(0, troubles().size())),
                         [](const auto& chosen) {
                           return scenarios()[std::get<0>(chosen.param)].name + "_" +
                                  troubles()[std::get<1>(chosen.param)].name;
                         });

// A daemon that goes on after the trouble, in the same process, ends every job.
std::string daemon_through_trouble(const Fault& fault, int64_t* faults) {
  Lab lab(sim::Order::loose);
  lab.submit({"good 1", "bad 2", "flaky 3", "good 4"}, Sync::batch);
  Daemon daemon(lab);
  sim::Process& me = lab.world.running();
  me.fault = fault;
  daemon.run(3);
  *faults += me.faults;
  me.fault.reset();
  daemon.run(60);
  const auto own = lab.world.look_up(kSpool + std::string("/processing/") + daemon.owner().name());
  const bool settled = own->names.size() == 1;  // .alive
  daemon.leave();
  lab.world.kill(me);  // its temporary files can be swept only now
  lab.world.start();
  (void)sweep_tmp(lab.spool());
  std::string lines;
  if (!settled) lines = "  broken: a claim stays with its living owner\n";
  for (const std::string& broken : judge(lab)) lines += "  broken: " + broken + "\n";
  return lines.empty() ? "" : lines + lab.world.story(120);
}

class ADaemon : public testing::TestWithParam<size_t> {};

TEST_P(ADaemon, GoesOnByItselfWhenTheTroubleIsOver) {
  const Trouble& trouble = troubles()[GetParam()];
  int64_t faults = 0;
  for (const int error : trouble.errors) {
    for (int64_t at = 0; at < (trouble.only ? 40 : 400); at += trouble.only ? 1 : 3) {
      const std::string wrong =
          daemon_through_trouble({at, error, trouble.lasts, trouble.effect, trouble.only}, &faults);
      ASSERT_TRUE(wrong.empty()) << "errno " << error << " at call " << at << "\n" << wrong;
    }
  }
  std::printf("[  ERRORS  ] daemon %s: %ld calls failed\n", trouble.name,
              static_cast<long>(faults));
  EXPECT_GT(faults, 0);
}

INSTANTIATE_TEST_SUITE_P(Model, ADaemon, testing::Range<size_t>(0, troubles().size()),
                         [](const auto& chosen) {
                           return std::string(troubles()[chosen.param].name);
                         });

// A failed fsync is not asked again: the second one would lie.
TEST(AFailedSync, IsNeverFollowedByAnAcknowledgement) {
  for (int64_t at = 0; at < 12; ++at) {
    for (const sim::Call call : {sim::Call::fsync, sim::Call::syncfs}) {
      for (const Sync sync : {Sync::full, Sync::batch}) {
        Lab lab(sim::Order::loose);
        const Fault fault{at, EIO, Fault::Lasts::once, Fault::Effect::undone, call};
        lab.world.running().fault = fault;
        lab.submit({"good 1", "good 2", "good 3"}, sync);
        lab.world.running().fault.reset();
        sim::ConstantChooser nothing_lasted(false);
        lab.world.power_cut(nothing_lasted);
        const std::string wrong = settle_and_judge(lab);
        ASSERT_TRUE(wrong.empty()) << "sync number " << at << "\n" << wrong << lab.world.story();
      }
    }
  }
}

}  // namespace
}  // namespace imgq::model
