#include <fcntl.h>

#include <algorithm>
#include <map>

#include "spool/durable.h"
#include "spool/layout.h"
#include "spool/purge.h"
#include "spool/query.h"
#include "spool/recover.h"
#include "spool/sys.h"
#include "spool/tokens.h"
#include "spool/walk.h"

namespace imgq {
namespace {

constexpr int64_t kHourMs = 3'600'000;

// A job whose records cannot be read stays, and keeps nobody else's from being purged: fsck says
// what is wrong with it. Only what is wrong with all of them is an error.
Status left_alone(const Error& error) { return is_pausing(error) ? Status(error) : Status(Ok{}); }

// Jobs to be purged, by hour folder, oldest first; no more than the budget.
class Purger {
 public:
  Purger(const Spool& spool, int budget) : spool_(spool), budget_(budget) {}

  bool full() const { return done_ + pending_ >= budget_; }
  int purged() const { return done_; }

  // The token goes at once: whoever removes it has the job for himself. One that is gone was taken
  // by a retry, and the job is none of ours.
  Status add(const JobId& id, Ending ending) {
    const auto ticket = read_ticket(spool_, id);
    if (!ticket && ticket.error().code != 0 && ticket.error().code != ENOENT) {
      return left_alone(ticket.error());
    }
    const std::string token = layout::ended(ending, id);
    if (sys::unlinkat(spool_.root(), token.c_str(), 0) != 0) {
      return errno == ENOENT ? Status(Ok{}) : last_error("purge", token);
    }
    jobs_[layout::hour_folder(id)].push_back({id, ticket ? ticket->key : ""});
    ++pending_;
    return Ok{};
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
  const Spool& spool_;
  int budget_;
  int done_ = 0, pending_ = 0;
  std::map<std::string, std::vector<Purgeable>> jobs_;
};

int64_t ms_of(std::chrono::seconds age) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
}

// Purges what ended longer ago than its age. Jobs are dated by their id first, which costs
// nothing; only those submitted long enough ago are opened.
class ByAge {
 public:
  ByAge(const Spool& spool, const Retention& policy, int64_t now_ms, Purger& purger)
      : spool_(spool), policy_(policy), now_ms_(now_ms), purger_(purger) {}

  Status completed() {
    const int64_t age = ms_of(policy_.completed_age);
    if (age == 0) return Ok{};
    const auto hours = hours_under(spool_, "completed");
    if (!hours) return hours.error();
    for (const std::string& hour : *hours) {
      if (start_of_hour_ms(hour) + age > now_ms_ || purger_.full()) break;
      if (const auto done = folder("completed/" + hour, Ending::completed, age); !done) {
        return done.error();
      }
    }
    return Ok{};
  }

  Status others() {
    const int64_t age = ms_of(policy_.failed_age);
    if (age == 0) return Ok{};
    if (const auto done = folder("failed", Ending::failed, age); !done) return done.error();
    return folder("cancelled", Ending::cancelled, age);
  }

 private:
  Status folder(const std::string& path, Ending ending, int64_t age) {
    const auto names = sorted_names(spool_, path);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (purger_.full()) break;
      const auto id = JobId::parse(name);
      if (!id || id->unix_ms() + age > now_ms_) continue;
      if (const auto done = job(*id, ending, age); !done) return done.error();
    }
    return Ok{};
  }

  Status job(const JobId& id, Ending ending, int64_t age) {
    const auto outcome = read_outcome(spool_, id);
    if (!outcome) return left_alone(outcome.error());
    if (!*outcome || (*outcome)->ending != ending) return Ok{};
    if ((*outcome)->ended_ms + age > now_ms_) return Ok{};
    return purger_.add(id, ending);
  }

  const Spool& spool_;
  const Retention& policy_;
  int64_t now_ms_;
  Purger& purger_;
};

// All ended jobs, newest first.
Result<std::vector<Listed>> ended_jobs(const Spool& spool) {
  std::vector<Listed> all;
  for (const State state : {State::completed, State::failed, State::cancelled}) {
    auto some = list(spool, state, Order::newest_first, SIZE_MAX);
    if (!some) return some.error();
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), [](const Listed& a, const Listed& b) { return b.id < a.id; });
  return all;
}

// Bytes of sources and results in one hour folder, by job.
Result<std::map<std::string, int64_t>> sizes_in(const Spool& spool, const std::string& folder) {
  const auto names = sorted_names(spool, folder);
  if (!names) return names.error();
  std::map<std::string, int64_t> sizes;
  for (const std::string& name : *names) {
    const auto part = layout::parse_part(name);
    if (!part) continue;
    struct stat about = {};
    if (sys::fstatat(spool.root(), (folder + "/" + name).c_str(), &about) == 0) {
      sizes[part->id.text()] += about.st_size;
    }
  }
  return sizes;
}

Ending ending_of(State state) {
  if (state == State::completed) return Ending::completed;
  return state == State::failed ? Ending::failed : Ending::cancelled;
}

// Keeps the newest jobs that fit into count and bytes; the older ones go, oldest first.
Status by_amount(const Spool& spool, const Retention& policy, Purger& purger) {
  if (policy.max_jobs == 0 && policy.max_bytes == 0) return Ok{};
  auto jobs = ended_jobs(spool);
  if (!jobs) return jobs.error();
  size_t keep = jobs->size();
  if (policy.max_jobs > 0) keep = std::min(keep, static_cast<size_t>(policy.max_jobs));
  std::string folder;
  std::map<std::string, int64_t> sizes;
  int64_t bytes = 0;
  for (size_t i = 0; policy.max_bytes > 0 && i < keep; ++i) {
    const JobId& id = (*jobs)[i].id;
    if (layout::hour_folder(id) != folder) {
      folder = layout::hour_folder(id);
      auto read = sizes_in(spool, folder);
      if (!read) return read.error();
      sizes = std::move(*read);
    }
    bytes += sizes[id.text()];
    if (bytes > policy.max_bytes) keep = i;
  }
  for (size_t i = jobs->size(); i > keep && !purger.full(); --i) {
    const Listed& job = (*jobs)[i - 1];
    if (const auto done = purger.add(job.id, ending_of(job.state)); !done) return done.error();
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
  Purger purger(spool, budget);
  ByAge by_age(spool, policy, now_ms, purger);
  if (const auto done = by_age.completed(); !done) return done.error();
  if (const auto done = by_age.others(); !done) return done.error();
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

}  // namespace imgq
