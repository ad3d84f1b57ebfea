#include "src/jobs/job_view.h"

#include "src/base/formats.h"
#include "src/base/verdict.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq {
namespace {

// An object that a record holds as text. One that cannot be read tells nothing.
Json embedded(const std::string& text) {
  auto object = parse_json(text, "record");
  return object && object->is_object() ? std::move(*object) : Json::object();
}

Json cause_object(const Cause& cause) {
  Json out = error_object(cause.code, cause.message);
  if (cause.signal != 0) out["signal"] = cause.signal;
  if (const auto code = code_named(cause.code)) {
    out["meaning"] = explain(*code);
    out["retryable"] = is_retryable(*code);
  }
  return out;
}

Json result_object(const ResultFile& result) {
  const Pixels pixels = pixels_of(result);
  Json out = embedded(result.about);
  out["name"] = result.rendition;
  out["width"] = pixels.width;
  out["height"] = pixels.height;
  out["bytes"] = result.size_bytes;
  out["type"] = result_type(result);
  out["sha256"] = result.sha256;
  return out;
}

Json try_object(const Try& attempt) {
  Json out{{"attempt", attempt.attempt},
           {"kind", name_of(attempt.kind)},
           {"ended_at", iso_time(attempt.ended_ms)},
           {"error", cause_object(attempt.cause)}};
  if (attempt.retry_ms > 0) out["retry_at"] = iso_time(attempt.retry_ms);
  return out;
}

void add_outcome(const Outcome& outcome, Json& out) {
  out["ended_at"] = iso_time(outcome.ended_ms);
  if (outcome.started_ms > 0) out["started_at"] = iso_time(outcome.started_ms);
  if (outcome.ending == Ending::completed)
    out["results"] = results_array(outcome);
  else
    out["error"] = cause_object(outcome.cause);
  const Json report = embedded(outcome.report);
  for (const char* found : {"source", "notes"}) {
    if (const Json* value = member(report, found)) out[found] = *value;
  }
}

void add_details(const JobView& job, Json& out) {
  out["request"] = embedded(job.ticket.request);
  if (!job.owner.empty()) out["owner"] = job.owner;
  Json tries = Json::array();
  for (const Try& attempt : job.tries) tries.push_back(try_object(attempt));
  out["tries"] = std::move(tries);
  if (job.outcome) out["report"] = embedded(job.outcome->report);
}

}  // namespace

Json job_object(const JobView& job, Detail detail) {
  Json out{{"id", job.ticket.id.text()},
           {"state", name_of(job.state)},
           {"attempts", job.attempts},
           {"max_attempts", job.ticket.max_attempts},
           {"attempt", job.attempt},
           {"submitted_at", iso_time(job.ticket.submitted_ms)},
           {"bytes", job.ticket.source.size_bytes}};
  put_bytes(out, "name", job.ticket.name);
  if (job.due_ms > 0) out["retry_at"] = iso_time(job.due_ms);
  if (job.outcome)
    add_outcome(*job.outcome, out);
  else if (!job.tries.empty())
    out["last_error"] = cause_object(job.tries.back().cause);
  if (detail == Detail::full) add_details(job, out);
  return out;
}

Json error_object(std::string_view code, std::string_view message) {
  return {{"code", code}, {"message", message}};
}

Json results_array(const Outcome& outcome) {
  Json results = Json::array();
  for (const ResultFile& result : outcome.results) results.push_back(result_object(result));
  return results;
}

Pixels pixels_of(const ResultFile& result) {
  const Json about = embedded(result.about);
  return {integer_in(about, "width", 0, INT32_MAX).value_or(0),
          integer_in(about, "height", 0, INT32_MAX).value_or(0)};
}

std::string result_type(const ResultFile& result) {
  const ImageFormat* format = format_with_extension(result.file.substr(result.file.rfind('.') + 1));
  return std::string(media_type_of(format == nullptr ? "" : format->word));
}

}  // namespace imgq
