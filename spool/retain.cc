#include "spool/retain.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/locate.h"
#include "spool/internal/outcome.h"
#include "spool/internal/purge.h"
#include "spool/internal/tickets.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int64_t kHourMs = 3'600'000;

// A job whose records cannot be read stays, and keeps nobody else's from being purged: fsck says
// what is wrong with it. Only what is wrong with all of them is an error.
Status left_alone(const Error& error) { return is_pausing(error) ? Status(error) : Status(Ok{}); }

// Jobs to be purged, by hour folder, oldest first; no more than the budget. Each is locked until it
// is gone, so they are taken in groups.
class Purger {
 public:
  Purger(const Spool& spool, const Retention& policy, int64_t now_ms, int budget)
      : spool_(spool), policy_(policy), now_ms_(now_ms), budget_(budget) {}

  bool full() const { return done_ + pending_ >= budget_; }
  int purged() const { return done_; }

  // One that is being retried, or was, is none of ours; nor one that has ended otherwise than said.
  Status add(const JobId& id, std::optional<Ending> ending = {}) {
    auto job = take(id, ending);
    if (!job) return job.error();
    if (!*job) return Ok{};
    jobs_[layout::hour_folder(id)].push_back(std::move(**job));
    ++pending_;
    return pending_ < static_cast<int>(kMostLocked) ? Status(Ok{}) : run();
  }

  Status run() {
    for (const auto& [folder, jobs] : jobs_) {
      if (const auto done = purge_parts(spool_, folder, jobs); !done) return done.error();
      done_ += static_cast<int>(jobs.size());
    }
    jobs_.clear();
    pending_ = 0;
    return Ok{};
  }

 private:
  // Locked, seen to have ended so, and without its token: whoever removes that has the job.
  Result<std::optional<Purgeable>> take(const JobId& id, std::optional<Ending> wanted) {
    auto lock = lock_job(spool_, id);
    if (!lock && lock.error().code != ENOENT) return not_now(lock.error());
    const auto outcome = read_outcome(spool_, id);
    if (!outcome) return not_now(outcome.error());
    if (!*outcome) return std::optional<Purgeable>();
    const Ending ending = (*outcome)->ending;
    if (ending != wanted.value_or(ending)) return std::optional<Purgeable>();
    const auto owed = waits_for_hook(**outcome);
    if (!owed) return owed.error();
    if (*owed) return std::optional<Purgeable>();
    const auto ticket = read_ticket(spool_, id);
    const int code = ticket ? 0 : ticket.error().code;
    if (code != 0 && code != ENOENT) return not_now(ticket.error());
    const std::string token = layout::ended(ending, id);
    if (sys::unlinkat(spool_.root(), token.c_str(), 0) != 0) {
      if (errno == ENOENT) return std::optional<Purgeable>();
      return last_error("purge", token);
    }
    return std::optional(
        Purgeable{id, ending, ticket ? ticket->key : "", lock ? std::move(*lock) : Fd()});
  }

  // Whoever is to be told of its end may still ask for the job then, but not for ever.
  Result<bool> waits_for_hook(const Outcome& outcome) const {
    const int64_t age_ms = std::chrono::milliseconds(policy_.failed_age).count();
    const int64_t ended_ms = std::max(outcome.ended_ms, policy_.since_ms);
    if (age_ms > 0 && ended_ms <= now_ms_ - age_ms) return false;
    return durable::exists(spool_, layout::hook(outcome.id));
  }

  static Result<std::optional<Purgeable>> not_now(const Error& error) {
    const auto alone = left_alone(error);
    return alone ? std::optional<Purgeable>() : Result<std::optional<Purgeable>>(alone.error());
  }

  const Spool& spool_;
  const Retention& policy_;
  int64_t now_ms_;
  int budget_;
  int done_ = 0, pending_ = 0;
  std::map<std::string, std::vector<Purgeable>> jobs_;
};

// Purges what ended so, longer ago than its age. Jobs are dated by their id first, which costs
// nothing; only those submitted long enough ago are opened.
class ByAge {
 public:
  ByAge(const Spool& spool, Ending ending, std::chrono::milliseconds age, int64_t now_ms,
        Purger& purger)
      : spool_(spool), ending_(ending), latest_ms_(now_ms - age.count()), purger_(purger) {}

  Status run() {
    const auto folders = folders_of(spool_, state_after(ending_));
    if (!folders) return folders.error();
    for (const std::string& path : *folders) {
      const size_t slash = path.find('/');  // before the hour, of completed jobs
      const bool too_young =
          slash != std::string::npos && start_of_hour_ms(path.substr(slash + 1)) > latest_ms_;
      if (too_young || purger_.full()) break;
      if (const auto done = folder(path); !done) return done.error();
    }
    return Ok{};
  }

 private:
  Status folder(const std::string& path) {
    const auto names = sorted_names(spool_, path);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (purger_.full()) break;
      const auto id = JobId::parse(name);
      if (!id || id->unix_ms() > latest_ms_) continue;
      if (const auto done = job(*id); !done) return done.error();
    }
    return Ok{};
  }

  Status job(const JobId& id) {
    const auto outcome = read_outcome(spool_, id);
    if (!outcome) return left_alone(outcome.error());
    if (!*outcome || (*outcome)->ending != ending_) return Ok{};
    return (*outcome)->ended_ms > latest_ms_ ? Ok{} : purger_.add(id, ending_);
  }

  const Spool& spool_;
  Ending ending_;
  int64_t latest_ms_;
  Purger& purger_;
};

