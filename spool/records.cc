// Writing: values to text. Reading is in records_read.cc.
#include "spool/records.h"

#include <algorithm>

#include "spool/layout.h"
#include "spool/types.h"
#include "src/util/digest.h"
#include "src/util/json.h"

namespace imgq {
namespace {

// One JSON object, field by field, closed by the digest of all that stands before it.
class Writer {
 public:
  explicit Writer(std::string_view kind)
      : text_("{\"imgq\":" + std::to_string(layout::kFormatVersion) + ",\"kind\":\"") {
    text_ += kind;
    text_ += '"';
  }
  void plain(std::string_view key, std::string_view value) { raw(key, dump_json(Json(value))); }
  void bytes(std::string_view key, std::string_view value) { plain(key, percent_encode(value)); }
  void number(std::string_view key, int64_t value) { raw(key, std::to_string(value)); }
  // An opaque object, brought to one line; what is no object is written as an empty one.
  void object(std::string_view key, const std::string& text) { raw(key, object_text(text)); }
  std::string object_text(const std::string& text) {
    if (text == "{}") return text;
    const auto value = parse_json(text, "");
    if (value && value->is_object()) return dump_json(*value);
    all_objects_ = false;
    return "{}";
  }
  bool all_objects() const { return all_objects_; }
  void raw(std::string_view key, std::string_view json) {
    text_ += ",\"";
    text_ += key;
    text_ += "\":";
    text_ += json;
  }
  std::string close() {
    const std::string digest = sha256_hex(text_);
    return text_ + ",\"digest\":\"" + digest + "\"}\n";
  }

 private:
  std::string text_;
  bool all_objects_ = true;
};

// A cause's message as one line of bounded length.
std::string one_line(std::string_view message) {
  std::string line(message.substr(0, kMaxMessageBytes));
  std::replace_if(line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; }, ' ');
  return line;
}

void write_cause(Writer& out, const Cause& cause) {
  out.plain("code", cause.code);
  out.plain("message", one_line(cause.message));
  if (cause.signal != 0) out.number("signal", cause.signal);
}

std::string source_text(const Source& source) {
  Json value = {{"kind", source.kind == SourceKind::spooled ? "spooled" : "referenced"},
                {"size", source.size_bytes}};
  if (source.kind == SourceKind::referenced) {
    value["path"] = percent_encode(source.path);
    value["modified_ns"] = source.modified_ns;
  }
  if (!source.sha256.empty()) value["sha256"] = source.sha256;
  return dump_json(value);
}

std::string results_text(Writer& out, const std::vector<ResultFile>& results) {
  std::string text = "[";
  for (const ResultFile& result : results) {
    if (text.size() > 1) text += ',';
    const Json value = {{"rendition", result.rendition},
                        {"file", result.file},
                        {"size", result.size_bytes},
                        {"sha256", result.sha256}};
    text += dump_json(value);
    text.pop_back();  // the brace: the opaque part goes in as it is
    text += ",\"about\":" + out.object_text(result.about) + "}";
  }
  return text + "]";
}

Error refuse(std::string_view what, const JobId& id) {
  return Error{EINVAL, std::string(what), id.text()};
}

Writer write(const Ticket& ticket) {
  Writer out("ticket");
  out.plain("id", ticket.id.text());
  out.number("submitted_ms", ticket.submitted_ms);
  out.bytes("name", ticket.name);
  out.raw("source", source_text(ticket.source));
  out.object("request", ticket.request);
  if (!ticket.key.empty()) out.bytes("key", ticket.key);
  out.number("max_attempts", ticket.max_attempts);
  return out;
}

Writer write(const Outcome& outcome) {
  Writer out("outcome");
  out.plain("id", outcome.id.text());
  out.plain("ending", name_of(outcome.ending));
  out.number("attempt", outcome.attempt);
  out.number("started_ms", outcome.started_ms);
  out.number("ended_ms", outcome.ended_ms);
  out.plain("owner", outcome.owner);
  if (outcome.ending == Ending::completed) {
    out.raw("results", results_text(out, outcome.results));
  } else {
    write_cause(out, outcome.cause);
  }
  out.object("report", outcome.report);
  return out;
}

// Text that is within the limit, of a record whose opaque parts are objects.
Result<std::string> seal(Writer out, const JobId& id) {
  if (!out.all_objects()) return refuse("take an opaque part that is no object", id);
  std::string text = out.close();
  if (text.size() > kMaxRecordBytes) return refuse("write so long a record", id);
  return text;
}

Status check_bounds(const Ticket& ticket) {
  const Source& source = ticket.source;
  if (ticket.name.size() > kMaxNameBytes) return refuse("take so long a name", ticket.id);
  if (ticket.key.size() > kMaxKeyBytes) return refuse("take so long a key", ticket.id);
  if (ticket.max_attempts < 1 || ticket.max_attempts > kMaxAttempts) {
    return refuse("allow that many attempts", ticket.id);
  }
  if (source.size_bytes < 0) return refuse("take a negative size", ticket.id);
  if (!source.sha256.empty() && !is_digest(source.sha256)) {
    return refuse("take a source digest that is none", ticket.id);
  }
  if (source.kind == SourceKind::referenced && !is_source_path(source.path)) {
    return refuse("refer to a path that is not absolute", ticket.id);
  }
  return Ok{};
}

Status check_bounds(const Outcome& outcome) {
  const int fewest = outcome.ending == Ending::cancelled ? 0 : 1;
  if (outcome.attempt < fewest || outcome.attempt > kMaxAttemptNumber) {
    return refuse("count that attempt", outcome.id);
  }
  if (outcome.results.size() > kMaxResults) return refuse("take so many results", outcome.id);
  for (const ResultFile& result : outcome.results) {
    if (!is_result_of(result, outcome.id, outcome.attempt)) {
      return refuse("name a result so", outcome.id);
    }
    if (!is_digest(result.sha256) || result.size_bytes < 0) {
      return refuse("describe a result so", outcome.id);
    }
  }
  return Ok{};
}

template <class Record>
Result<std::string> encode_within_bounds(const Record& record) {
  if (const auto good = check_bounds(record); !good) return good.error();
  return seal(write(record), record.id);
}

}  // namespace

std::string encode(const Ticket& ticket) { return write(ticket).close(); }

std::string encode(const Outcome& outcome) { return write(outcome).close(); }

std::string encode(const Try& attempt) {
  Writer out("try");
  out.plain("id", attempt.id.text());
  out.number("attempt", attempt.attempt);
  out.plain("what", name_of(attempt.kind));
  out.number("ended_ms", attempt.ended_ms);
  if (attempt.retry_ms != 0) out.number("retry_ms", attempt.retry_ms);
  out.plain("owner", attempt.owner);
  write_cause(out, attempt.cause);
  return out.close();
}

Result<std::string> encode_checked(const Ticket& ticket) { return encode_within_bounds(ticket); }

Result<std::string> encode_checked(const Outcome& outcome) { return encode_within_bounds(outcome); }

bool is_source_path(std::string_view path) {
  return !path.empty() && path[0] == '/' && path.size() <= kMaxNameBytes &&
         path.find('\0') == std::string_view::npos;
}

bool is_result_of(const ResultFile& result, const JobId& id, int attempt) {
  const auto part = layout::parse_part(result.file);
  return part && part->kind == layout::Part::Kind::result && part->id == id &&
         part->attempt == attempt && part->rendition == result.rendition;
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
