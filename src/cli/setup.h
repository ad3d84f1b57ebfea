#pragma once

#include <string>

#include "src/cli/session.h"

namespace imgq::cli {

struct InitOptions {
  bool shared = false;  // 2770, for the members of a group
  std::string group;    // with shared; default "imgq" where there is such a group
};

// Makes the spool, or leaves the one that is there as it is.
//   exit  ok; cannot_create, no_permission, spool_unavailable (something else is there)
Exit init_command(const Session& session, const InitOptions& options);

// Prints the configuration in force, each value with its origin.
Exit config_command(const Session& session);

}  // namespace imgq::cli
