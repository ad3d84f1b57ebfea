#pragma once

#include "src/cli/control.h"
#include "src/cli/events.h"
#include "src/cli/fsck.h"
#include "src/cli/get.h"
#include "src/cli/info.h"
#include "src/cli/list.h"
#include "src/cli/setup.h"
#include "src/cli/stats.h"
#include "src/cli/status.h"
#include "src/cli/submit.h"
#include "src/cli/top.h"
#include "src/cli/wait.h"
#include "src/run/run.h"
#include "tools/options.h"

// The tables of imgq: every command with its options.
namespace imgq::tools {

// What they read into.
struct Options {
  std::string spool, config, colour = "auto";
  bool quiet = false, verbose = false, json = false, help = false, version = false;
  std::vector<std::string> topic, shell;  // of `help` and `completion`
  cli::RunOptions run;
  cli::SubmitOptions submit;
  cli::StatusOptions status;
  cli::WaitOptions wait;
  cli::GetOptions get;
  cli::ListOptions list;
  cli::InfoOptions info;
  cli::ControlOptions control;
  cli::PurgeOptions purge;
  cli::StatsOptions stats;
  cli::TopOptions top;
  cli::LogOptions log;
  cli::FsckOptions fsck;
  cli::InitOptions init;
};

inline Option json_option(Options& options, const char* text) {
  return {"--json", &options.json, text};
}

std::vector<Command> work_commands(Options& options);
std::vector<Command> job_commands(Options& options);
std::vector<Command> care_commands(Options& options);

}  // namespace imgq::tools
