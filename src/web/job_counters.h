#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <set>

#include "spool/records.h"
#include "spool/spool.h"

namespace imgq::web {

// How many jobs ended since this process looks, and how long they took: what /metrics counts. The
// spool holds no counters, so they are seen: of each look at the spool, the jobs that were active
// at the last one and are no more, and those submitted since that have ended already. Kept in
// memory for statistics only; a restart begins at zero, as counters may.
class JobCounters {
 public:
  static constexpr std::array<double, 10> kBounds = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

  struct Totals {
    std::array<int64_t, std::size(kAllStates)> finished{};  // indexed by Ending
    std::array<int64_t, kBounds.size() + 1> took{};         // jobs by duration; the last: longer
    double took_seconds = 0;                                // all together
  };

  explicit JobCounters(int64_t now_ms) : updated_ms_(now_ms) {}

  // Looks again. What cannot be read now is looked at next time.
  void update(const Spool& spool, int64_t now_ms);

  const Totals& totals() const { return totals_; }
  bool any_active() const { return !active_.empty(); }
  // Jobs completed in the minute before the last look.
  int64_t last_minute() const;

 private:
  static constexpr size_t kMostActive = 20'000;
  static constexpr size_t kMostEnded = 4'096;

  void count_vanished(const Spool& spool, std::set<JobId>& active);
  void count_quick(const Spool& spool);
  bool count_ended(const Spool& spool, const JobId& id);
  void book(const Outcome& outcome);

  int64_t updated_ms_;
  std::set<JobId> active_;   // at the last look
  std::set<JobId> counted_;  // ended ones of the last minutes, counted already
  std::deque<std::pair<int64_t, int64_t>> completed_;  // (time of a look, completed at it)
  int64_t completed_now_ = 0;
  Totals totals_;
};

}  // namespace imgq::web
