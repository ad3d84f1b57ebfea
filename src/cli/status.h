#pragma once

#include <string>
#include <vector>

#include "src/cli/session.h"

namespace imgq::cli {

struct StatusOptions {
  std::vector<std::string> ids;
};

// The state of one job as a word; of several, "ID STATE" a line. JSON: an object a line.
//   exit  ok; some_failed when a job is unknown; usage when something is no id
Exit status_command(const Session& session, const StatusOptions& options);

}  // namespace imgq::cli
