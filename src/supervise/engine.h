#pragma once

#include <functional>
#include <string>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/base/verdict.h"
#include "src/jobs/config.h"

// The one engine: claims jobs of a spool, has workers make the renditions, publishes. `imgqd` runs
// it until it is told to stop, `imgq run` until nothing is left. Sole user of libuv is this
// directory.
namespace imgq::supervise {

struct Settings {
  Config config;
  std::string worker_program;  // absolute path of imgq-worker
  Sync sync = Sync::batch;
  enum class Until {
    stopped,  // SIGTERM or SIGINT
    idle,     // nothing waiting, delayed or running is left, or stopped
  } until = Until::stopped;
  bool housekeeping = true;                // retention, sweep: not in `imgq run`
  std::function<Result<Config>()> reload;  // called on SIGHUP, which without it does nothing
  std::function<void(const Outcome&, const Ticket&)>
      ended;  // after each publication, on the loop's thread; may be empty
};

struct Tally {
  int64_t completed = 0, failed = 0, retried = 0;
  bool interrupted = false;  // a signal came while jobs were left
  int signal = 0;            // that came first
};

// Runs on this thread; installs signal handlers for SIGTERM, SIGINT, SIGHUP meanwhile. First
// signal: no more claims, running jobs end (drain), the rest is released. Second: workers are
// killed.
//   spool   when its file system goes away and is mounted anew, the same, opened anew; nobody else
//           uses it meanwhile
//   errors  what makes it impossible to go on: no worker can be started, spool gone; EAGAIN its
//           file system is gone, and its path does not lead to a new mount of it (remount.h)
Result<Tally> run(Spool& spool, Settings settings);

// Puts a configuration that was read anew in the place of the old one.
//   returns what of it does not count before a restart; empty: all of it counts
std::string take_over(Settings& settings, Config config);

// Finds imgq-worker: $IMGQ_WORKER, beside this program, ../libexec/imgq/, /usr/libexec/imgq/.
//   errors  ENOENT, path: where it was looked for
Result<std::string> find_worker();

// One image through one worker, without a spool: `imgq info FILE`.
//   errors  ECHILD the worker does not start
Result<Verdict> inspect(int source, const Limits& limits, const std::string& worker_program);

// Prints the versions of the libraries, ours and the worker's. It becomes the worker for that, and
// comes back only when it cannot.
Error tell_libraries();

}  // namespace imgq::supervise
