#include "src/cli/job_text.h"

#include <fmt/format.h>

#include "spool/records.h"
#include "src/base/verdict.h"
#include "src/cli/json_bytes.h"
#include "src/util/json.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

Json parsed(const std::string& text) {
  auto object = parse_json(text, "");
  return object && object->is_object() ? std::move(*object) : Json::object();
}

Json result_object(const Spool& spool, const JobId& id, const ResultFile& result) {
  Json out = parsed(result.about);
  out["name"] = result.rendition;
  out["bytes"] = result.size_bytes;
  put_bytes(out, "file", result_path(spool, id, result));
  return out;
}

Json cause_object(const Cause& cause) {
  Json out = Json::object();
  out["code"] = cause.code;
  out["message"] = cause.message;
  if (cause.signal != 0) out["signal"] = cause.signal;
  return out;
}

Json tries_array(const std::vector<Try>& tries) {
  Json out = Json::array();
  for (const Try& attempt : tries) {
    Json one = cause_object(attempt.cause);
    one["attempt"] = attempt.attempt;
    one["ended_at"] = iso_time(attempt.ended_ms);
    one["kind"] = name_of(attempt.kind);
    out.push_back(one);
  }
  return out;
}

void put_outcome(Json& out, const Spool& spool, const JobView& view) {
  const Outcome& outcome = *view.outcome;
  out["ended_at"] = iso_time(outcome.ended_ms);
  if (outcome.started_ms != 0) out["started_at"] = iso_time(outcome.started_ms);
  if (outcome.ending == Ending::completed) {
    Json results = Json::array();
    for (const ResultFile& result : outcome.results) {
      results.push_back(result_object(spool, view.ticket.id, result));
    }
    out["results"] = results;
  } else {
    out["error"] = cause_object(outcome.cause);
  }
  const Json report = parsed(outcome.report);
  for (const auto& [key, value] : report.items()) {
    if (out.find(key) == out.end()) out[key] = value;
  }
}

void add_line(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{:<12} {}\n", key, value);
}

void add_source(std::string& out, const Json& report) {
  const Json* source = member(report, "source");
  if (source == nullptr || !source->is_object()) return;
  const auto width = integer_in(*source, "width", 1, 1'000'000'000);
  const auto height = integer_in(*source, "height", 1, 1'000'000'000);
  const auto format = text_in(*source, "format");
  if (width && height && format) {
    add_line(out, "source", fmt::format("{}x{} {}", *width, *height, printable(*format)));
  }
}

void add_outcome(std::string& out, const Spool& spool, const JobView& view) {
  const Outcome& outcome = *view.outcome;
  add_line(out, "ended", iso_time(outcome.ended_ms));
  if (outcome.ending != Ending::completed) add_line(out, "cause", cause_words(view));
  add_source(out, parsed(outcome.report));
  for (const ResultFile& result : outcome.results) {
    const Json about = parsed(result.about);
    const int64_t width = integer_in(about, "width", 0, 1'000'000).value_or(0);
    const int64_t height = integer_in(about, "height", 0, 1'000'000).value_or(0);
    add_line(out, "result",
             fmt::format("{}: {}x{} {}, {}", result.rendition, width, height,
                         printable(text_in(about, "type").value_or("")),
                         human_bytes(result.size_bytes)));
    add_line(out, "", printable(result_path(spool, view.ticket.id, result)));
  }
}

}  // namespace

std::string job_json(const Spool& spool, const JobView& view) {
  const Ticket& ticket = view.ticket;
  Json out = Json::object();
  out["id"] = ticket.id.text();
  out["state"] = name_of(view.state);
  out["attempts"] = attempts_of(view);
  out["max_attempts"] = ticket.max_attempts;
  out["submitted_at"] = iso_time(ticket.submitted_ms);
  out["request"] = parsed(ticket.request);
  put_bytes(out, "name", ticket.name);
  if (!ticket.key.empty()) put_bytes(out, "key", ticket.key);
  if (view.state == State::delayed) out["due_at"] = iso_time(view.due_ms);
  if (!view.owner.empty()) out["owner"] = view.owner;
  if (!view.tries.empty()) out["tries"] = tries_array(view.tries);
  if (view.outcome) put_outcome(out, spool, view);
  return versioned(dump_json(out));
}

std::string job_error_json(const std::string& id, std::string_view code, std::string_view message) {
  Json error = Json::object();
  error["code"] = code;
  error["message"] = message;
  Json out = Json::object();
  out["id"] = id;
  out["error"] = error;
  return versioned(dump_json(out));
}

Exit tell_missing(const Session& session, const JobId& id, const Error& error) {
  const bool unknown = error.code == ENOENT;
  const std::string words = unknown ? "no such job" : error.text();
  session.console.error(about(id.text(), words));
  if (session.json) {
    session.console.put_line(job_error_json(id.text(), unknown ? "unknown" : "unreadable", words));
  }
  return unknown ? Exit::some_failed : exit_for(error);
}

std::string job_words(const Spool& spool, const JobView& view) {
  const Ticket& ticket = view.ticket;
  std::string out;
  add_line(out, "id", ticket.id.text());
  add_line(out, "name", printable(ticket.name));
  add_line(out, "state", name_of(view.state));
  add_line(out, "attempts", fmt::format("{} of {}", attempts_of(view), ticket.max_attempts));
  add_line(out, "submitted", iso_time(ticket.submitted_ms));
  if (view.state == State::delayed) add_line(out, "next try", iso_time(view.due_ms));
  if (!view.owner.empty()) add_line(out, "owner", printable(view.owner));
  for (const Try& attempt : view.tries) {
    add_line(out, fmt::format("attempt {}", attempt.attempt),
             fmt::format("{} {}: {}", iso_time(attempt.ended_ms), printable(attempt.cause.code),
                         printable(attempt.cause.message)));
  }
  if (view.outcome) add_outcome(out, spool, view);
  return out;
}

int64_t attempts_of(const JobView& view) {
  int64_t tried = 0;
  bool last_told = false;
  for (const Try& attempt : view.tries) {
    ++tried;
    last_told = last_told || (view.outcome && attempt.attempt == view.outcome->attempt);
  }
  const bool ended = view.outcome && view.outcome->ending != Ending::cancelled &&
                     view.outcome->attempt > 0 && !last_told;
  const bool running = !view.outcome && view.state == State::processing;
  return tried + (ended || running ? 1 : 0);
}

std::string cause_words(const JobView& view) {
  if (!view.outcome) return std::string(name_of(view.state));
  const Cause& cause = view.outcome->cause;
  const std::string code = printable(cause.code);
  if (!cause.message.empty()) return fmt::format("{} ({})", printable(cause.message), code);
  const auto known = code_named(cause.code);
  return known ? fmt::format("{} ({})", explain(*known), code) : code;
}

std::string age_words(int64_t from_ms, int64_t now_ms) {
  const int64_t seconds = std::max<int64_t>(0, now_ms - from_ms) / 1000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

}  // namespace imgq::cli
