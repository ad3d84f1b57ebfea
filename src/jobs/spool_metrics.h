#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "spool/cordon.h"
#include "spool/list.h"
#include "spool/recover.h"
#include "spool/spool.h"
#include "src/jobs/metric_text.h"
#include "src/jobs/owners.h"
#include "src/util/json_fwd.h"

// How many jobs a spool has, and how it is: for `imgq stats`, `imgq top`, the page, /v1/events and
// Prometheus alike.
namespace imgq {

struct SpoolFigures {
  bool up = false;  // the spool could be read
  Counts counts = {};
  int64_t daemons = 0;           // alive
  bool unseen = false;           // of another one that cannot be told yet
  int64_t heartbeat_age_ms = 0;  // the oldest of theirs; 0 for none
  Spool::Room room = {};
  int64_t oldest_age_ms = 0;  // of the waiting jobs; 0 for none
  std::vector<OwnerSeen> owners = {};
  std::vector<Cordon> cordons = {};
};

// As it is now.
//   lease, seen  of see_owners: a daemon of another host counts once its heart was seen to beat
Result<SpoolFigures> figures_of(const Spool& spool, std::chrono::milliseconds lease,
                                Heartbeats& seen);

// {jobs {staging, ...}, daemons, corrupt}; while a job waits also oldest_waiting (its id) and
// oldest_waiting_since
Json counts_object(const Counts& counts, int64_t daemons);

// For Prometheus.
void write_metrics(const SpoolFigures& figures, MetricText& out);

}  // namespace imgq
