#include "src/jobs/spool_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "src/jobs/owners.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq {
namespace {

void gauge(std::string& out, std::string_view name, std::string_view help,
           const std::string& value) {
  metric_family(out, name, "gauge", help);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

}  // namespace

void metric_family(std::string& out, std::string_view name, std::string_view type,
                   std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

Result<SpoolFigures> figures_of(const Spool& spool, std::chrono::milliseconds lease) {
  const auto counts = count(spool);
  if (!counts) return counts.error();
  const auto room = spool.room();
  if (!room) return room.error();
  const auto owners = see_owners(spool, lease);
  if (!owners) return owners.error();
  SpoolFigures figures{true, *counts, count_alive(*owners), *room};
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

std::string spool_metrics(const SpoolFigures& figures) {
  std::string out;
  metric_family(out, "imgq_build_info", "gauge", "Always 1; the version is in the label.");
  out += "imgq_build_info{version=\"" IMGQ_VERSION "\"} 1\n";
  gauge(out, "imgq_spool_up", "1 when the spool can be read.", figures.up ? "1" : "0");
  metric_family(out, "imgq_jobs", "gauge", "Jobs in the spool, by state.");
  for (const State state : kAllStates) {
    fmt::format_to(std::back_inserter(out), "imgq_jobs{{state=\"{}\"}} {}\n", name_of(state),
                   figures.counts.in(state));
  }
  gauge(out, "imgq_oldest_job_age_seconds", "Age of the oldest waiting job; 0 when none waits.",
        fmt::format("{:.3f}", static_cast<double>(figures.oldest_age_ms) / 1000));
  gauge(out, "imgq_spool_free_bytes", "Free space of the spool's file system.",
        std::to_string(figures.room.free_bytes));
  gauge(out, "imgq_daemons", "Daemons that are alive.", std::to_string(figures.daemons));
  gauge(out, "imgq_corrupt_files", "Files in corrupt/.", std::to_string(figures.counts.corrupt));
  return out;
}

}  // namespace imgq
