#include "src/cli/job_text.h"

#include <fmt/format.h>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/base/verdict.h"
#include "src/jobs/job_view.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

void add_line(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{:<12} {}\n", key, value);
}

void add_source(std::string& out, const JobView& view) {
  const Json job = job_object(view, Detail::brief);
  const Json* source = member(job, "source");
  if (source == nullptr) return;
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
  add_source(out, view);
  for (const ResultFile& result : outcome.results) {
    const Pixels pixels = pixels_of(result);
    add_line(out, "result",
             fmt::format("{}: {}x{} {}, {}", result.rendition, pixels.width, pixels.height,
                         result_type(result), human_bytes(result.size_bytes)));
    add_line(out, "", printable(result_path(spool, view.ticket.id, result)));
  }
}

}  // namespace

std::string job_json(const Spool& spool, const JobView& view) {
  Json out = job_object(view, Detail::full);
  if (!view.ticket.key.empty()) put_bytes(out, "key", view.ticket.key);
  for (size_t i = 0; view.outcome && i < view.outcome->results.size(); ++i) {
    const std::string path = result_path(spool, view.ticket.id, view.outcome->results[i]);
    put_bytes(out["results"][i], "file", path);
  }
  return versioned(out);
}

std::string error_json(const std::string& key, const std::string& name, std::string_view code,
                       std::string_view message) {
  Json out{{"error", error_object(code, message)}};
  put_bytes(out, key, name);
  return versioned(out);
}

Exit fail_job(const Session& session, const JobId& id, std::string_view code,
              std::string_view words, Exit exit) {
  if (session.json) session.console.put_line(error_json("id", id.text(), code, words));
  return fail(session, exit, about(id.text(), words));
}

Exit fail_refused(const Session& session, const JobId& id, const Error& error,
                  std::string_view words) {
  if (error.code == ENOENT) return fail_job(session, id, "unknown", "no such job");
  return fail_job(session, id, "refused", words,
                  error.code == EBUSY ? Exit::some_failed : exit_for(error));
}

Exit tell_missing(const Session& session, const JobId& id, const Error& error) {
  if (error.code == ENOENT) return fail_job(session, id, "unknown", "no such job");
  return fail_job(session, id, "unreadable", error.text(), exit_for(error));
}

std::string job_words(const Spool& spool, const JobView& view) {
  const Ticket& ticket = view.ticket;
  std::string out;
  add_line(out, "id", ticket.id.text());
  add_line(out, "name", printable(ticket.name));
  add_line(out, "state", name_of(view.state));
  add_line(out, "attempts", fmt::format("{} of {}", view.attempts, ticket.max_attempts));
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

std::string cause_words(const JobView& view) {
  if (!view.outcome) return std::string(name_of(view.state));
  const Cause& cause = view.outcome->cause;
  const std::string code = printable(cause.code);
  if (!cause.message.empty()) return fmt::format("{} ({})", printable(cause.message), code);
  const auto known = code_named(cause.code);
  return known ? fmt::format("{} ({})", explain(*known), code) : code;
}

Result<State> parse_state(const std::string& word) {
  std::vector<std::string> known;
  for (const State state : kAllStates) {
    if (name_of(state) == word) return state;
    known.emplace_back(name_of(state));
  }
  return usage_error(
      fmt::format("--state: '{}' is not {}", printable(shortened(word, 40)), one_of(known)));
}

std::string age_words(int64_t from_ms, int64_t now_ms) {
  const int64_t seconds = std::max<int64_t>(0, now_ms - from_ms) / 1000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

}  // namespace imgq::cli
