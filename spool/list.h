#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

// What the name and place of a job's token say.
struct Listed {
  JobId id;
  State state = State::staging;
  int attempt = 0;         // 0 of one that has ended: its name does not say
  int64_t due_ms = 0;      // when delayed
  std::string owner = {};  // when processing

  Token token() const { return {id, attempt}; }
};

enum class Order { oldest_first, newest_first };

// Jobs of one state by their tokens, in order of submission, at most `limit`; only the names are
// read. Ended jobs are walked hour by hour, so a small limit is cheap at any size.
Result<std::vector<Listed>> list(const Spool& spool, State state, Order order, size_t limit);

// The lists of several states as one: in order, each job once, at most `limit`. One that moved
// while the folders were read may be in two of them: of these the first counts.
std::vector<Listed> merged(std::vector<Listed> jobs, Order order, size_t limit);

// Jobs of a state, and the oldest among the waiting ones.
struct Counts {
  std::array<int64_t, std::size(kAllStates)> jobs{};  // indexed by State
  std::optional<JobId> oldest_waiting = {};           // staging and delayed
  int64_t corrupt = 0;                                // files in corrupt/

  int64_t in(State state) const { return jobs[static_cast<size_t>(state)]; }
  int64_t waiting() const { return in(State::staging) + in(State::delayed); }
};
Result<Counts> count(const Spool& spool);

}  // namespace imgq
