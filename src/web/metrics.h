#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "src/jobs/metric_text.h"
#include "src/web/spool_view.h"

namespace imgq::web {

// Counts this server's requests by route and status; no label ever holds a client's words.
class Metrics {
 public:
  static constexpr std::array<double, 8> kBounds = {0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60};

  void count(const std::string& route, int status, double seconds);
  void add_received(int64_t bytes);

  // For Prometheus.
  void write(MetricText& out) const;

 private:
  struct Row {
    std::map<int, int64_t> by_status;
    std::array<int64_t, kBounds.size() + 1> took{};
    double seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Row> rows_;
  int64_t received_bytes_ = 0;
};

// The spool's figures, and the jobs that were seen to end.
//   answers  whether its file system does: else it is not up, whatever was seen
void write_metrics(const View& view, bool answers, MetricText& out);

}  // namespace imgq::web
