#pragma once

#include <chrono>
#include <cstdint>

#include "spool/spool.h"

namespace imgq {

// How much is kept of ended jobs. Zero means no limit.
struct Retention {
  std::chrono::seconds completed_age{std::chrono::hours(24 * 7)};
  std::chrono::seconds failed_age{std::chrono::hours(24 * 30)};  // cancelled too
  int64_t max_jobs = 0;                                          // ended jobs, all together
  int64_t max_bytes = 0;  // results and sources of ended jobs
  int64_t since_ms = 0;   // Unix time before which nothing counts as ended: the clock leapt then
};

struct Retained {
  int purged = 0;
  int folders = 0;    // empty hour and day folders removed
  bool more = false;  // stopped at `budget`: call again
};

// Purges ended jobs, oldest first, at most `budget` jobs a call, and empty folders of past hours.
// One whose hook is owed (spool/hooks.h) stays, for at most failed_age after its end.
Result<Retained> retain(const Spool& spool, const Retention& policy, int64_t now_ms, int budget);

// Makes the folders of the hour in which a Unix time lies, so that they stand before many need them
// in the same moment. They go like others when they stay empty.
Status make_hour(const Spool& spool, int64_t unix_ms);

}  // namespace imgq
