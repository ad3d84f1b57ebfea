#pragma once

#include <string>

#include "src/supervise/claimer.h"
#include "src/supervise/engine.h"
#include "src/supervise/housekeeping.h"
#include "src/supervise/publisher.h"
#include "src/supervise/worker.h"

// What each part needs to know of the settings.
namespace imgq::supervise {

int worker_count(const Config& config);
WorkerCommand worker_command(const Settings& settings);
Publisher::Policy publishing(const Settings& settings);
Claimer::Policy claimer_policy(const Settings& settings);
Housekeeping::Policy keeping(const Settings& settings);

// Puts a configuration that was read anew in the place of the old one.
//   returns what of it does not count before a restart; empty: all of it counts
std::string take_over(Settings& settings, Config config);

// True when any job is waiting, delayed or running, for whatever daemon. Blocks.
//   errors  as scan_staging and list
Result<bool> anything_left(const Spool& spool);

}  // namespace imgq::supervise
