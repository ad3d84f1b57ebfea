#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "spool/backoff.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

// Reads staging/ and returns its oldest tokens in order of submission, at most `limit`: bounded
// memory at any backlog. Names that are no tokens are skipped.
Result<std::vector<Token>> scan_staging(const Spool& spool, size_t limit);

// Moves delayed tokens whose time has come to staging/. A due time further away than kMaxDelay is
// due now: a clock that stepped back must not park a job for ever.
// At most 10,000 are moved at a time.
//   returns how many moved, and when the next is due (Unix ms; 0 for none; now: more are)
struct Promoted {
  int moved = 0;
  int64_t next_due_ms = 0;
  std::optional<Error> stuck = {};  // one of those that could not be moved
};
Result<Promoted> promote_delayed(const Spool& spool, int64_t now_ms);

}  // namespace imgq
