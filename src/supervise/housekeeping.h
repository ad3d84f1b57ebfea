#pragma once

#include <chrono>
#include <string>

#include "spool/mend.h"
#include "spool/recover.h"
#include "spool/retain.h"
#include "spool/spool.h"
#include "src/supervise/engine.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"
#include "src/util/clock.h"

namespace imgq::supervise {

// How long a daemon lets pass between two looks at the heartbeats of `others`, each of which it
// opens: the more there are, the rarer, up to a third of the lease. With a few and the lease, no
// more than the lease and two polls (of two seconds).
std::chrono::milliseconds recovery_period(std::chrono::milliseconds lease, int others);

// What keeps a spool in order beside the jobs: takes over from dead owners, sweeps tmp/, makes the
// next hour's folders ahead of time, purges ended jobs by policy in small batches, finds jobs that
// wait nowhere. One thing at a time, on another thread.
class Housekeeping {
 public:
  // What is changed in `settings` counts from then on.
  Housekeeping(Loop& loop, const Spool& spool, const Settings& settings, Listener& listener);

  void start();  // sweeps and purges: what makes room must not wait for some
  void recover_for(const std::string& me);  // again, under the new name, after a loss
  void look_at_others();                    // now: takes over from the dead
  void mend_soon();                         // the file system was away: not only once a day
  void stop();

 private:
  void recovered(const Result<Recovered>& found);
  void sweep();
  void purge();
  void purged(const Result<Retained>& gone);
  void mend();
  void mended(const Result<Mended>& found);

  Loop& loop_;
  const Spool& spool_;
  const Settings& settings_;
  Listener& listener_;
  std::string me_;
  Heartbeats heartbeats_;  // used by look_at_others' background work, never twice at once
  bool recovering_ = false;
  bool first_look_ = true;
  bool stopped_ = false;
  Mender mender_;  // used by mend's background work, never twice at once
  bool mending_now_ = false;
  int64_t mend_all_at_ms_ = 0;  // monotonic
  std::string complaint_, purge_complaint_,
      mend_complaint_;  // said last, so that lasting trouble is said once
  ClockLeaps leaps_;
  Timer recovery_;
  Timer sweeping_;
  Timer purging_;
  Timer mending_;
};

}  // namespace imgq::supervise
