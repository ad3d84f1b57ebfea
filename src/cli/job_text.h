#pragma once

#include <string>

#include "spool/query.h"
#include "spool/spool.h"
#include "src/base/exit_code.h"
#include "src/cli/session.h"

// A job in words, and in JSON with what only the command line adds.
namespace imgq::cli {

// One line, versioned: a job_object in full, with its key, and with the file of each result.
std::string job_json(const Spool& spool, const JobView& view);

// {"imgq":1,KEY:NAME,"error":{...}}: a job or a file that cannot be told about.
std::string error_json(const std::string& key, const std::string& name, std::string_view code,
                       std::string_view message);

// Tells on stderr, and in JSON, why something could not be done with a job.
Exit fail_job(const Session& session, const JobId& id, std::string_view code,
              std::string_view words, Exit exit = Exit::some_failed);

// The same of what the spool did not do with it; `words` unless there is no such job.
Exit fail_refused(const Session& session, const JobId& id, const Error& error,
                  std::string_view words);

// Tells that a job could not be looked at: it is unknown, or its records cannot be read.
Exit tell_missing(const Session& session, const JobId& id, const Error& error);

// Lines for people.
std::string job_words(const Spool& spool, const JobView& view);

// "not an image: The content is no image ..." for a job that did not complete.
std::string cause_words(const JobView& view);

// "staging", ...
//   errors  EINVAL with the known words
Result<State> parse_state(const std::string& word);

// "3 s", "5 min", "2 h", "4 d"
std::string age_words(int64_t from_ms, int64_t now_ms);

}  // namespace imgq::cli
