#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace imgq {

// Writes Prometheus' text format 0.0.4. Each row carries the label spool="PATH", so that what two
// spools of one host say can be collected by one node.
class MetricText {
 public:
  //   spool_path  is made absolute
  explicit MetricText(const std::string& spool_path);

  // The two lines before the rows of a metric. type: "gauge", "counter", "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);

  //   labels  further ones, "" or state="staging",code="x"; words of ours, never a client's
  void row(std::string_view name, std::string_view labels, std::string_view value);

  // A family of one row.
  void gauge(std::string_view name, std::string_view help, std::string_view value);

  std::string take() { return std::move(text_); }

 private:
  std::string spool_;  // the label
  std::string text_;
};

}  // namespace imgq
