#include "tools/daemon.h"

#include <signal.h>

#include <cerrno>

#include "src/jobs/known_spools.h"
#include "src/util/log.h"

namespace imgq::tools {
namespace {

// What the operator can do about it.
Error explained(Error error, const std::string& wanted, const Config& config) {
  const bool known = !wanted.empty() && wanted != config.spool_uuid;
  if (error.code == ENOENT && wanted.empty()) error.action = "open the spool (--create makes one)";
  if (error.code == ENOENT && !wanted.empty()) {
    error.action = "open the spool " + wanted + " (is its file system mounted?)";
  }
  if (known && (error.code == ENOENT || error.code == EMEDIUMTYPE)) {
    error.action += ", which was there before (--accept-new-spool takes another)";
  }
  return error;
}

// One that cannot be remembered is served all the same: so it is in a container.
void remember(const Spool& spool) {
  const auto remembered = remember_spool(spool.path(), spool.uuid());
  if (remembered) return;
  log::line(log::Level::notice, "another spool in this place would not be noticed",
            {{"error", remembered.error().text()}});
}

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
        {"--create", &o.create, "make it when it is missing"},
        {"--accept-new-spool", &o.accept_new, "take another than the one that was there before"}}},
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

Result<Spool> open_or_make(const Config& config, const DaemonOptions& options, Exit& failure) {
  const std::string& path = config.spool;
  const std::string known = options.accept_new ? "" : known_spool(path);
  const std::string& wanted = config.spool_uuid.empty() ? known : config.spool_uuid;
  auto spool = Spool::open(path, wanted);
  const bool may_make = wanted.empty() && (options.create || path == default_spool());
  if (!spool && spool.error().code == ENOENT && may_make) {
    spool = Spool::create(path);
    if (!spool) failure = exit_for_making(spool.error());
  } else if (!spool) {
    failure = exit_for(spool.error());
  }
  if (!spool) return explained(spool.error(), wanted, config);
  remember(*spool);
  return spool;
}

}  // namespace imgq::tools
