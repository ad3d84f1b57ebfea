#include "src/jobs/spool_metrics.h"

#include <fmt/format.h>

#include <iterator>

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

std::string spool_metrics(const SpoolFigures& figures) {
  std::string out;
  metric_family(out, "imgq_build_info", "gauge", "Always 1; the version is in the label.");
  out += "imgq_build_info{version=\"" IMGQ_VERSION "\"} 1\n";
  gauge(out, "imgq_spool_up", "1 when the spool can be read.", figures.up ? "1" : "0");
  metric_family(out, "imgq_jobs", "gauge", "Jobs in the spool, by state.");
  for (const State state : kAllStates) {
    fmt::format_to(std::back_inserter(out), "imgq_jobs{{state=\"{}\"}} {}\n", name_of(state),
                   figures.counts.jobs[static_cast<size_t>(state)]);
  }
  gauge(out, "imgq_oldest_job_age_seconds", "Age of the oldest waiting job; 0 when none waits.",
        fmt::format("{:.3f}", static_cast<double>(figures.oldest_age_ms) / 1000));
  gauge(out, "imgq_spool_free_bytes", "Free space of the spool's file system.",
        std::to_string(figures.free_bytes));
  gauge(out, "imgq_daemons", "Daemon instances registered in the spool.",
        std::to_string(figures.counts.owners));
  gauge(out, "imgq_corrupt_files", "Files in corrupt/.", std::to_string(figures.counts.corrupt));
  return out;
}

}  // namespace imgq
