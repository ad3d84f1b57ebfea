#include "src/supervise/engine.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

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

Result<Tally> run(const Spool& spool, Settings settings) {
  if (auto allowed = allow_threads(); !allowed) return allowed.error();
  (void)allow_open_files(kOpenFiles);
  Loop loop;
  loop.in_background([] {}, [] {});  // the threads begin now, before workers take their places
  Scheduler scheduler(loop, spool, std::move(settings));
  return scheduler.run();
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
