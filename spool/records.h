#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spool/job_id.h"
#include "spool/types.h"
#include "src/util/error.h"

// The three records of a job as values, and their text. No I/O here.
// Text is one JSON object (RFC 8259) and a newline: {"imgq":1,"kind":"ticket",...,"digest":"..."}.
// "imgq" is the format version, "kind" one of ticket, try, outcome; "digest" is the SHA-256
// (FIPS 180-4) in hex of the object's text up to the comma before "digest" (FORMAT.md "Records").
// Unknown fields are kept out of the values but do not disturb; unknown versions are refused.
// Bytes that need not be UTF-8 (file names) are percent-encoded in the text, raw in the values.
namespace imgq {

inline constexpr size_t kMaxRecordBytes = 65'536;
inline constexpr int kMaxAttemptNumber = 9999;
inline constexpr size_t kMaxNameBytes = 4096;
inline constexpr size_t kMaxKeyBytes = 255;
inline constexpr size_t kMaxMessageBytes = 2048;  // of a cause; longer ones are cut
inline constexpr int kMaxAttempts = 1000;
inline constexpr size_t kMaxResults = 64;

// Where a job's image is.
enum class SourceKind {
  spooled,     // <id>.src beside the ticket
  referenced,  // a path of the submitter's, for `imgq run`; honoured only for the ticket's own uid
};

struct Source {
  SourceKind kind = SourceKind::spooled;
  std::string path = {};    // absolute, when referenced; any bytes but NUL
  int64_t size_bytes = 0;   // at submission
  int64_t modified_ns = 0;  // mtime at submission when referenced: a change meanwhile is an error
  std::string sha256 = {};  // hex; empty unless asked for
};

// What is asked: <id>.job. Its existence is the job's existence.
struct Ticket {
  JobId id;
  int64_t submitted_ms = 0;  // Unix time, milliseconds
  std::string name =
      {};  // the submitter's name for the image, any bytes, at most kMaxNameBytes; data only
  Source source = {};
  std::string request = "{}";  // a JSON object, opaque here: which renditions, how
  std::string key = {};        // idempotency key, empty for none; at most kMaxKeyBytes
  int max_attempts = 3;        // failed attempts, after which the job has failed
};

// Why an attempt or a job ended badly. code is a word of the closed list in src/base/verdict.h,
// opaque here; message is one line of UTF-8.
struct Cause {
  std::string code = {};
  std::string message = {};
  int signal = 0;  // that killed the worker; 0 for none
};

// A failed attempt: <id>.try-<n>.
struct Try {
  JobId id;
  int attempt = 0;
  int64_t ended_ms = 0;
  int64_t retry_ms = 0;    // not before, Unix time
  std::string owner = {};  // the daemon instance that ran it
  Cause cause = {};
  // counted   the job failed by itself, or killed its worker: counts towards max_attempts
  // lost      the daemon running it died: counts towards kMaxLosses only
  // retried   a failed outcome put aside by a manual retry: counting starts anew after it
  enum class Kind { counted, lost, retried } kind = Kind::counted;
};

struct ResultFile {
  std::string rendition = {};  // [a-z0-9][a-z0-9_-]{0,31}
  std::string file = {};       // its name beside the ticket: <id>.<n>.<rendition>.<ext>
  int64_t size_bytes = 0;
  std::string sha256 = {};   // hex
  std::string about = "{}";  // a JSON object, opaque here: width, height, type
};

// How it ended: <id>.end. Published once by link(2).
struct Outcome {
  JobId id;
  Ending ending = Ending::failed;
  int attempt = 0;  // which one; 0 when cancelled before any
  int64_t ended_ms = 0;
  int64_t started_ms = 0;
  std::string owner = {};
  Cause cause = {};                      // when not completed
  std::vector<ResultFile> results = {};  // when completed
  std::string report = "{}";             // a JSON object, opaque here: what the worker found
};

std::string encode(const Ticket& ticket);
std::string encode(Try attempt);
std::string encode(Outcome outcome);

// The same, but only of what can be read back: within all bounds of lengths and numbers, results
// named as they must be, opaque parts that are objects, and a text that fits in kMaxRecordBytes.
//   errors  EINVAL, the action says what is wrong
Result<std::string> encode_checked(const Ticket& ticket);
Result<std::string> encode_checked(const Outcome& outcome);

bool is_source_path(std::string_view path);  // absolute, bounded, no NUL
bool is_result_of(const ResultFile& result, const JobId& id, int attempt);  // by its file's name

// Strict readers. decode_try also takes a failed outcome: put aside by a manual retry it is the
// try record of its attempt, of kind retried. `path` is only for the error's text.
//   errors  code 0: "record is longer than 65536 bytes", "record is cut short", "digest differs",
//           "format version N is unknown", "field X is missing", "field X is not a T", ...;
//           EPROTO when only the version is unknown (a newer imgq wrote it: leave it alone)
Result<Ticket> decode_ticket(std::string_view text, std::string_view path);
Result<Try> decode_try(std::string_view text, std::string_view path);
Result<Outcome> decode_outcome(std::string_view text, std::string_view path);

std::string_view name_of(SourceKind kind);  // "spooled", "referenced"
std::string_view name_of(Try::Kind kind);   // "counted", "lost", "retried"

}  // namespace imgq
