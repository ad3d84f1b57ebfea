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
  bool create = false, help = false, version = false;
};

// The groups of a daemon's table, with its own options in the middle.
std::vector<Group> daemon_groups(DaemonOptions& options, std::vector<Option> own);

// Reads the command line, and answers --help and --version.
//   result  the exit code, when there is nothing more to do
std::optional<Exit> read_daemon_options(const Command& program, DaemonOptions& options, int count,
                                        char** words);

// The configuration with the options laid over it; the log is set up as it says.
Result<Config> read_daemon_config(const DaemonOptions& options);

// Opens the spool, or makes it when it is missing and may be made.
//   failure  the exit code when there is none
Result<Spool> open_or_make(const std::string& path, bool may_make, Exit& failure);

}  // namespace imgq::tools
