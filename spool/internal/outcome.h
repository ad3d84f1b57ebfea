#pragma once

#include <optional>
#include <string>

#include "spool/internal/durable.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"

// <id>.end: how a job ended, told once.
namespace imgq {

// <id>.end, or nothing when the job has not ended.
//   errors  code 0 or EPROTO it cannot be read
Result<std::optional<Outcome>> read_outcome(const Spool& spool, const JobId& id);

// The outcome of a job that ends at this moment.
Outcome ending_now(const Token& token, Ending ending, std::string owner, Cause cause);

// The mark of a hook that is owed (spool/hooks.h), when this program owes any: to be on the disk
// with the next flush of the group, before the commit.
Status owe_hook(const Spool& spool, const JobId& id, durable::Group& group);

// Whose outcome stands under <id>.end.
struct Ended {
  bool ours = false;
  Outcome outcome;
};

// Commits: links the record to <id>.end. Whoever is first has ended the job.
//   errors  ENOSPC, ... after which the stable name says that it was not done; an ambiguous one
//           when the stable name could not be read either: it may have been done;
//           code 0 another's outcome stands there and cannot be read
Result<Ended> commit(const Spool& spool, const TempFile& record, const Outcome& outcome);

// A single outcome: written, with its hook's mark, synced, committed, its hour folder synced.
Result<Ended> publish(const Spool& spool, const Outcome& outcome, Sync sync);

// An outcome that a retry has renamed to `path` goes back to its name, durably, unless another
// stands there by now: then both are left to fsck.
Status put_outcome_back(const Spool& spool, const JobId& id, const std::string& path);

}  // namespace imgq
