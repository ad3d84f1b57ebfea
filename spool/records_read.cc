// Reading: text to values. Every byte is suspect until the digest holds, and every field after it.
#include <string>

#include "spool/layout.h"
#include "spool/records.h"
#include "spool/types.h"
#include "src/util/digest.h"
#include "src/util/json.h"

namespace imgq {
namespace {

constexpr std::string_view kTailStart = ",\"digest\":\"";
constexpr std::string_view kTailEnd = "\"}\n";
constexpr size_t kTailBytes = kTailStart.size() + 64 + kTailEnd.size();
constexpr int64_t kMaxMs = 253'402'300'799'999;  // year 9999

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

// Reads fields one by one and remembers the first that is wrong, so that a record's reader is a
// list of fields.
class Reader {
 public:
  Reader(const Json& object, std::string_view path) : object_(object), path_(path) {}

  std::string plain(std::string_view key) {
    if (!present(key)) return "";
    auto value = text_in(object_, key);
    return value ? *value : wrong(key, "a string");
  }
  std::string optional_plain(std::string_view key) {
    return member(object_, key) == nullptr ? "" : plain(key);
  }
  std::string bytes(std::string_view key, size_t most) {
    auto value = percent_decode(plain(key));
    if (!value) return wrong(key, "percent-encoded");
    return value->size() <= most ? *value : wrong(key, "that short");
  }
  std::string optional_bytes(std::string_view key, size_t most) {
    return member(object_, key) == nullptr ? "" : bytes(key, most);
  }
  int64_t number(std::string_view key, int64_t low, int64_t high) {
    if (!present(key)) return low;
    const auto value = integer_in(object_, key, low, high);
    if (!value) wrong(key, "a number in range");
    return value.value_or(low);
  }
  int64_t optional_number(std::string_view key, int64_t low, int64_t high) {
    return member(object_, key) == nullptr ? 0 : number(key, low, high);
  }
  int64_t time(std::string_view key) { return number(key, 0, kMaxMs); }
  std::string object(std::string_view key) {
    if (!present(key)) return "{}";
    const Json* value = member(object_, key);
    return value->is_object() ? dump_json(*value) : wrong(key, "an object");
  }
  std::string optional_digest(std::string_view key) {
    return member(object_, key) == nullptr ? "" : digest(key);
  }
  std::string digest(std::string_view key) {
    std::string value = plain(key);
    return is_digest(value) ? value : wrong(key, "a SHA-256");
  }
  std::string wrong(std::string_view key, std::string_view type) {
    fail("field " + std::string(key) + " is not " + std::string(type));
    return "";
  }
  void fail(const std::string& what) {
    if (trouble_.empty()) trouble_ = what;
  }
  bool good() const { return trouble_.empty(); }
  Error error() const { return bad_data(trouble_, path_); }

