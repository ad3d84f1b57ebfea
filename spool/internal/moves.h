#pragma once

#include <string>

#include "spool/spool.h"
#include "spool/types.h"

// A token from state to state.
namespace imgq {

// Renames a token. Should both names be of one inode already (a healing file system, a crash
// between two syncs) rename(2) does nothing: then the old name is removed. Tried again for a while
// when it is said to be gone and stands (durable::give_name).
//   errors  ENOENT somebody else moved it; ESTALE it stands, and yet is said to be gone
Status move_token(const Spool& spool, const std::string& from, const std::string& to);

// The same, not tried again: for whoever looks again anyway.
//   errors  ENOENT it was not moved by this call
Status move_token_once(const Spool& spool, const std::string& from, const std::string& to);

// As move_token, both folders synced before the answer.
Status move_token_durably(const Spool& spool, const std::string& from, const std::string& to,
                          Sync sync);

// Removes a token's last name, tried again likewise.
//   errors  ENOENT it is not there; ESTALE it stands, and yet is said to be gone
Status remove_token(const Spool& spool, const std::string& path);

// Moves the token of an ended job to completed/, failed/ or cancelled/, whose hour is made when it
// is missing. Gone already is Ok. Never synced: the outcome decides, the token can be made anew.
Status move_ended(const Spool& spool, const std::string& from, const JobId& id, Ending ending);

// A retry by hand whose parked token was promoted before its time: the job may be put back to
// failed/ just when its outcome is put aside. Whoever did one of the two looks for the other, and
// gives a job in failed/ without an outcome back to staging/. `last` is the token that was
// promoted.
Status follow_retry(const Spool& spool, const Token& last);

// Makes completed/<day>/<hour> of a job.
Status make_completed_folder(const Spool& spool, const JobId& id);

// The token that a job gets which has none: above every attempt that is recorded or has a result,
// and never the first, which its submission may yet make.
Token fresh_token(const JobId& id, int highest_attempt);

// Whether attempt n + 1 has a name left, and that token.
bool has_next(const Token& token);
Token next_of(const Token& token);

}  // namespace imgq
