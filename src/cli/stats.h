#pragma once

#include "src/cli/session.h"

namespace imgq::cli {

struct StatsOptions {
  bool age = false;         // only the age of the oldest waiting job, in seconds; 0 for none
  bool prometheus = false;  // text exposition format 0.0.4, for the textfile collector
};

// How many jobs are in each state, the oldest waiting one, the room left.
Exit stats_command(const Session& session, const StatsOptions& options);

}  // namespace imgq::cli
