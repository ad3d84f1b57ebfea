#include "spool/query.h"

#include <fcntl.h>

#include "spool/internal/durable.h"
#include "spool/internal/keys.h"
#include "spool/internal/locate.h"
#include "spool/internal/tickets.h"
#include "spool/internal/tries.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int kLookRounds = 3;

// How it ended, or where its token is. Neither, three times over: the job is on its way to staging/
// (or its token was lost, which fsck mends); it exists in any case.
Result<Standing> standing_to_tell(const Spool& spool, const JobId& id) {
  Result<Standing> standing = Standing();
  for (int round = 0; round < kLookRounds; ++round) {
    standing = standing_of(spool, id, Search::quick);
    if (!standing || standing->outcome || standing->token) break;
  }
  return standing;
}

void fill(JobView& view, Standing& standing) {
  if (standing.outcome) {
    view.state = state_after(standing.outcome->ending);
    view.attempt = standing.outcome->attempt;
    view.outcome = std::move(standing.outcome);
  } else if (standing.token) {
    view.state = standing.token->state;
    view.attempt = standing.token->attempt;
    view.due_ms = standing.token->due_ms;
    view.owner = standing.token->owner;
  }
}

// A job that was refused at its claim ended without a further try.
int attempts_of(const JobView& view) {
  const Tally sum = tally(view.tries);
  const bool by_itself = view.outcome && view.outcome->ending != Ending::cancelled;
  const bool ran = view.state == State::processing ||
                   (by_itself && !why_not_again(sum, view.ticket.max_attempts));
  return sum.failures + (ran ? 1 : 0);
}

}  // namespace

Result<JobView> find(const Spool& spool, const JobId& id) {
  auto ticket = read_ticket(spool, id);
  if (!ticket) return ticket.error();
  auto standing = standing_to_tell(spool, id);
  if (!standing) return standing.error();
  JobView view{std::move(*ticket)};
  fill(view, *standing);
  // Up to the attempt that is known; without one, as long as they follow each other.
  auto tries = read_tries(spool, id, view.attempt > 0 ? view.attempt : 16);
  if (!tries) return tries.error();
  view.tries = std::move(*tries);
  if (view.attempt == 0 && !view.outcome) {
    view.attempt = view.tries.empty() ? 1 : view.tries.back().attempt + 1;
  }
  view.attempts = attempts_of(view);
  return view;
}

Result<State> state_of(const Spool& spool, const JobId& id) {
  if (const auto there = require_ticket(spool, id); !there) return there.error();
  const auto standing = standing_to_tell(spool, id);
  if (!standing) return standing.error();
  if (standing->outcome) return state_after(standing->outcome->ending);
  return standing->token ? standing->token->state : State::staging;
}

Result<JobId> find_by_key(const Spool& spool, const std::string& key) {
  const auto ticket = read_key(spool, key_path(key), key);
  return ticket ? Result<JobId>(ticket->id) : ticket.error();
}

// For good: a name that was linked and not synced yet may be gone after a power cut, and nobody
// must have been told. As long as its owner has not synced it, the outcome has its first name in
// tmp/ too; then whoever asks syncs.
Result<bool> has_ended(const Spool& spool, const JobId& id) {
  struct stat about = {};
  const std::string path = layout::outcome(id);
  if (sys::fstatat(spool.root(), path.c_str(), &about) != 0) {
    return errno == ENOENT || errno == ENOTDIR ? Result<bool>(false) : last_error("look at", path);
  }
  if (about.st_nlink < 2) return true;
  const auto synced = durable::sync_names(spool, layout::hour_folder(id));
  return synced ? Result<bool>(true) : synced.error();
}

Result<Fd> open_result(const Spool& spool, const JobId& id, const ResultFile& result) {
  const std::string path = layout::result(id, result.file);
  if (!layout::parse_part(result.file)) return bad_data("not the name of a result", path);
  Fd file(sys::openat(spool.root(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return last_error("open the result", path);
  struct stat about = {};
  if (sys::fstat(file.get(), &about) != 0) return last_error("look at the result", path);
  if (!S_ISREG(about.st_mode) || about.st_size != result.size_bytes) {
    return bad_data("result is not as its outcome says", path);
  }
  return file;
}

std::string result_path(const Spool& spool, const JobId& id, const ResultFile& result) {
  return spool.path() + "/" + layout::result(id, result.file);
}

}  // namespace imgq
