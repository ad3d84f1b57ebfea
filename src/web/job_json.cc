#include "src/web/job_json.h"

#include <algorithm>

#include "src/base/verdict.h"
#include "src/util/digest.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::web {
namespace {

Json embedded(const std::string& text) {
  auto parsed = parse_json(text, "record");
  return parsed ? std::move(*parsed) : Json::object();
}

Json cause_json(const Cause& cause) {
  Json out{{"code", cause.code}, {"message", cause.message}};
  if (cause.signal != 0) out["signal"] = cause.signal;
  if (const auto code = code_named(cause.code)) {
    out["meaning"] = explain(*code);
    out["retryable"] = is_retryable(*code);
  }
  return out;
}

Json result_object(const JobId& id, const ResultFile& result) {
  const Pixels pixels = pixels_of(result);
  return Json{{"name", result.rendition},
              {"width", pixels.width},
              {"height", pixels.height},
              {"bytes", result.size_bytes},
              {"type", result_type(result)},
              {"sha256", result.sha256},
              {"url", job_address(id) + "/results/" + result.rendition}};
}

Json results_array(const Outcome& outcome) {
  Json results = Json::array();
  for (const ResultFile& result : outcome.results) {
    results.push_back(result_object(outcome.id, result));
  }
  return results;
}

void add_outcome(const Outcome& outcome, Json& out) {
  out["ended_at"] = iso_time(outcome.ended_ms);
  if (outcome.started_ms > 0) out["started_at"] = iso_time(outcome.started_ms);
  if (outcome.ending != Ending::completed) {
    out["error"] = cause_json(outcome.cause);
    return;
  }
  out["results"] = results_array(outcome);
  const Json report = embedded(outcome.report);
  if (const Json* source = member(report, "source")) out["source"] = *source;
}

Json try_json(const Try& attempt) {
  Json out{{"attempt", attempt.attempt},
           {"ended_at", iso_time(attempt.ended_ms)},
           {"error", cause_json(attempt.cause)}};
  if (attempt.retry_ms > 0) out["retry_at"] = iso_time(attempt.retry_ms);
  return out;
}

Json job_object(const JobView& job) {
  const std::string self = job_address(job.ticket.id);
  Json out{{"id", job.ticket.id.text()},   {"state", name_of(job.state)},
           {"attempts", job.attempt},      {"submitted_at", iso_time(job.ticket.submitted_ms)},
           {"name", job.ticket.name},      {"bytes", job.ticket.source.size_bytes},
           {"links", Json{{"self", self}}}};
  if (job.due_ms > 0) out["retry_at"] = iso_time(job.due_ms);
  if (job.outcome) {
    add_outcome(*job.outcome, out);
  } else if (!job.tries.empty()) {
    out["last_error"] = cause_json(job.tries.back().cause);
  }
  if (job.state == State::completed) out["links"]["results"] = self + "/results";
  return out;
}

Json record_object(const JobView& job) {
  Json out = job_object(job);
  out["request"] = embedded(job.ticket.request);
  out["max_attempts"] = job.ticket.max_attempts;
  if (!job.owner.empty()) out["owner"] = job.owner;
  Json tries = Json::array();
  for (const Try& attempt : job.tries) tries.push_back(try_json(attempt));
  out["tries"] = std::move(tries);
  if (job.outcome) out["report"] = embedded(job.outcome->report);
  return out;
}

}  // namespace

std::string job_json(const JobView& job) { return dump_json(job_object(job)); }

std::string record_json(const JobView& job) { return dump_json(record_object(job)); }

std::string results_json(const JobView& job) {
  return dump_json(Json{{"id", job.ticket.id.text()}, {"results", results_array(*job.outcome)}});
}

Pixels pixels_of(const ResultFile& result) {
  const Json about = embedded(result.about);
  return {integer_in(about, "width", 0, INT32_MAX).value_or(0),
          integer_in(about, "height", 0, INT32_MAX).value_or(0)};
}

std::string job_address(const JobId& id) { return "/v1/jobs/" + id.text(); }

std::string result_type(const ResultFile& result) {
  const size_t dot = result.file.rfind('.');
  const std::string extension = dot == std::string::npos ? "" : result.file.substr(dot + 1);
  for (const std::string_view format : {"jpeg", "png", "webp", "avif"}) {
    if (extension == extension_of(format)) return std::string(media_type_of(format));
  }
  return "application/octet-stream";
}

std::string counts_json(const View& view) {
  Json jobs = Json::object();
  for (const State state : kAllStates) jobs[std::string(name_of(state))] = view.in(state);
  const auto& oldest = view.counts.oldest_waiting;
  return dump_json(
      Json{{"jobs", std::move(jobs)},
           {"oldest_waiting_since", oldest ? Json(iso_time(oldest->unix_ms())) : Json()},
           {"completed_last_minute", view.last_minute},
           {"daemons", view.counts.owners},
           {"spool_up", view.good}});
}

std::string job_etag(const JobView& job) {
  return "\"" + sha256_hex(record_json(job)).substr(0, 32) + "\"";
}

}  // namespace imgq::web
