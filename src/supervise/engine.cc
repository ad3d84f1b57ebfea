#include "src/supervise/engine.h"

#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "src/jobs/hang_report.h"
#include "src/supervise/scheduler.h"
#include "src/util/open_files.h"
#include "src/util/threads.h"

namespace imgq::supervise {
namespace {

constexpr size_t kOpenFiles = 65'536;  // a waiting job holds up to 33; with fewer, claims pause
constexpr size_t kThreads = 8;         // so that a slow purge and a slow disk leave some for claims

// libuv ends the program when it cannot start as many as it was told.
Status allow_threads() {
  const size_t threads = startable_threads(kThreads);
  if (threads == 0) return Error{EAGAIN, "start a thread", ""};
  // The workers need processes, too.
  const size_t used = threads == kThreads ? threads : (threads + 1) / 2;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no threads yet
  (void)::setenv("UV_THREADPOOL_SIZE", std::to_string(used).c_str(), used < kThreads ? 1 : 0);
  return Ok{};
}

}  // namespace

// On a spool that is mounted anew everything begins anew: no part knows two roots. Signals are
// caught all the while.
Result<Tally> run(Spool& spool, Settings settings) {
  if (auto allowed = allow_threads(); !allowed) return allowed.error();
  (void)allow_open_files(kOpenFiles);
  std::optional<HangReport> hangs;
  if (settings.housekeeping) hangs.emplace(settings.config.io_stalled);
  Loop loop;
  loop.in_background([] {}, [] {});  // the threads begin now, before workers take their places
  Scheduler::Kept kept{std::move(settings)};
  std::unique_ptr<Scheduler> scheduler;
  for (const int signal : {SIGTERM, SIGINT}) {
    kept.stop_signals.emplace_back(loop, signal,
                                   [&scheduler, signal] { scheduler->stop_requested(signal); });
  }
  for (const int signal : {SIGTERM, SIGINT}) HangReport::note(signal);
  const SignalWatch hang_up(loop, SIGHUP, [&] {
    scheduler->reload();
    if (hangs) hangs->change(kept.settings.config.io_stalled);
  });
  for (;;) {
    scheduler = std::make_unique<Scheduler>(loop, spool, kept);
    auto tally = scheduler->run();
    auto again = scheduler->mounted_anew();
    scheduler.reset();
    if (!again) return tally;
    spool = std::move(*again);
  }
}

std::string take_over(Settings& settings, Config config) {
  std::string later;
  if (config.spool != settings.config.spool) later = "spool = " + config.spool;
  if (config.spool_uuid != settings.config.spool_uuid) {
    later += (later.empty() ? "" : ", ") + ("spool_uuid = " + config.spool_uuid);
  }
  settings.sync = sync_named(config.sync).value_or(settings.sync);
  settings.config = std::move(config);
  return later;
}

}  // namespace imgq::supervise
