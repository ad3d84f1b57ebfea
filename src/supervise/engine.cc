#include "src/supervise/engine.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "src/supervise/scheduler.h"

namespace imgq::supervise {
namespace {

// A waiting job holds up to 17 descriptors.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, 65'536);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // without it EMFILE makes claims pause
}

}  // namespace

Result<Tally> run(const Spool& spool, Settings settings) {
  // So that a slow purge and a slow disk leave threads for claims and the heartbeat.
  (void)::setenv("UV_THREADPOOL_SIZE", "8", 0);  // NOLINT(concurrency-mt-unsafe): no threads yet
  allow_many_files();
  Loop loop;
  Scheduler scheduler(loop, spool, std::move(settings));
  return scheduler.run();
}

std::string take_over(Settings& settings, Config config) {
  std::string later;
  if (config.spool != settings.config.spool) later = "spool = " + config.spool;
  settings.sync = sync_named(config.sync).value_or(settings.sync);
  settings.config = std::move(config);
  return later;
}

}  // namespace imgq::supervise
