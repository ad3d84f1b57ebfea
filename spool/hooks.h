#pragma once

#include <optional>
#include <vector>

#include "spool/job_id.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "src/util/error.h"
#include "src/util/fd.h"

// Hooks that are owed: a mark for each job that ended, or is about to, and of whose end a program
// is still to be told. Whoever ends a job makes the mark first, when Spool::owes_hooks.
//   source  FORMAT.md "Hooks"
namespace imgq {

// A hook to be run now. As long as this lives nobody else on this host takes it.
struct OwedHook {
  Outcome outcome;
  Ticket ticket;
  Fd lock;
};

// The jobs that have a mark, oldest first, at most `limit`.
Result<std::vector<JobId>> owed_hooks(const Spool& spool, size_t limit);

// Takes the hook of one job; or nothing: none is owed, the job has not ended, or somebody else runs
// it now. The mark of a job that is gone is removed.
//   errors  code 0 or EPROTO an unreadable record; whatever reading answers
Result<std::optional<OwedHook>> take_hook(const Spool& spool, const JobId& id);

// After the hook's exit: the mark goes, unless the job was tried again meanwhile, for whose end it
// is still needed.
//   errors  EAGAIN a retry or purge is under way: the mark stands; look again
Status settle_hook(const Spool& spool, const OwedHook& hook);

}  // namespace imgq
