#ifndef IMGQ_SPOOL_INTERNAL_TOKENS_H_
#define IMGQ_SPOOL_INTERNAL_TOKENS_H_

#include <optional>
#include <string>
#include <vector>

#include "spool/claim.h"
#include "spool/records.h"
#include "spool/spool.h"

// The moves that all steps of the protocol share: a token from state to state, an outcome to its
// stable name, and the reading of a job's records.
namespace imgq {

// Renames a token. Should both names be of one inode already (a healing file system, a crash
// between two syncs) rename(2) does nothing: then the old name is removed.
//   errors  ENOENT somebody else moved it
Status move_token(const Spool& spool, const std::string& from, const std::string& to);

// The same, both folders synced before the answer.
Status move_token_durably(const Spool& spool, const std::string& from, const std::string& to,
                          Sync sync);

// Moves the token of an ended job to completed/, failed/ or cancelled/. Gone already is Ok. Never
// synced: the outcome decides, the token can be made anew.
Status settle(const Spool& spool, const std::string& from, const JobId& id, Ending ending);

// A retry by hand whose parked token was promoted before its time: the job may be put back to
// failed/ just when its outcome is put aside. Whoever did one of the two looks for the other, and
// gives a job in failed/ without an outcome back to staging/. `last` is the token that was
// promoted.
Status follow_retry(const Spool& spool, const Token& last);

// Makes completed/<day>/<hour> of a job.
Status make_completed_folder(const Spool& spool, const JobId& id);

// <id>.end, or nothing when the job has not ended.
//   errors  code 0 or EPROTO it cannot be read
Result<std::optional<Outcome>> read_outcome(const Spool& spool, const JobId& id);

// <id>.job.
//   errors  ENOENT no such job; code 0 or EPROTO it cannot be read, or is another job's
Result<Ticket> read_ticket(const Spool& spool, const JobId& id);

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

// A single outcome: written, synced, committed, its hour folder synced.
Result<Ended> publish(const Spool& spool, const Outcome& outcome, Sync sync);

// Held by a retry and a purge to their end, so that one which was stopped for long does not meet
// what the next has made of the job. Goes with the descriptor.
//   errors  EAGAIN a retry or purge is under way; ENOENT no such job
Result<Fd> lock_job(const Spool& spool, const JobId& id);

// An outcome that a retry has renamed to `path` goes back to its name, durably, unless another
// stands there by now: then both are left to fsck.
Status put_outcome_back(const Spool& spool, const JobId& id, const std::string& path);

// Writes a try record: synced, linked to its name, its folder synced. EEXIST is Ok: the attempt is
// recorded already.
Status record_try(const Spool& spool, const Try& attempt, Sync sync);

// Where the token of a job that has not ended stands.
struct Place {
  State state = State::staging;
  Token token;
  std::string path;
  int64_t due_ms = 0;
  std::string owner = {};
};

enum class Search {
  quick,     // staging/ is not listed, only asked for the first attempt numbers
  thorough,  // all folders
};

// Looks for it in the waiting and processing folders. Nothing: not there, or it moved meanwhile.
Result<std::optional<Place>> locate(const Spool& spool, const JobId& id, Search search);

// All places of it, for fsck: one is right.
Result<std::vector<Place>> locate_all(const Spool& spool, const JobId& id);

// Makes a lost ticket anew from a token of the job (one inode, two names), when the job's source
// is still there. EEXIST is Ok.
//   errors  code 0 it cannot be: the token is no ticket of this job, or the source is gone
Status restore_ticket(const Spool& spool, const std::string& token_path, const JobId& id);

State state_after(Ending ending);

// Whether attempt n + 1 has a name left, and that token.
bool has_next(const Token& token);
Token next_of(const Token& token);

// The instances under processing/ (names that are none are left out).
Result<std::vector<std::string>> owners_of(const Spool& spool);

}  // namespace imgq

#endif  // IMGQ_SPOOL_INTERNAL_TOKENS_H_
