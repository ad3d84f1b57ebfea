#include "src/web/look_up.h"

#include <algorithm>
#include <cerrno>

#include "src/http/header_value.h"
#include "src/http/problem.h"
#include "src/util/clock.h"
#include "src/util/log.h"
#include "src/util/units.h"
#include "src/web/spool_problem.h"

namespace imgq::web {
namespace {

// Is the id older than the shortest time that jobs are kept?
bool outlived(const Config& config, const JobId& id) {
  const int64_t age_ms = now_ms() - id.unix_ms();
  const auto over = [age_ms](std::chrono::seconds kept) {
    return kept.count() > 0 && age_ms > kept.count() * 1000;
  };
  return over(config.keep_completed) || over(config.keep_failed);
}

}  // namespace

Reply no_job(const Site& site, const JobId& id) {
  if (outlived(site.config, id)) {
    return problem(410, "a job of this age is no longer kept", "gone");
  }
  return problem(404, "there is no such job", "no_job");
}

Reply with_job(const Site& site, std::string_view text,
               const std::function<Reply(const JobView&)>& show) {
  const auto id = JobId::parse(text);
  if (!id) return problem(404, "this is not a job's id", "no_job");
  const auto job = find(site.spool, *id);
  if (job) return show(*job);
  if (job.error().code == ENOENT) return no_job(site, *id);
  log::line(log::Level::warning, "a job cannot be read",
            {{"job", id->text()}, {"why", job.error().text()}});
  return problem_of(job.error());
}

std::optional<int64_t> number_parameter(const Head& head, std::string_view name, int64_t low,
                                        int64_t high, int64_t fallback) {
  const std::string* text = head.parameter(name);
  if (text == nullptr) return fallback;
  const auto number = parse_count(*text, low, high);
  return number ? std::optional(*number) : std::nullopt;
}

bool has_already(const Head& head, std::string_view etag) {
  const std::string* field = head.field("if-none-match");
  if (field == nullptr) return false;
  std::string_view rest(*field);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    std::string_view tag = trimmed(rest.substr(0, end));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || tag == etag) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace imgq::web
