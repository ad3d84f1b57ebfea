#pragma once

#include <string>
#include <string_view>

#include "spool/internal/durable.h"
#include "spool/records.h"
#include "spool/spool.h"

// <id>.job: the job itself.
namespace imgq {

template <class Record>
using Decoder = Result<Record> (*)(std::string_view text, std::string_view path);

// A record.
//   errors  those of durable::read_text and of the decoder
template <class Record>
Result<Record> read_record(const Spool& spool, const std::string& path, Decoder<Record> decode) {
  const auto text = durable::read_text(spool, path);
  return text ? decode(*text, path) : Result<Record>(text.error());
}

// The same of a job: a record whose id is not that of its name was put there by somebody else.
template <class Record>
Result<Record> read_record(const Spool& spool, const std::string& path, const JobId& id,
                           Decoder<Record> decode) {
  auto record = read_record(spool, path, decode);
  if (record && record->id != id) return bad_data("record is another job's", path);
  return record;
}

// <id>.job.
//   errors  ENOENT no such job; code 0 or EPROTO it cannot be read, or is another job's
Result<Ticket> read_ticket(const Spool& spool, const JobId& id);

// Only whether it is there.
//   errors  ENOENT no such job
Status require_ticket(const Spool& spool, const JobId& id);

// Held by a retry and a purge to their end, so that one which was stopped for long does not meet
// what the next has made of the job. Goes with the descriptor.
//   errors  EAGAIN a retry or purge is under way; ENOENT no such job
Result<Fd> lock_job(const Spool& spool, const JobId& id);

// Makes a lost ticket anew from a token of the job (one inode, two names), when the job's source
// is still there. EEXIST is Ok.
//   errors  code 0 it cannot be: the token is no ticket of this job, or the source is gone
Status restore_ticket(const Spool& spool, const std::string& token_path, const JobId& id);

}  // namespace imgq
