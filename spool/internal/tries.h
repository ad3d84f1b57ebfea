#pragma once

#include <optional>
#include <vector>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"

// <id>.try-<n>: what failed before.
namespace imgq {

inline constexpr int kMaxLosses = 10;     // daemons that may die under one job before it is poison
inline constexpr int kPoisonCrashes = 2;  // workers that it has killed when it is

// The try records of attempts 1 to `below` - 1, oldest first. Unreadable ones are left out.
Result<std::vector<Try>> read_tries(const Spool& spool, const JobId& id, int below);

// What they add up to, since the latest manual retry.
struct Tally {
  int failures = 0, crashes = 0, losses = 0;
  Cause last = {};  // of the latest counted one
};
Tally tally(const std::vector<Try>& tries);

// Why a job with these tries must not be run again, if so.
std::optional<Cause> why_not_again(const Tally& sum, int max_attempts);

// Writes a try record: synced, linked to its name, its folder synced. EEXIST is Ok: the attempt is
// recorded already.
Status record_try(const Spool& spool, const Try& attempt, Sync sync);

}  // namespace imgq
