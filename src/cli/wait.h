#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spool/job_id.h"
#include "src/cli/session.h"

namespace imgq::cli {

struct WaitOptions {
  std::vector<std::string> ids;
  std::string timeout;
};

// Waits until all jobs have ended, with a bar on a terminal; tells of each that did not complete,
// and when no daemon runs.
//   exit  ok all completed; some_failed; try_later when the time was over first
Exit wait_command(const Session& session, const WaitOptions& options);

void pause(int64_t millis);  // or shorter, when a signal comes

using Timeout = std::optional<std::chrono::seconds>;  // nothing: for ever
Result<Timeout> parse_timeout(const std::string& text);
enum class Tell { jobs, nothing };  // nothing: of single jobs
Exit wait_for(const Session& session, const Spool& spool, const std::vector<JobId>& ids,
              Timeout timeout, Tell tell = Tell::jobs);

}  // namespace imgq::cli
