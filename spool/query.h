#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

// All that is known of a job.
struct JobView {
  Ticket ticket;
  State state = State::staging;
  int attempt = 0;  // number of the running, next or last one
  // Tries since submission or the last retry by hand that count towards ticket.max_attempts; the
  // running one is one of them, and the one that completed or failed the job.
  int attempts = 0;
  int64_t due_ms = 0;           // when delayed: not before (Unix ms)
  std::string owner = {};       // when processing: the instance that has it
  std::vector<Try> tries = {};  // oldest first; unreadable ones left out
  std::optional<Outcome> outcome = {};
};

// Looks a job up by its stable names: never a false "not found" while it moves. Here and below, an
// outcome is told only when its name is on the disk.
//   errors  ENOENT no such job; code 0 or EPROTO an unreadable record
//   source  FORMAT.md "Read order"
Result<JobView> find(const Spool& spool, const JobId& id);

// Only where it stands: one or two stats when it has ended.
Result<State> state_of(const Spool& spool, const JobId& id);

// The job that was submitted with an idempotency key.
//   errors  ENOENT none; code 0 what lies under the key cannot be read, or is not a ticket with it
//   source  FORMAT.md "Keys"
Result<JobId> find_by_key(const Spool& spool, const std::string& key);

// True when <id>.end exists. The cheapest question of all, for waiting.
Result<bool> has_ended(const Spool& spool, const JobId& id);

// Opens a published result for reading.
//   errors  ENOENT gone (purged); code 0 its size is not what the outcome says
Result<Fd> open_result(const Spool& spool, const JobId& id, const ResultFile& result);

// Absolute path of a result, for scripts that read the spool themselves.
std::string result_path(const Spool& spool, const JobId& id, const ResultFile& result);

}  // namespace imgq
