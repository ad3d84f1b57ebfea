#include "src/web/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "spool/types.h"
#include "src/jobs/spool_metrics.h"

namespace imgq::web {
namespace {

// The rows of one histogram. labels: "" or "route=\"jobs\""
template <size_t N>
void histogram(MetricText& out, const std::string& name, const std::string& labels,
               const std::array<double, N>& bounds, const std::array<int64_t, N + 1>& counts,
               double sum) {
  const std::string first = labels.empty() ? "" : labels + ",";
  int64_t total = 0;
  for (size_t i = 0; i < N; ++i) {
    total += counts[i];
    out.row(name + "_bucket", fmt::format("{}le=\"{}\"", first, bounds[i]), std::to_string(total));
  }
  total += counts[N];
  out.row(name + "_bucket", first + "le=\"+Inf\"", std::to_string(total));
  out.row(name + "_sum", labels, fmt::format("{}", sum));
  out.row(name + "_count", labels, std::to_string(total));
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

void Metrics::write(MetricText& out) const {
  const std::lock_guard lock(mutex_);
  out.family("imgq_http_requests_total", "counter", "Requests answered, by route and status.");
  for (const auto& [route, row] : rows_) {
    for (const auto& [status, count] : row.by_status) {
      out.row("imgq_http_requests_total", fmt::format("route=\"{}\",status=\"{}\"", route, status),
              std::to_string(count));
    }
  }
  out.family("imgq_http_request_duration_seconds", "histogram",
             "Time from a request's head to its reply, before the reply is sent.");
  for (const auto& [route, row] : rows_) {
    histogram(out, "imgq_http_request_duration_seconds", fmt::format("route=\"{}\"", route),
              kBounds, row.took, row.seconds);
  }
  out.family("imgq_http_received_bytes_total", "counter", "Bytes of images taken in.");
  out.row("imgq_http_received_bytes_total", "", std::to_string(received_bytes_));
}

void write_metrics(const View& view, bool answers, MetricText& out) {
  SpoolFigures figures = view.figures;
  figures.up = figures.up && answers;
  write_metrics(figures, out);
  out.family("imgq_jobs_finished_total", "counter", "Jobs seen to end since this server started.");
  for (const Ending ending : {Ending::completed, Ending::failed, Ending::cancelled}) {
    out.row("imgq_jobs_finished_total", fmt::format("result=\"{}\"", name_of(ending)),
            std::to_string(view.totals.finished[static_cast<size_t>(ending)]));
  }
  out.family("imgq_job_duration_seconds", "histogram",
             "Time from the claim to the outcome of jobs seen to complete or fail.");
  histogram(out, "imgq_job_duration_seconds", "", JobCounters::kBounds, view.totals.took,
            view.totals.took_seconds);
}

}  // namespace imgq::web
