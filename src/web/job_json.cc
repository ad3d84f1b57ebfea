#include "src/web/job_json.h"

#include "src/jobs/job_view.h"
#include "src/util/digest.h"
#include "src/util/json.h"

namespace imgq::web {
namespace {

Json with_addresses(const Outcome& outcome, Json results, const std::string& base) {
  for (size_t i = 0; i < results.size(); ++i) {
    results[i]["url"] = base + job_address(outcome.id) + "/results/" + outcome.results[i].rendition;
  }
  return results;
}

std::string with_links(const JobView& job, Detail detail, const std::string& base) {
  const std::string self = base + job_address(job.ticket.id);
  Json out = job_object(job, detail);
  out["links"] = Json{{"self", self}};
  if (job.state == State::completed) {
    out["links"]["results"] = self + "/results";
    out["results"] = with_addresses(*job.outcome, std::move(out["results"]), base);
  }
  return dump_json(out);
}

}  // namespace

std::string job_json(const JobView& job, const std::string& base) {
  return with_links(job, Detail::brief, base);
}

std::string record_json(const JobView& job, const std::string& base) {
  return with_links(job, Detail::full, base);
}

std::string results_json(const JobView& job, const std::string& base) {
  Json results = with_addresses(*job.outcome, results_array(*job.outcome), base);
  return dump_json(Json{{"id", job.ticket.id.text()}, {"results", std::move(results)}});
}

std::string job_address(const JobId& id) { return "/v1/jobs/" + id.text(); }

std::string counts_json(const View& view) {
  Json out = counts_object(view.figures.counts, view.figures.daemons);
  out["completed_last_minute"] = view.last_minute;
  out["spool_up"] = view.figures.up;
  return dump_json(out);
}

std::string job_etag(const JobView& job, const std::string& base) {
  return "\"" + sha256_hex(record_json(job, base)).substr(0, 32) + "\"";
}

}  // namespace imgq::web
