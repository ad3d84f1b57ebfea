#pragma once

#include "src/cli/commands.h"
#include "src/run/run.h"
#include "tools/options.h"

// The tables of imgq: every command with its options.
namespace imgq::tools {

// What they read into.
struct Options {
  std::string spool, io_timeout, config, colour = "auto";
  bool quiet = false, verbose = false, json = false, help = false, version = false;
  std::vector<std::string> topic, shell;  // of `help` and `completion`
  std::vector<std::string> ids, names;    // of `status`, `cancel` and the like; of `info`
  std::vector<std::string> hosts;         // of `cordon` and `uncordon`
  cli::RunOptions run;
  cli::SubmitOptions submit;
  cli::WaitOptions wait;
  cli::GetOptions get;
  cli::ListOptions list;
  cli::PurgeOptions purge;
  cli::StatsOptions stats;
  cli::TopOptions top;
  cli::LogOptions log;
  cli::DoctorOptions doctor;
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
