#pragma once

#include <compare>
#include <string_view>

#include "spool/job_id.h"

namespace imgq {

// When a step's names and bytes must be on the disk.
enum class Sync {
  full,   // each step by itself, before it is acknowledged
  batch,  // one sync for a group of steps, before any of them is acknowledged
  none,   // never: a power cut may lose the newest jobs; only for `imgq run`'s private spool
};

enum class State { staging, delayed, processing, completed, failed, hold, cancelled };
inline constexpr State kAllStates[] = {State::staging,   State::delayed, State::processing,
                                       State::completed, State::failed,  State::hold,
                                       State::cancelled};
std::string_view name_of(State state);  // "staging", ...: also the name of its folder

// How a job ends: each is the state that it leaves the job in.
enum class Ending {
  completed = static_cast<int>(State::completed),
  failed = static_cast<int>(State::failed),
  cancelled = static_cast<int>(State::cancelled),
};
constexpr State state_after(Ending ending) { return static_cast<State>(ending); }
inline std::string_view name_of(Ending ending) { return name_of(state_after(ending)); }

// A waiting job's name in staging/: <id>.<n>. Attempt numbers only grow; a claim that was released
// leaves a gap, so the number of failed attempts is the number of try records, not n.
struct Token {
  JobId id;
  int attempt = 1;
  friend auto operator<=>(const Token&, const Token&) = default;
};

}  // namespace imgq
