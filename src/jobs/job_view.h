#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spool/query.h"
#include "spool/records.h"
#include "src/util/json_fwd.h"

// A job as it is seen from outside: the one place that decides it, for `--json` and for HTTP. What
// only one of them knows (addresses, paths) it adds to the object itself.
namespace imgq {

enum class Detail { brief, full };

// id, state, attempts (of JobView), max_attempts, attempt (its number), submitted_at, name, bytes;
// by state
//   delayed            retry_at
//   not ended          last_error, of the last try, if there was one
//   ended              ended_at, started_at, source and notes (what the worker found)
//   completed          results, as below
//   failed, cancelled  error {code, message, signal, meaning, retryable}
// and in full also request, owner, tries [{attempt, kind, ended_at, retry_at, error}] and report.
// Times are as iso_time has them.
Json job_object(const JobView& job, Detail detail);

// [{name, width, height, bytes, type, sha256, quality, max_bytes_met}], in the outcome's order.
Json results_array(const Outcome& outcome);

// {code, message}
Json error_object(std::string_view code, std::string_view message);

// A result's size in pixels, as its record has it; 0 when it has none.
struct Pixels {
  int64_t width = 0, height = 0;
};
Pixels pixels_of(const ResultFile& result);

// A result's media type by what our encoder wrote; "application/octet-stream" for anything else.
std::string result_type(const ResultFile& result);

}  // namespace imgq
