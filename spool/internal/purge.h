#pragma once

#include <string>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

inline constexpr size_t kMostLocked = 100;  // jobs at a time: each holds a descriptor

// An ended job that is to be forgotten. Its token, if it has one, is removed by the caller first.
struct Purgeable {
  JobId id;
  Ending ending = Ending::failed;
  std::string key = {};  // of its ticket
  Fd lock = Fd();        // lock_job, held until it is gone
};

// Removes jobs of one hour folder: key, hook's mark and ticket, and when that and the end of the
// token are on the disk all other parts, the outcome last; so what a crash leaves is an outcome
// without a ticket, which says by itself that a purge is to be finished. Purges cut short in the
// same folder are finished too.
Status purge_parts(const Spool& spool, const std::string& hour_folder,
                   const std::vector<Purgeable>& jobs);

}  // namespace imgq
