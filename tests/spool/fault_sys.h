#pragma once

#include <cstdint>
#include <functional>
#include <string>

// The real system calls of src/util/sys.cc, each of which can be made to fail or to run something
// just before. Calls go by their names in src/util/sys.h; `path` picks those in whose path (of an
// open file: the path it was opened by) the text occurs. "listed" is each name of a listing:
// refused, it is left out, as one may be that is made while the folder is read. "sleep" refused
// takes no time, after which it is as much later by each clock. A rule for any call spares these
// and the clock.
namespace imgq::faults {

struct Rule {
  std::string call;                // "" for any
  std::string path = "";           // "" for any
  int code = 0;                    // errno of the failure; 0 lets the call go on
  int skip = 0;                    // so many matching calls pass first
  int times = 1;                   // then so many are hit; -1 for all
  std::function<void()> run = {};  // before the call, without faults
  bool after = false;              // the call is made, its answer is the failure all the same
};

void add(Rule rule);
void clear();                      // the clock is right again, too
void step_clock(int64_t seconds);  // the wall clock, forth or back
int hits();                        // how often a rule was hit since clear()
int calls();                       // how many calls were made since clear()

// Removes all rules at the end of a scope.
struct Scope {
  Scope() { clear(); }
  ~Scope() { clear(); }
};

}  // namespace imgq::faults