 private:
  bool present(std::string_view key) {
    if (member(object_, key) != nullptr) return true;
    fail("field " + std::string(key) + " is missing");
    return false;
  }
  const Json& object_;
  std::string_view path_;
  std::string trouble_;
};

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

// The record's JSON and id, after all that the three kinds have in common.
struct Opened {
  Json object;
  JobId id;
};
Result<Opened> open_as(std::string_view kind, std::string_view text, std::string_view path) {
  auto object = open_record(text, path);
  if (!object) return object.error();
  if (const auto head = check_head(*object, kind, path); !head) return head.error();
  auto id = id_in(*object, path);
  if (!id) return id.error();
  return Opened{std::move(*object), std::move(*id)};
}

Cause read_cause(Reader& in) {
  Cause cause;
  cause.code = in.plain("code");
  cause.message = in.plain("message");
  cause.signal = static_cast<int>(in.optional_number("signal", 0, 255));
  return cause;
}

Source read_source(const Json& record, Reader& in, std::string_view path) {
  Source source;
  const Json* object = member(record, "source");
  if (object == nullptr || !object->is_object()) {
    in.wrong("source", "an object");
    return source;
  }
  Reader inner(*object, path);
  const std::string kind = inner.plain("kind");
  source.size_bytes = inner.number("size", 0, INT64_MAX);
  source.sha256 = inner.optional_digest("sha256");
  if (kind == "referenced") {
    source.kind = SourceKind::referenced;
    source.path = inner.bytes("path", kMaxNameBytes);
    if (!is_source_path(source.path)) inner.wrong("path", "an absolute path");
    source.modified_ns = inner.number("modified_ns", INT64_MIN, INT64_MAX);
  } else if (kind != "spooled") {
    inner.wrong("kind", "a kind of source");
  }
  if (!inner.good()) in.fail(inner.error().action);
  return source;
}

ResultFile read_result(const Json& object, const Outcome& of, Reader& in, std::string_view path) {
  Reader inner(object, path);
  ResultFile result;
  result.rendition = inner.plain("rendition");
  result.file = inner.plain("file");
  result.size_bytes = inner.number("size", 0, INT64_MAX);
  result.sha256 = inner.digest("sha256");
  result.about = inner.object("about");
  if (!is_result_of(result, of.id, of.attempt)) inner.wrong("file", "the name of a result");
  if (!inner.good()) in.fail(inner.error().action);
  return result;
}

std::vector<ResultFile> read_results(const Json& record, const Outcome& of, Reader& in,
                                     std::string_view path) {
  std::vector<ResultFile> results;
  const Json* list = member(record, "results");
  if (list == nullptr || !list->is_array() || list->size() > kMaxResults) {
    in.wrong("results", "a list");
    return results;
  }
  for (const Json& object : *list) results.push_back(read_result(object, of, in, path));
  return results;
}

std::optional<Ending> ending_named(const std::string& name) {
  for (const Ending ending : {Ending::completed, Ending::failed, Ending::cancelled}) {
    if (name == name_of(ending)) return ending;
  }
  return std::nullopt;
}

std::optional<Try::Kind> kind_named(const std::string& name) {
  for (const Try::Kind kind : {Try::Kind::counted, Try::Kind::lost, Try::Kind::retried}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
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

Result<Ticket> decode_ticket(std::string_view text, std::string_view path) {
  auto opened = open_as("ticket", text, path);
  if (!opened) return opened.error();
  Reader in(opened->object, path);
  Ticket ticket{std::move(opened->id)};
  ticket.submitted_ms = in.time("submitted_ms");
  ticket.name = in.bytes("name", kMaxNameBytes);
  ticket.source = read_source(opened->object, in, path);
  ticket.request = in.object("request");
  ticket.key = in.optional_bytes("key", kMaxKeyBytes);
  ticket.max_attempts = static_cast<int>(in.number("max_attempts", 1, kMaxAttempts));
  if (!in.good()) return in.error();
  return ticket;
}

Result<Try> decode_try(std::string_view text, std::string_view path) {
  if (says_outcome(text)) {
    const auto outcome = decode_outcome(text, path);
    return outcome ? try_from(*outcome, path) : Result<Try>(outcome.error());
  }
  auto opened = open_as("try", text, path);
  if (!opened) return opened.error();
  Reader in(opened->object, path);
  Try attempt{std::move(opened->id)};
  attempt.attempt = static_cast<int>(in.number("attempt", 1, kMaxAttemptNumber));
  attempt.ended_ms = in.time("ended_ms");
  attempt.retry_ms = in.optional_number("retry_ms", 0, kMaxMs);
  attempt.owner = in.plain("owner");
  attempt.cause = read_cause(in);
  const auto kind = kind_named(in.plain("what"));
  if (!kind) in.wrong("what", "a kind of try");
  if (!in.good()) return in.error();
  attempt.kind = *kind;
  return attempt;
}

Result<Outcome> decode_outcome(std::string_view text, std::string_view path) {
  auto opened = open_as("outcome", text, path);
  if (!opened) return opened.error();
  Reader in(opened->object, path);
  Outcome outcome{std::move(opened->id)};
  const auto ending = ending_named(in.plain("ending"));
  if (!ending) in.wrong("ending", "an ending");
  outcome.ending = ending.value_or(Ending::failed);
  const int fewest = outcome.ending == Ending::cancelled ? 0 : 1;
  outcome.attempt = static_cast<int>(in.number("attempt", fewest, kMaxAttemptNumber));
  outcome.started_ms = in.time("started_ms");
  outcome.ended_ms = in.time("ended_ms");
  outcome.owner = in.plain("owner");
  if (outcome.ending == Ending::completed) {
    outcome.results = read_results(opened->object, outcome, in, path);
  } else {
    outcome.cause = read_cause(in);
  }
  outcome.report = in.object("report");
  if (!in.good()) return in.error();
  return outcome;
}

}  // namespace imgq