// What is kept of one job in its hour folder.
struct Kept {
  bool ended = false;
  int64_t bytes = 0;  // of all its files, when asked for
};
using Hour = std::map<JobId, Kept>;

Result<Hour> read_hour(const Spool& spool, const std::string& folder, bool with_bytes) {
  const auto names = sorted_names(spool, folder);
  if (!names) return names.error();
  Hour jobs;
  for (const std::string& name : *names) {
    const auto part = layout::parse_part(name);
    if (!part || layout::hour_folder(part->id) != folder) continue;
    Kept& job = jobs[part->id];
    if (part->kind == layout::Part::Kind::outcome) job.ended = true;
    struct stat about = {};
    if (with_bytes && sys::fstatat(spool.root(), (folder + "/" + name).c_str(), &about) == 0) {
      job.bytes += about.st_size;
    }
  }
  return jobs;
}

// The newest ended job that does not fit into count and bytes any more; with it all older ones go.
// One hour is in memory at a time.
Result<std::optional<JobId>> first_too_many(const Spool& spool, const Retention& policy) {
  const auto hours = hours_under(spool, "jobs");
  if (!hours) return hours.error();
  int64_t count = 0, bytes = 0;
  for (auto hour = hours->rbegin(); hour != hours->rend(); ++hour) {
    const auto jobs = read_hour(spool, "jobs/" + *hour, policy.max_bytes > 0);
    if (!jobs) return jobs.error();
    for (auto job = jobs->rbegin(); job != jobs->rend(); ++job) {
      if (!job->second.ended) continue;
      ++count;
      bytes += job->second.bytes;
      if (policy.max_jobs > 0 && count > policy.max_jobs) return std::optional(job->first);
      if (policy.max_bytes > 0 && bytes > policy.max_bytes) return std::optional(job->first);
    }
  }
  return std::optional<JobId>();
}

// The ended jobs of one hour, up to `last`, oldest first.
Status purge_hour(const Spool& spool, const std::string& hour, const JobId& last, Purger& purger) {
  const auto jobs = read_hour(spool, "jobs/" + hour, false);
  if (!jobs) return jobs.error();
  for (const auto& [id, job] : *jobs) {
    if (purger.full() || last < id) break;
    if (!job.ended) continue;
    if (const auto done = purger.add(id); !done) return done.error();
  }
  return Ok{};
}

// Keeps the newest jobs that fit into count and bytes; the older ones go, oldest first.
Status by_amount(const Spool& spool, const Retention& policy, Purger& purger) {
  if (policy.max_jobs == 0 && policy.max_bytes == 0) return Ok{};
  const auto last = first_too_many(spool, policy);
  if (!last || !*last) return last ? Status(Ok{}) : last.error();
  const auto hours = hours_under(spool, "jobs");
  if (!hours) return hours.error();
  for (const std::string& hour : *hours) {
    if (purger.full() || hour > (*last)->folder()) break;
    if (const auto done = purge_hour(spool, hour, **last, purger); !done) return done.error();
  }
  return Ok{};
}

bool remove_if_empty(const Spool& spool, const std::string& folder) {
  bool empty = true;
  const auto listed = each_name(spool.root(), folder, [&empty](std::string_view) {
    empty = false;
    return false;
  });
  return listed && empty && sys::unlinkat(spool.root(), folder.c_str(), AT_REMOVEDIR) == 0;
}

// Empty hours that are past by an hour and more, and days without hours.
Result<int> remove_empty_folders(const Spool& spool, const std::string& top, int64_t now_ms) {
  const auto hours = hours_under(spool, top);
  if (!hours) return hours.error();
  int removed = 0;
  for (const std::string& hour : *hours) {
    if (start_of_hour_ms(hour) + 2 * kHourMs > now_ms) continue;
    if (!remove_if_empty(spool, top + "/" + hour)) continue;
    spool.known_durable().forget(top + "/" + hour);
    ++removed;
    const std::string day = hour.substr(0, 10);
    if (start_of_hour_ms(day + "/23") + 2 * kHourMs > now_ms) continue;
    if (remove_if_empty(spool, top + "/" + day)) ++removed;
  }
  return removed;
}

}  // namespace

Result<Retained> retain(const Spool& spool, const Retention& policy, int64_t now_ms, int budget) {
  Purger purger(spool, policy, now_ms, budget);
  for (const Ending ending : {Ending::completed, Ending::failed, Ending::cancelled}) {
    const auto age = ending == Ending::completed ? policy.completed_age : policy.failed_age;
    const bool too_soon = now_ms - std::chrono::milliseconds(age).count() < policy.since_ms;
    if (age.count() == 0 || too_soon) continue;
    if (const auto done = ByAge(spool, ending, age, now_ms, purger).run(); !done) {
      return done.error();
    }
  }
  if (const auto done = purger.run(); !done) return done.error();
  if (const auto done = by_amount(spool, policy, purger); !done) return done.error();
  if (const auto done = purger.run(); !done) return done.error();
  Retained retained{purger.purged()};
  for (const char* top : {"jobs", "completed"}) {
    const auto removed = remove_empty_folders(spool, top, now_ms);
    if (!removed) return removed.error();
    retained.folders += *removed;
  }
  retained.more = purger.full();
  return retained;
}

Status make_hour(const Spool& spool, int64_t unix_ms) {
  const std::string hour = hour_at(unix_ms);
  auto jobs = durable::make_durable_folder(spool, "jobs/" + hour, Sync::batch);
  if (!jobs) return jobs;
  const auto completed = durable::make_folders(spool, "completed/" + hour, Sync::none);
  return completed ? Status(Ok{}) : completed.error();
}

}  // namespace imgq
