#include "spool/hooks.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "spool/internal/durable.h"
#include "spool/internal/outcome.h"
#include "spool/internal/tickets.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/query.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

using NoHook = std::optional<OwedHook>;

// The outcome is what is locked: a retry, which locks the ticket, is not held up.
Result<Fd> lock_outcome(const Spool& spool, const JobId& id) {
  const std::string path = layout::outcome(id);
  Fd outcome(sys::openat(spool.root(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!outcome) return last_error("open the outcome", path);
  if (sys::flock(outcome.get(), LOCK_EX | LOCK_NB) == 0) return outcome;
  return last_error("lock the outcome", path);
}

bool is_same_end(const Outcome& a, const Outcome& b) {
  return a.attempt == b.attempt && a.ending == b.ending && a.owner == b.owner &&
         a.ended_ms == b.ended_ms;
}

}  // namespace

Result<std::vector<JobId>> owed_hooks(const Spool& spool, size_t limit) {
  std::vector<JobId> ids;
  const auto listed = each_name_if_any(spool.root(), layout::kHooks, [&ids](std::string_view name) {
    if (auto id = JobId::parse(name)) ids.push_back(std::move(*id));
    return true;
  });
  if (!listed) return listed.error();
  const size_t count = std::min(limit, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end());
  ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end());
  return ids;
}

Result<std::optional<OwedHook>> take_hook(const Spool& spool, const JobId& id) {
  const auto stands = require_ticket(spool, id);
  if (!stands && stands.error().code == ENOENT) {  // purged, and its mark healed back
    const auto gone = durable::remove(spool, layout::hook(id));
    return gone ? Result<NoHook>(NoHook()) : gone.error();
  }
  auto lock = lock_outcome(spool, id);
  if (!lock && (lock.error().code == ENOENT || lock.error().code == EWOULDBLOCK)) return NoHook();
  if (!lock) return lock.error();
  // Only now: who had the lock before may have run it.
  const auto owed = durable::exists(spool, layout::hook(id));
  if (!owed) return owed.error();
  if (!*owed) return NoHook();
  auto job = find(spool, id);
  if (!job && job.error().code == ENOENT) return NoHook();
  if (!job) return job.error();
  if (!job->outcome) return NoHook();
  return NoHook(OwedHook{std::move(*job->outcome), std::move(job->ticket), std::move(*lock)});
}

// Under the lock of a retry: none can put the outcome aside, and so nobody make the next one,
// between the look and the removal.
Status settle_hook(const Spool& spool, const OwedHook& hook) {
  const JobId& id = hook.outcome.id;
  const auto alone = lock_job(spool, id);
  if (!alone && alone.error().code != ENOENT) return alone.error();
  const auto now = read_outcome(spool, id);
  if (!now) return now.error();
  const bool tried_again = alone && (!*now || !is_same_end(**now, hook.outcome));
  return tried_again ? Status(Ok{}) : durable::remove(spool, layout::hook(id));
}

}  // namespace imgq
