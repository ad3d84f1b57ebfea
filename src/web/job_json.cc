#include "src/web/job_json.h"

#include "src/jobs/job_view.h"
#include "src/util/digest.h"
#include "src/util/json.h"

namespace imgq::web {
namespace {

Json with_addresses(const Outcome& outcome, Json results) {
  for (size_t i = 0; i < results.size(); ++i) {
    results[i]["url"] = job_address(outcome.id) + "/results/" + outcome.results[i].rendition;
  }
  return results;
}

std::string with_links(const JobView& job, Detail detail) {
  const std::string self = job_address(job.ticket.id);
  Json out = job_object(job, detail);
  out["links"] = Json{{"self", self}};
  if (job.state == State::completed) {
    out["links"]["results"] = self + "/results";
    out["results"] = with_addresses(*job.outcome, std::move(out["results"]));
  }
  return dump_json(out);
}

}  // namespace

std::string job_json(const JobView& job) { return with_links(job, Detail::brief); }

std::string record_json(const JobView& job) { return with_links(job, Detail::full); }

std::string results_json(const JobView& job) {
  Json results = with_addresses(*job.outcome, results_array(*job.outcome));
  return dump_json(Json{{"id", job.ticket.id.text()}, {"results", std::move(results)}});
}

std::string job_address(const JobId& id) { return "/v1/jobs/" + id.text(); }

std::string counts_json(const View& view) {
  Json out = counts_object(view.figures.counts, view.figures.daemons);
  out["completed_last_minute"] = view.last_minute;
  out["spool_up"] = view.figures.up;
  return dump_json(out);
}

std::string job_etag(const JobView& job) {
  return "\"" + sha256_hex(record_json(job)).substr(0, 32) + "\"";
}

}  // namespace imgq::web
