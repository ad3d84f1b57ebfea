#include "src/jobs/spool_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "src/jobs/owners.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq {

namespace {

// Each daemon that is alive, and each host that has one or is cordoned.
void write_daemons(const SpoolFigures& figures, MetricText& out) {
  std::map<std::string, bool> hosts;
  std::vector<std::pair<std::string, const OwnerTold*>> daemons;  // the labels first
  for (const OwnerSeen& owner : figures.owners) {
    if (owner.life != OwnerSeen::Life::alive) continue;
    hosts.emplace(owner.host, owner.cordoned);
    daemons.emplace_back(fmt::format("daemon=\"{}\",host=\"{}\"", owner.name, owner.host),
                         &owner.told);
  }
  for (const Cordon& cordon : figures.cordons) hosts[cordon.host] = true;
  out.family("imgq_daemon_info", "gauge", "Always 1 for a daemon that is alive.");
  for (const auto& [labels, told] : daemons) {
    const std::string version = told->version.empty() ? "unknown" : told->version;
    out.row("imgq_daemon_info", fmt::format("{},version=\"{}\"", labels, version), "1");
  }
  out.family("imgq_daemon_clock_offset_seconds", "gauge",
             "A daemon's clock less the file system's, when its heart last beat.");
  for (const auto& [labels, told] : daemons) {
    if (!told->clock_ahead_ms) continue;
    out.row("imgq_daemon_clock_offset_seconds", labels,
            fmt::format("{:.3f}", static_cast<double>(*told->clock_ahead_ms) / 1000));
  }
  out.family("imgq_host_cordoned", "gauge", "1 for a host whose daemons claim nothing.");
  for (const auto& [host, cordoned] : hosts) {
    out.row("imgq_host_cordoned", fmt::format("host=\"{}\"", host), cordoned ? "1" : "0");
  }
}

}  // namespace

Result<SpoolFigures> figures_of(const Spool& spool, std::chrono::milliseconds lease,
                                Heartbeats& seen) {
  const auto counts = count(spool);
  if (!counts) return counts.error();
  const auto room = spool.room();
  if (!room) return room.error();
  auto owners = see_owners(spool, lease, seen);
  if (!owners) return owners.error();
  auto cordoned = cordons(spool);
  if (!cordoned) return cordoned.error();
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
  figures.owners = std::move(*owners);
  figures.cordons = std::move(*cordoned);
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
  write_daemons(figures, out);
  out.gauge("imgq_corrupt_files", "Files in corrupt/.", std::to_string(figures.counts.corrupt));
}

}  // namespace imgq
