#pragma once

#include "spool/job_id.h"
#include "spool/spool.h"
#include "src/util/error.h"

// The mark of a completed job whose source came from a folder that wants something for it: its
// results in a place, the original moved or removed. That was done, so that whoever serves the
// folder next neither does it again nor takes a file that is put there again for the one that went.
//   source  FORMAT.md "Placed"
namespace imgq {

// Once more is harmless. Not synced: a mark that a power cut took costs a second look.
//   errors  ENOENT the job was purged; link(2)
Status mark_placed(const Spool& spool, const JobId& id);

Result<bool> is_placed(const Spool& spool, const JobId& id);

}  // namespace imgq
