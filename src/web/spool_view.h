#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "spool/query.h"
#include "spool/recover.h"
#include "spool/spool.h"
#include "src/jobs/spool_metrics.h"
#include "src/web/job_counters.h"

namespace imgq::web {

// What the page, the event streams and /metrics show of the spool, looked at once for all of them.
struct View {
  uint64_t number = 0;  // of this view; grows when something changed
  int64_t made_ms = 0;  // Unix time
  SpoolFigures figures;
  int64_t last_minute = 0;    // completed
  std::vector<JobView> jobs;  // the newest, newest first
  JobCounters::Totals totals;
};

// Looks at the spool again and again, on a thread of its own: every few tenths of a second while
// somebody watches, every second otherwise; never more than a twentieth of the time, however large
// the spool; and hardly at all while nothing moves.
class SpoolView {
 public:
  static constexpr size_t kNewest = 50;

  SpoolView(const Spool& spool, std::chrono::milliseconds lease);  // see figures_of
  ~SpoolView();

  void set_lease(std::chrono::milliseconds lease) { lease_ = lease; }

  std::shared_ptr<const View> view() const;

  // Waits up to `ms` for a view newer than `number`; returns the latest either way. While someone
  // waits, the spool_view looks more often.
  std::shared_ptr<const View> wait_newer(uint64_t number, int64_t ms);

  // Looks no more; whoever waits is let go.
  void close();
  bool closed() const;

  // Looks now, on the caller's thread.
  void refresh();

  // The view, at most so old, as far as looking costs no more than its share of the time.
  std::shared_ptr<const View> view_within(int64_t ms);

 private:
  void run();
  void refresh_locked();
  int64_t refresh_if_moved();
  std::shared_ptr<View> make_view();
  void add_newest(View& view);
  bool nothing_moved();

  const Spool& spool_;
  std::atomic<std::chrono::milliseconds> lease_;
  std::mutex looking_;  // one look at a time
  Heartbeats seen_;     // of other hosts' daemons
  JobCounters counters_;
  std::map<JobId, JobView> ended_;  // ended jobs among the newest: they hardly change
  std::string moved_;               // what nothing_moved saw last
  int64_t full_refresh_ms_ = 0;     // monotonic
  int64_t cost_ms_ = 0;             // of the last full look

  mutable std::mutex mutex_;
  std::condition_variable changed_, stop_;
  std::shared_ptr<const View> view_;
  int watchers_ = 0;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace imgq::web
