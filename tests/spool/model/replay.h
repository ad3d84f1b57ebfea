#pragma once

#include <optional>
#include <string>

#include "tests/spool/model/scenarios.h"

namespace imgq::model {

// Goes through all answers to all questions, the first ones fastest: number 0 answers 0 to each.
class CountingChooser : public sim::Chooser {
 public:
  explicit CountingChooser(size_t number) : rest_(number) {}
  size_t below(size_t bound) override;
  bool exhausted() const { return rest_ > 0; }  // more numbers mean nothing new

 private:
  size_t rest_;
};

enum class End { power_cut, kill };

// Plays a scenario up to its cut, in a fresh world.
//   cut   dies before this change of the disk; nothing: plays to the end
// Afterwards the lab's first process is dead, if it was cut or not.
struct Played {
  explicit Played(sim::Order order) : lab(order) {}
  Lab lab;
  int64_t changes = 0;  // of the act
  int64_t calls = 0;
  int64_t fault_calls = 0;  // that the fault might have struck
  int64_t faults = 0;
};
std::unique_ptr<Played> play(const Scenario& scenario, sim::Order order, std::optional<int64_t> cut,
                             std::optional<sim::Fault> fault);

// Ends the power or the process, recovers, judges.
//   returns the broken promises and the story, empty when all were kept
std::string judge_after(Played& played, const Scenario& scenario, End end, sim::Chooser& chooser,
                        Helper helper = Helper::fsck);

// How much to try: IMGQ_MODEL_DEPTH times what is usual.
size_t depth(size_t usual);

}  // namespace imgq::model
