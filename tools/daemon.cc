#include "tools/daemon.h"

#include <signal.h>

#include <cerrno>

#include "src/util/log.h"

namespace imgq::tools {
namespace {

// Something else is there, or it is not for us: as when one is opened. Else it cannot be made.
Exit exit_for_making(const Error& error) {
  const bool foreign = error.code == ENOTEMPTY || error.code == EPROTO || error.code == EXDEV;
  const bool not_ours = error.code == EACCES || error.code == EPERM;
  return foreign || not_ours ? exit_for(error) : Exit::cannot_create;
}

}  // namespace

std::vector<Group> daemon_groups(DaemonOptions& o, std::vector<Option> own) {
  return {
      {"The spool",
       {{"--spool", &o.spool, "the spool [imgq.toml's, or one's own]", "DIR", "@dir"},
        {"-s", &o.old_spool, "", "DIR", "@dir"},
        {"--create", &o.create, "make it when it is missing"}}},
      {"Options", std::move(own)},
      {"Everywhere",
       {{"-c,--config", &o.config, "read this configuration and no other", "FILE", "@file"},
        {"--log-level", &o.log_level, "error, warning, notice, info or debug [info]", "LEVEL",
         "error warning notice info debug"},
        {"--log-style", &o.log_style, "text or json [text]", "STYLE", "text json"},
        {"-h,--help", &o.help, "this help"},
        {"-V,--version", &o.version, "print the version"}}},
  };
}

std::optional<Exit> read_daemon_options(const Command& program, DaemonOptions& options, int count,
                                        char** words) {
  (void)::signal(SIGPIPE, SIG_IGN);  // a log or a client that is gone is no reason to end
  const Chosen chosen = read_command_line(program, options.help, count, words);
  if (chosen.command == nullptr) return chosen.exit;
  if (options.version) return print(program, program.name + " " IMGQ_VERSION "\n");
  if (!options.old_spool.empty()) {
    (void)complain(program, "-s goes away in the next release: use --spool");
    if (options.spool.empty()) options.spool = options.old_spool;
  }
  const auto set = log::set_up(options.log_level.empty() ? "info" : options.log_level,
                               options.log_style.empty() ? "text" : options.log_style);
  if (!set) return complain(program, set.error().action);
  return std::nullopt;
}

Result<Config> read_daemon_config(const DaemonOptions& options) {
  ConfigSources sources;
  if (!options.config.empty()) sources.file = options.config;
  auto config = load_config(sources);
  if (!config) return config;
  if (!options.spool.empty()) config->spool = options.spool;
  if (config->spool.empty()) config->spool = default_spool();
  if (!options.log_level.empty()) config->log_level = options.log_level;
  if (!options.log_style.empty()) config->log_style = options.log_style;
  if (auto set = log::set_up(config->log_level, config->log_style); !set) return set.error();
  for (const std::string& warning : config->warnings) log::line(log::Level::warning, warning);
  return config;
}

Result<Spool> open_or_make(const std::string& path, bool may_make, Exit& failure) {
  auto spool = Spool::open(path);
  if (spool) return spool;
  failure = exit_for(spool.error());
  if (spool.error().code != ENOENT) return spool.error();
  if (!may_make) return Error{ENOENT, "open the spool (--create makes one)", path};
  auto made = Spool::create(path);
  if (!made) failure = exit_for_making(made.error());
  return made;
}

}  // namespace imgq::tools
