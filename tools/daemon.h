#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/jobs/config.h"
#include "tools/options.h"

// What the command lines of imgqd and imgq-httpd have in common.
namespace imgq::tools {

struct DaemonOptions {
  std::string spool, old_spool, config, log_level, log_style;
  bool create = false, accept_new = false, help = false, version = false;
};

// The groups of a daemon's table, with its own options in the middle.
std::vector<Group> daemon_groups(DaemonOptions& options, std::vector<Option> own);

// Reads the command line, and answers --help and --version.
//   result  the exit code, when there is nothing more to do
std::optional<Exit> read_daemon_options(const Command& program, DaemonOptions& options, int count,
                                        char** words);

// The configuration with the options laid over it; the log is set up as it says.
Result<Config> read_daemon_config(const DaemonOptions& options);

// Opens the spool: the one of `spool_uuid`, else the one that was there before (known_spools.h), if
// any was. Made is one that is missing when nobody says that there must be one, and --create is
// given or it is the user's own default: else an empty mount point would become a spool.
//   failure  the exit code when there is none
Result<Spool> open_or_make(const Config& config, const DaemonOptions& options, Exit& failure);

}  // namespace imgq::tools
