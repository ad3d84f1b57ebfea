#include "src/jobs/metric_text.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <system_error>

#include "src/util/text.h"

namespace imgq {
namespace {

// As a label's value: backslash, quote and newline escaped, the rest UTF-8.
std::string label_value(const std::string& bytes) {
  std::string value;
  for (const char c : is_utf8(bytes) ? bytes : printable(bytes)) {
    if (c == '\\' || c == '"' || c == '\n') value += '\\';
    value += c == '\n' ? 'n' : c;
  }
  return value;
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : absolute.string();
}

}  // namespace

MetricText::MetricText(const std::string& spool_path)
    : spool_(fmt::format("spool=\"{}\"", label_value(absolute_path(spool_path)))) {}

void MetricText::family(std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void MetricText::row(std::string_view name, std::string_view labels, std::string_view value) {
  fmt::format_to(std::back_inserter(text_), "{}{{{}{}{}}} {}\n", name, spool_,
                 labels.empty() ? "" : ",", labels, value);
}

void MetricText::gauge(std::string_view name, std::string_view help, std::string_view value) {
  family(name, "gauge", help);
  row(name, "", value);
}

}  // namespace imgq
