#include "src/web/job_counters.h"

#include <algorithm>

#include "spool/list.h"
#include "spool/query.h"

namespace imgq::web {
namespace {

constexpr int64_t kSkewMs = 5'000;      // a submitter's clock may differ so much from ours
constexpr int64_t kMemoryMs = 120'000;  // how long an ended job is remembered as counted

}  // namespace

void JobCounters::update(const Spool& spool, int64_t now_ms) {
  completed_now_ = 0;
  std::set<JobId> active;
  for (const State state : {State::staging, State::delayed, State::processing, State::hold}) {
    const auto listed = list(spool, state, Order::oldest_first, kMostActive);
    if (!listed) continue;  // looked at next time
    for (const Listed& one : *listed) active.insert(one.id);
  }
  count_vanished(spool, active);
  active_ = std::move(active);
  count_quick(spool);
  updated_ms_ = now_ms;
  completed_.emplace_back(now_ms, completed_now_);
  while (completed_.front().first <= now_ms - 60'000) completed_.pop_front();
  std::erase_if(counted_, [&](const JobId& id) { return id.unix_ms() < now_ms - kMemoryMs; });
}

int64_t JobCounters::last_minute() const {
  int64_t sum = 0;
  for (const auto& [when, count] : completed_) sum += count;
  return sum;
}

// A job that was active and is in no list now has ended, or moved while the lists were read.
void JobCounters::count_vanished(const Spool& spool, std::set<JobId>& active) {
  for (const JobId& id : active_) {
    if (active.contains(id)) continue;
    if (active.size() < kMostActive && !count_ended(spool, id)) active.insert(id);
  }
}

// Jobs that came and went between two looks.
void JobCounters::count_quick(const Spool& spool) {
  for (const State state : {State::completed, State::failed, State::cancelled}) {
    const auto ended = list(spool, state, Order::newest_first, kMostEnded);
    if (!ended) continue;
    for (const Listed& one : *ended) {
      if (one.id.unix_ms() < updated_ms_ - kSkewMs) break;
      if (!counted_.contains(one.id) && count_ended(spool, one.id)) active_.erase(one.id);
    }
  }
}

// True when the job is done with: counted, or gone without a trace.
bool JobCounters::count_ended(const Spool& spool, const JobId& id) {
  const auto job = find(spool, id);
  if (!job) return job.error().code == ENOENT;
  if (!job->outcome) return false;
  book(*job->outcome);
  counted_.insert(id);
  return true;
}

void JobCounters::book(const Outcome& outcome) {
  ++totals_.finished[static_cast<size_t>(outcome.ending)];
  if (outcome.ending == Ending::completed) ++completed_now_;
  if (outcome.started_ms <= 0 || outcome.ending == Ending::cancelled) return;
  const double seconds =
      static_cast<double>(std::max<int64_t>(0, outcome.ended_ms - outcome.started_ms)) / 1000;
  const auto* bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++totals_.took[static_cast<size_t>(bound - kBounds.begin())];
  totals_.took_seconds += seconds;
}

}  // namespace imgq::web
