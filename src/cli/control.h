#pragma once

#include <string>
#include <vector>

#include "src/cli/session.h"

namespace imgq::cli {

enum class Act { cancel, retry, hold, release };

struct ControlOptions {
  std::vector<std::string> ids;
};

// Does one thing to each job; JSON: {"id","state"} a line.
//   exit  ok; some_failed when a job is unknown or in a state that does not allow it
Exit control_command(const Session& session, Act act, const ControlOptions& options);

struct PurgeOptions {
  std::vector<std::string> ids;
  std::string older;  // a duration: jobs that ended longer ago
  std::string state;  // with older: completed, failed or cancelled; default all three
  bool dry_run = false;
  bool force = false;  // no question
};

// Forgets ended jobs and removes their files; prints the ids. Asks first on a terminal.
Exit purge_command(const Session& session, const PurgeOptions& options);

}  // namespace imgq::cli
