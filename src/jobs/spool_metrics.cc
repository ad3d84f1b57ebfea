#include "src/jobs/spool_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "src/jobs/owners.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq {

Result<SpoolFigures> figures_of(const Spool& spool, std::chrono::milliseconds lease,
                                Heartbeats& seen) {
  const auto counts = count(spool);
  if (!counts) return counts.error();
  const auto room = spool.room();
  if (!room) return room.error();
  const auto owners = see_owners(spool, lease, seen);
  if (!owners) return owners.error();
  SpoolFigures figures{.up = true, .counts = *counts, .daemons = count_alive(*owners)};
  figures.room = *room;
  for (const OwnerSeen& owner : *owners) {
    figures.unseen = figures.unseen || owner.life == OwnerSeen::Life::unseen;
    if (owner.life != OwnerSeen::Life::alive) continue;
    figures.heartbeat_age_ms = std::max(figures.heartbeat_age_ms, owner.heartbeat_age_ms);
  }
  if (counts->oldest_waiting) {
    figures.oldest_age_ms = std::max<int64_t>(0, now_ms() - counts->oldest_waiting->unix_ms());
  }
  return figures;
}

Json counts_object(const Counts& counts, int64_t daemons) {
  Json jobs = Json::object();
  for (const State state : kAllStates) jobs[std::string(name_of(state))] = counts.in(state);
  Json out{{"jobs", std::move(jobs)}, {"daemons", daemons}, {"corrupt", counts.corrupt}};
  if (counts.oldest_waiting) {
    out["oldest_waiting"] = counts.oldest_waiting->text();
    out["oldest_waiting_since"] = iso_time(counts.oldest_waiting->unix_ms());
  }
  return out;
}

void write_metrics(const SpoolFigures& figures, MetricText& out) {
  out.family("imgq_build_info", "gauge", "Always 1; the version is in the label.");
  out.row("imgq_build_info", "version=\"" IMGQ_VERSION "\"", "1");
  out.gauge("imgq_spool_up", "1 when the spool can be read.", figures.up ? "1" : "0");
  out.family("imgq_jobs", "gauge", "Jobs in the spool, by state.");
  for (const State state : kAllStates) {
    out.row("imgq_jobs", fmt::format("state=\"{}\"", name_of(state)),
            std::to_string(figures.counts.in(state)));
  }
  out.gauge("imgq_oldest_job_age_seconds", "Age of the oldest waiting job; 0 when none waits.",
            fmt::format("{:.3f}", static_cast<double>(figures.oldest_age_ms) / 1000));
  out.gauge("imgq_spool_free_bytes", "Free space of the spool's file system.",
            std::to_string(figures.room.free_bytes));
  out.gauge("imgq_daemons", "Daemons that are alive.", std::to_string(figures.daemons));
  out.gauge("imgq_daemon_heartbeat_age_seconds",
            "Age of the oldest heartbeat of the daemons that are alive; 0 for none.",
            fmt::format("{:.3f}", static_cast<double>(figures.heartbeat_age_ms) / 1000));
  out.gauge("imgq_corrupt_files", "Files in corrupt/.", std::to_string(figures.counts.corrupt));
}

}  // namespace imgq
