#include "src/web/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "spool/types.h"
#include "src/jobs/spool_metrics.h"

namespace imgq::web {
namespace {

// The rows of one histogram. labels: "" or "route=\"jobs\","
template <size_t N>
void histogram(std::string& out, std::string_view name, std::string_view labels,
               const std::array<double, N>& bounds, const std::array<int64_t, N + 1>& counts,
               double sum) {
  int64_t total = 0;
  for (size_t i = 0; i < N; ++i) {
    total += counts[i];
    fmt::format_to(std::back_inserter(out), "{}_bucket{{{}le=\"{}\"}} {}\n", name, labels,
                   bounds[i], total);
  }
  total += counts[N];
  fmt::format_to(std::back_inserter(out), "{}_bucket{{{}le=\"+Inf\"}} {}\n", name, labels, total);
  const std::string_view bare = labels.substr(0, labels.size() - (labels.empty() ? 0 : 1));
  const std::string braces = bare.empty() ? "" : fmt::format("{{{}}}", bare);
  fmt::format_to(std::back_inserter(out), "{}_sum{} {}\n{}_count{} {}\n", name, braces, sum, name,
                 braces, total);
}

}  // namespace

void Metrics::count(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  Row& row = rows_[route];
  ++row.by_status[status];
  const auto* bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++row.took[static_cast<size_t>(bound - kBounds.begin())];
  row.seconds += seconds;
}

void Metrics::add_received(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  received_bytes_ += bytes;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  metric_family(out, "imgq_http_requests_total", "counter",
                "Requests answered, by route and status.");
  for (const auto& [route, row] : rows_) {
    for (const auto& [status, count] : row.by_status) {
      fmt::format_to(std::back_inserter(out),
                     "imgq_http_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", route, status,
                     count);
    }
  }
  metric_family(out, "imgq_http_request_duration_seconds", "histogram",
                "Time from a request's head to its reply, before the reply is sent.");
  for (const auto& [route, row] : rows_) {
    histogram(out, "imgq_http_request_duration_seconds", fmt::format("route=\"{}\",", route),
              kBounds, row.took, row.seconds);
  }
  metric_family(out, "imgq_http_received_bytes_total", "counter", "Bytes of images taken in.");
  fmt::format_to(std::back_inserter(out), "imgq_http_received_bytes_total {}\n", received_bytes_);
  return out;
}

std::string metrics_text(const View& view) {
  std::string out = spool_metrics(view.figures);
  metric_family(out, "imgq_jobs_finished_total", "counter",
                "Jobs seen to end since this server started.");
  for (const Ending ending : {Ending::completed, Ending::failed, Ending::cancelled}) {
    fmt::format_to(std::back_inserter(out), "imgq_jobs_finished_total{{result=\"{}\"}} {}\n",
                   name_of(ending), view.totals.finished[static_cast<size_t>(ending)]);
  }
  metric_family(out, "imgq_job_duration_seconds", "histogram",
                "Time from the claim to the outcome of jobs seen to complete or fail.");
  histogram(out, "imgq_job_duration_seconds", "", JobCounters::kBounds, view.totals.took,
            view.totals.took_seconds);
  return out;
}

}  // namespace imgq::web
