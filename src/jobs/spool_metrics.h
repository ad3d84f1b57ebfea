#ifndef IMGQ_SRC_JOBS_SPOOL_METRICS_H_
#define IMGQ_SRC_JOBS_SPOOL_METRICS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "spool/list.h"

// What Prometheus is told of a spool, by `imgq stats` and by /metrics alike: the text format 0.0.4.
namespace imgq {

struct SpoolFigures {
  bool up = false;  // the spool could be read
  Counts counts = {};
  uint64_t free_bytes = 0;
  int64_t oldest_age_ms = 0;  // of the waiting jobs; 0 for none
};

std::string spool_metrics(const SpoolFigures& figures);

// The two lines before the rows of a metric. type: "gauge", "counter", "histogram".
void metric_family(std::string& out, std::string_view name, std::string_view type,
                   std::string_view help);

}  // namespace imgq

#endif  // IMGQ_SRC_JOBS_SPOOL_METRICS_H_
