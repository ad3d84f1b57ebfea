// Every sync of every step is needed: each is left out in turn, and some power cut must then break
// a promise or undo what was answered. So a sync that goes missing one day is noticed, and none
// costs time for nothing.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/spool/model/replay.h"

namespace imgq::model {
namespace {

constexpr size_t kCombinations = 32;
constexpr size_t kSeeds = 12;

// Those that nobody misses, by their numbers. A rename is synced in both its folders, since POSIX
// lets it last for neither alone; the simulated disk, as all that keep a journal, keeps it when one
// is synced, or when the folder it leaves is synced later. And the files of a submission whose key
// turns out to be known have synced in vain.
const std::map<std::string, std::set<int64_t>> kDoubled = {
    {"submit_known_key", {0, 1, 3, 4}},
    {"enter", {1, 2}},
    {"claim", {0, 1, 2, 3}},
    {"retry_later", {2}},
    {"release", {0, 1, 3}},
    {"leave", {0, 1, 3}},
    {"promote", {2, 5}},
    {"hold", {0}},
    {"release_held", {1}},
    {"retry_by_hand", {0, 4}},
    {"recover", {1}},
    {"retry_with_hook", {0, 4}},
};

using Tree = std::map<std::string, std::string>;

void walk(const sim::InodePtr& inode, const std::string& path, Tree& tree) {
  tree[path] = inode->is_directory() ? "" : inode->data;
  for (const auto& [name, child] : inode->names) walk(child, path + "/" + name, tree);
}

// Everything in the spool with its bytes; but tmp/, which nobody counts on.
Tree tree_of(const Lab& lab) {
  Tree tree;
  for (const auto& [name, child] : lab.world.look_up(kSpool)->names) {
    if (name != "tmp") walk(child, name, tree);
  }
  return tree;
}

// What a power cut after the step was answered takes away or brings back: how often what happens
// in which folder of the spool.
std::map<std::string, int> undone(Lab& lab) {
  const Tree before = tree_of(lab);
  sim::ConstantChooser nothing_lasted(false);
  lab.world.power_cut(nothing_lasted);
  const Tree after = tree_of(lab);
  std::map<std::string, int> changes;
  const auto note = [&](const char* what, const std::string& path) {
    changes[what + path.substr(0, path.find('/'))]++;
  };
  for (const auto& [path, bytes] : before) {
    const auto found = after.find(path);
    if (found == after.end()) note("gone from ", path);
    if (found != after.end() && found->second != bytes) note("other bytes in ", path);
  }
  for (const auto& [path, bytes] : after) {
    if (before.count(path) == 0) note("back in ", path);
  }
  return changes;
}

class ASyncOf : public testing::TestWithParam<size_t> {
 protected:
  const Scenario& scenario() const { return scenarios()[GetParam()]; }

  static sim::Fault lie(int64_t at) {
    sim::Fault fault;
    fault.at = at;
    fault.effect = sim::Fault::Effect::lied;
    fault.only = sim::Call::fsync;
    return fault;
  }

  int64_t syncs() const {
    return play(scenario(), sim::Order::loose, std::nullopt, lie(1'000'000))->fault_calls;
  }

  bool breaks(int64_t sync, std::optional<int64_t> cut, sim::Chooser& chooser) const {
    const auto played = play(scenario(), sim::Order::loose, cut, lie(sync));
    return played->faults > 0 &&
           !judge_after(*played, scenario(), End::power_cut, chooser, Helper::none).empty();
  }

  // Answers are given before some names have lasted: those that others make good for. So what is
  // undone counts only where the sync would have kept it.
  bool undoes(int64_t sync) const {
    const auto undone_with = [&](std::optional<sim::Fault> fault) {
      return undone(play(scenario(), sim::Order::loose, std::nullopt, fault)->lab);
    };
    return undone_with(lie(sync)) != undone_with(std::nullopt);
  }

  bool noticed_at(int64_t sync, std::optional<int64_t> cut) const {
    sim::ConstantChooser nothing(false);
    if (breaks(sync, cut, nothing)) return true;
    for (size_t number = 1; number < depth(kCombinations); ++number) {
      CountingChooser chooser(number);
      if (breaks(sync, cut, chooser)) return true;
      if (chooser.exhausted()) return false;
    }
    for (uint64_t seed = 1; seed <= depth(kSeeds); ++seed) {
      sim::SeededChooser chooser(seed + static_cast<uint64_t>(cut.value_or(0)) * 1000);
      if (breaks(sync, cut, chooser)) return true;
    }
    return false;
  }

  // At its end first, where everything was answered; then while it runs.
  bool noticed(int64_t sync) const {
    const int64_t changes = play(scenario(), sim::Order::loose, std::nullopt, lie(sync))->changes;
    if (undoes(sync) || noticed_at(sync, std::nullopt)) return true;
    for (int64_t cut = changes; cut > 0; --cut) {
      if (noticed_at(sync, cut)) return true;
    }
    return false;
  }
};

TEST_P(ASyncOf, IsNeeded) {
  const auto listed = kDoubled.find(scenario().name);
  const std::set<int64_t> doubled = listed == kDoubled.end() ? std::set<int64_t>{} : listed->second;
  const int64_t all = syncs();
  for (int64_t sync = 0; sync < all; ++sync) {
    const bool needed = noticed(sync);
    if (needed != doubled.contains(sync)) continue;
    const auto played = play(scenario(), sim::Order::loose, std::nullopt, lie(sync));
    ADD_FAILURE() << scenario().name << ": sync " << sync
                  << (needed ? " is missed, and listed as one that is not\n" : " is not missed\n")
                  << played->lab.world.story(120);
  }
  std::printf("[  SYNCS   ] %s: %zu, %zu of them doubled\n", scenario().name.c_str(),
              static_cast<size_t>(all), doubled.size());
}

INSTANTIATE_TEST_SUITE_P(Model, ASyncOf, testing::Range<size_t>(0, scenarios().size()),
                         [](const auto& chosen) { return scenarios()[chosen.param].name; });

}  // namespace
}  // namespace imgq::model
