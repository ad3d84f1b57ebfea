#pragma once

#include <span>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"

// What people do to jobs. Each returns the state the job is in afterwards.
//   errors  ENOENT no such job; EBUSY the job is in a state that does not allow it (path: id;
//           action: "cancel the job: its state is completed"); EAGAIN the token moved meanwhile,
//           three times in a row, or a retry or purge of the job is under way: ask again
namespace imgq {

// Waiting, held, delayed: cancelled. Processing: the outcome says cancelled, and its owner drops
// the work. Already cancelled: cancelled. Completed or failed: EBUSY.
Result<State> cancel(const Spool& spool, const JobId& id);

// Staging or delayed -> hold. Held already: hold. Else EBUSY.
Result<State> hold(const Spool& spool, const JobId& id);

// Hold -> staging under the next attempt number. Staging already: staging. Else EBUSY.
Result<State> release(const Spool& spool, const JobId& id);

// Failed -> staging: the failed outcome becomes try record n, counting starts anew. Delayed ->
// staging at once. Completed or cancelled: EBUSY, an answer given never goes back.
Result<State> retry(const Spool& spool, const JobId& id);

// Forgets ended jobs and removes all their files; not ended: EBUSY. A hundred at a time share their
// syncs. Answers are in the order of the ids.
//   source  FORMAT.md "Purge"
std::vector<Status> purge(const Spool& spool, std::span<const JobId> ids);
inline Status purge(const Spool& spool, const JobId& id) { return purge(spool, {&id, 1}).front(); }

}  // namespace imgq
