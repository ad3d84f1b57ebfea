#include "spool/records.h"

#include <algorithm>

#include "spool/layout.h"
#include "spool/types.h"
#include "src/util/digest.h"
#include "src/util/json.h"
#include "src/util/json_fields.h"

namespace imgq {
namespace {

constexpr auto kMay = JsonFields::Need::may;
constexpr size_t kAnyLength = JsonFields::kAnyLength;
constexpr std::string_view kTailStart = ",\"digest\":\"";
constexpr std::string_view kTailEnd = "\"}\n";
constexpr size_t kTailBytes = kTailStart.size() + 64 + kTailEnd.size();
constexpr int64_t kMaxMs = 253'402'300'799'999;  // year 9999

// The fields of each record. Text of any length is bounded by that of the record.

void list_cause(JsonFields& fields, Cause& cause) {
  fields.text("code", cause.code, kAnyLength);
  fields.text("message", cause.message, kAnyLength);
  fields.number("signal", cause.signal, 0, 255, kMay);
}

void list_source(JsonFields& fields, Source& source) {
  fields.word("kind", source.kind, {SourceKind::spooled, SourceKind::referenced},
              "a kind of source");
  if (source.kind == SourceKind::referenced) {
    fields.number("modified_ns", source.modified_ns, INT64_MIN, INT64_MAX);
    fields.bytes("path", source.path, kMaxNameBytes);
    if (!is_source_path(source.path)) fields.wrong("path", "an absolute path");
  }
  fields.digest("sha256", source.sha256, kMay);
  fields.number("size", source.size_bytes, 0, INT64_MAX);
}

void list(JsonFields& fields, Ticket& ticket) {
  fields.number("submitted_ms", ticket.submitted_ms, 0, kMaxMs);
  fields.bytes("name", ticket.name, kMaxNameBytes);
  fields.part("source", [&](JsonFields& inner) { list_source(inner, ticket.source); });
  fields.opaque("request", ticket.request);
  fields.bytes("key", ticket.key, kMaxKeyBytes, kMay);
  fields.number("max_attempts", ticket.max_attempts, 1, kMaxAttempts);
}

void list(JsonFields& fields, Try& attempt) {
  fields.number("attempt", attempt.attempt, 1, kMaxAttemptNumber);
  fields.word("what", attempt.kind, {Try::Kind::counted, Try::Kind::lost, Try::Kind::retried},
              "a kind of try");
  fields.number("ended_ms", attempt.ended_ms, 0, kMaxMs);
  fields.number("retry_ms", attempt.retry_ms, 0, kMaxMs, kMay);
  fields.text("owner", attempt.owner, kAnyLength);
  list_cause(fields, attempt.cause);
}

void list(JsonFields& fields, Outcome& outcome) {
  fields.word("ending", outcome.ending, {Ending::completed, Ending::failed, Ending::cancelled},
              "an ending");
  const int fewest = outcome.ending == Ending::cancelled ? 0 : 1;
  fields.number("attempt", outcome.attempt, fewest, kMaxAttemptNumber);
  fields.number("started_ms", outcome.started_ms, 0, kMaxMs);
  fields.number("ended_ms", outcome.ended_ms, 0, kMaxMs);
  fields.text("owner", outcome.owner, kAnyLength);
  if (outcome.ending == Ending::completed) {
    fields.each("results", outcome.results, kMaxResults, [&](JsonFields& inner, ResultFile& one) {
      inner.text("file", one.file, kAnyLength);
      inner.text("rendition", one.rendition, kAnyLength);
      inner.digest("sha256", one.sha256);
      inner.number("size", one.size_bytes, 0, INT64_MAX);
      inner.opaque("about", one.about);
      if (!is_result_of(one, outcome.id, outcome.attempt)) inner.wrong("file", "that of a result");
    });
  } else {
    list_cause(fields, outcome.cause);
  }
  fields.opaque("report", outcome.report);
}

// A cause's message becomes one line of bounded length.
void shorten(Cause& cause) {
  cause.message = cause.message.substr(0, kMaxMessageBytes);
  std::replace_if(
      cause.message.begin(), cause.message.end(), [](char c) { return c >= 0 && c < 0x20; }, ' ');
}

// The record's text: version and kind first, the digest of all that stands before it last.
template <class Record>
std::string write(std::string kind, Record record) {
  JsonFields fields;
  int version = layout::kFormatVersion;
  std::string id = record.id.text();
  fields.number("imgq", version, version, version);
  fields.text("kind", kind, kAnyLength);
  fields.text("id", id, kAnyLength);
  list(fields, record);
  std::string text = fields.written();
  text.pop_back();  // the brace
  const std::string digest = sha256_hex(text);
  return text.append(kTailStart).append(digest).append(kTailEnd);
}

// Checks length, ending and digest; the record's JSON when they hold.
Result<Json> open_record(std::string_view text, std::string_view path) {
  if (text.size() > kMaxRecordBytes) return bad_data("record is longer than 65536 bytes", path);
  if (text.size() < kTailBytes) return bad_data("record is cut short", path);
  const std::string_view body = text.substr(0, text.size() - kTailBytes);
  const std::string_view tail = text.substr(body.size());
  if (tail.substr(0, kTailStart.size()) != kTailStart ||
      tail.substr(kTailBytes - kTailEnd.size()) != kTailEnd) {
    return bad_data("record is cut short", path);
  }
  if (sha256_hex(body) != tail.substr(kTailStart.size(), 64)) {
    return bad_data("digest differs", path);
  }
  return parse_json(text.substr(0, text.size() - 1), path);
}

// Version and kind first: nothing else is believed of a record of another version.
Status check_head(const Json& object, std::string_view kind, std::string_view path) {
  if (!object.is_object()) return bad_data("record is not an object", path);
  const auto version = integer_in(object, "imgq", 1, INT32_MAX);
  if (!version) return bad_data("field imgq is not a version", path);
  if (*version != layout::kFormatVersion) {
    const std::string what = "format version " + std::to_string(*version) + " is unknown";
    return Error{EPROTO, what, std::string(path)};
  }
  if (text_in(object, "kind") != kind) {
    return bad_data("record is not of kind " + std::string(kind), path);
  }
  return Ok{};
}

Result<JobId> id_in(const Json& object, std::string_view path) {
  const auto text = text_in(object, "id");
  if (!text) return bad_data("field id is missing", path);
  auto id = JobId::parse(*text);
  if (!id) return bad_data("field id is not a job id", path);
  return id;
}

template <class Record>
Result<Record> read(std::string_view kind, std::string_view text, std::string_view path) {
  auto object = open_record(text, path);
  if (!object) return object.error();
  if (const auto head = check_head(*object, kind, path); !head) return head.error();
  auto id = id_in(*object, path);
  if (!id) return id.error();
  Record record{std::move(*id)};
  JsonFields fields(*object);
  list(fields, record);
  if (!fields.trouble().empty()) return bad_data(fields.trouble(), path);
  return record;
}

// The text of a record that its reader takes.
template <class Record, class Decode>
Result<std::string> write_readable(const Record& record, Decode decode) {
  std::string text = encode(record);
  if (const auto again = decode(text, ""); !again) {
    return Error{EINVAL, "write the record: " + again.error().action, record.id.text()};
  }
  return text;
}

// A failed outcome that a manual retry put aside.
Result<Try> try_from(const Outcome& outcome, std::string_view path) {
  if (outcome.ending != Ending::failed) return bad_data("outcome here is not of a failure", path);
  return Try{outcome.id,    outcome.attempt, outcome.ended_ms,  0,
             outcome.owner, outcome.cause,   Try::Kind::retried};
}

bool says_outcome(std::string_view text) {
  return text.substr(0, 40).find("\"kind\":\"outcome\"") != std::string_view::npos;
}

}  // namespace

std::string encode(const Ticket& ticket) { return write("ticket", ticket); }

std::string encode(Try attempt) {
  shorten(attempt.cause);
  return write("try", std::move(attempt));
}

std::string encode(Outcome outcome) {
  shorten(outcome.cause);
  return write("outcome", std::move(outcome));
}

Result<std::string> encode_checked(const Ticket& ticket) {
  return write_readable(ticket, decode_ticket);
}

Result<std::string> encode_checked(const Outcome& outcome) {
  return write_readable(outcome, decode_outcome);
}

Result<Ticket> decode_ticket(std::string_view text, std::string_view path) {
  return read<Ticket>("ticket", text, path);
}

Result<Try> decode_try(std::string_view text, std::string_view path) {
  if (!says_outcome(text)) return read<Try>("try", text, path);
  const auto outcome = decode_outcome(text, path);
  return outcome ? try_from(*outcome, path) : Result<Try>(outcome.error());
}

Result<Outcome> decode_outcome(std::string_view text, std::string_view path) {
  return read<Outcome>("outcome", text, path);
}

bool is_source_path(std::string_view path) {
  return !path.empty() && path[0] == '/' && path.size() <= kMaxNameBytes &&
         path.find('\0') == std::string_view::npos;
}

bool is_result_of(const ResultFile& result, const JobId& id, int attempt) {
  const auto part = layout::parse_part(result.file);
  return part && part->kind == layout::Part::Kind::result && part->id == id &&
         part->attempt == attempt && part->rendition == result.rendition;
}

std::string_view name_of(SourceKind kind) {
  return kind == SourceKind::spooled ? "spooled" : "referenced";
}

std::string_view name_of(Try::Kind kind) {
  switch (kind) {
    case Try::Kind::counted:
      return "counted";
    case Try::Kind::lost:
      return "lost";
    case Try::Kind::retried:
      return "retried";
  }
  return "";
}

}  // namespace imgq
