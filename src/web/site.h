#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/jobs/config.h"
#include "src/web/committer.h"
#include "src/web/metrics.h"
#include "src/web/spool_view.h"

namespace imgq::web {

struct SiteOptions {
  std::string token;               // whoever does not show it is told nothing; empty: no check
  std::vector<std::string> hosts;  // Host names that are answered; empty: any
  int64_t max_body_bytes = int64_t{256} << 20;
  int64_t max_waiting = 100'000;  // jobs; more are answered with 429
  int max_held = 64;              // event streams, and as many long polls
  int max_further_files = 512;    // of forms under way, beyond the first of each
};

// One of so many that may be held at once, until its last copy is gone.
using Permit = std::shared_ptr<std::atomic<int>>;

// Null when `most` are held already.
inline Permit take_permit(std::atomic<int>& count, int most) {
  const bool granted = ++count <= most;
  Permit permit(&count, [](std::atomic<int>* held) { --*held; });  // also when it is not granted
  return granted ? permit : nullptr;
}

// What the routes work on. Outlives the server; all of it may be used from many threads.
struct Site {
  const Spool& spool;
  const Config& config;
  SiteOptions options;
  Committer& committer;
  SpoolView& spool_view;
  Metrics& metrics;
  std::atomic<int> streams{0}, long_polls{0};  // replies that are held open
  std::atomic<int> further_files{0};           // of forms, held open until their job is durable
};

}  // namespace imgq::web
