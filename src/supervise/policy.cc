#include "src/supervise/policy.h"

#include <algorithm>
#include <utility>

#include "spool/list.h"
#include "spool/owner.h"
#include "spool/scan.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/processors.h"

namespace imgq::supervise {
namespace {

int64_t in_ms(std::chrono::seconds time) { return time.count() * 1000; }

}  // namespace

int worker_count(const Config& config) {
  if (config.workers > 0) return config.workers;
  return usable_processors();
}

WorkerCommand worker_command(const Settings& settings) {
  return {settings.worker_program, settings.config.limits};
}

Publisher::Policy publishing(const Settings& settings) {
  const Config& config = settings.config;
  Publisher::Policy policy;
  policy.sync = settings.sync;
  policy.source = config.keep_source ? SourceAfter::keep : SourceAfter::remove;
  policy.backoff.first_ms = std::clamp<int64_t>(in_ms(config.retry_first), 1, kMaxDelayMs);
  policy.backoff.max_ms = std::clamp(in_ms(config.retry_max), policy.backoff.first_ms, kMaxDelayMs);
  return policy;
}

Claimer::Policy claimer_policy(const Settings& settings) {
  return {settings.sync, settings.config.poll, settings.config.min_free_bytes};
}

Housekeeping::Policy keeping(const Settings& settings) {
  const Config& config = settings.config;
  Housekeeping::Policy policy;
  policy.lease = config.lease;
  policy.retention = {config.keep_completed, config.keep_failed, config.keep_jobs,
                      config.keep_bytes};
  policy.housekeeping = settings.housekeeping;
  return policy;
}

std::string take_over(Settings& settings, Config config) {
  std::string later;
  if (config.spool != settings.config.spool) later = "spool = " + config.spool;
  settings.sync = sync_named(config.sync).value_or(settings.sync);
  settings.config = std::move(config);
  return later;
}

// A job moves on while its states are looked at one after another, so those it can move back to
// are looked at again.
Result<bool> anything_left(const Spool& spool) {
  for (const State state :
       {State::staging, State::delayed, State::processing, State::staging, State::delayed}) {
    auto some = list(spool, state, Order::oldest_first, 1);
    if (!some) return some.error();
    if (!some->empty()) return true;
  }
  return false;
}

}  // namespace imgq::supervise
