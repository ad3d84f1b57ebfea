#pragma once

#include <string>

#include "spool/records.h"
#include "spool/spool.h"

// <id>.job: the job itself.
namespace imgq {

// A record whose id is not that of its name was put there by somebody else.
template <class Record>
Result<Record> of_job(Result<Record> record, const JobId& id, const std::string& path) {
  if (record && record->id != id) return bad_data("record is another job's", path);
  return record;
}

// <id>.job.
//   errors  ENOENT no such job; code 0 or EPROTO it cannot be read, or is another job's
Result<Ticket> read_ticket(const Spool& spool, const JobId& id);

// Held by a retry and a purge to their end, so that one which was stopped for long does not meet
// what the next has made of the job. Goes with the descriptor.
//   errors  EAGAIN a retry or purge is under way; ENOENT no such job
Result<Fd> lock_job(const Spool& spool, const JobId& id);

// Makes a lost ticket anew from a token of the job (one inode, two names), when the job's source
// is still there. EEXIST is Ok.
//   errors  code 0 it cannot be: the token is no ticket of this job, or the source is gone
Status restore_ticket(const Spool& spool, const std::string& token_path, const JobId& id);

}  // namespace imgq
