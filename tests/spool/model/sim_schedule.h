#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/spool/model/sim_world.h"

// Several programs at once, handed over at each system call, in an order a test chooses.
namespace imgq::sim {

struct Actor {
  Process* process;
  std::function<void()> work;
};

// At step `step` (counted over all actors) the turn goes to `actor`.
struct Preemption {
  size_t step = 0;
  size_t actor = 0;
};
using Preemptions = std::vector<Preemption>;
std::string describe(const Preemptions& preemptions);

// Who goes on: asked before each call.
//   last      who ran until now
//   runnable  who has not ended yet, never empty
using Turn = std::function<size_t(size_t step, size_t last, const std::vector<size_t>& runnable)>;

// Each actor runs until it ends, but for the preemptions: a preempted one goes on when all that
// were put before it have ended.
Turn turn_by(const Preemptions& preemptions);

// A switch before about one call in `one_in`.
Turn turn_by_seed(uint64_t seed, size_t one_in);

// Runs all to their end. An actor whose process died ends by itself: all its calls fail.
//   returns the number of steps
size_t interleave(World& world, std::vector<Actor> actors, const Turn& turn);

// Every schedule with at most `bound` preemptions among `actors` actors; where they are more than
// `limit`, those with the most preemptions are thinned out evenly.
//   run      plays one schedule and returns its number of steps
//   returns  how many were played
size_t explore(size_t actors, size_t bound, size_t limit,
               const std::function<size_t(const Preemptions&)>& run);

}  // namespace imgq::sim
