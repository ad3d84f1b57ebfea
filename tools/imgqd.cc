// imgqd: the daemon. Options in, one call, one catch. See src/supervise/engine.h.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "src/base/exit_code.h"
#include "src/jobs/config.h"
#include "src/supervise/engine.h"
#include "src/util/log.h"
#include "src/util/standard_files.h"
#include "src/util/units.h"
#include "tools/usage_words.h"

namespace {

using imgq::Config;
using imgq::Error;
using imgq::Exit;
using imgq::Result;

struct Options {
  std::string spool, workers, config, sync, log_level, log_style;
  bool drain = false, create = false;
};

int complain(const std::string& what, Exit code) {
  (void)std::fprintf(stderr, "imgqd: %s\n", what.c_str());
  return static_cast<int>(code);
}

int complain(const Error& error) { return complain(error.text(), imgq::exit_for(error)); }

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("-V,--version", "imgqd " IMGQ_VERSION, "print the version");
  const auto text = [&](const char* name, std::string& into, const char* what, const char* value) {
    app.add_option(name, into, what)->type_name(value)->take_last();
  };
  text("-s,--spool", options.spool, "the spool (default: imgq.toml's, or the user's own)", "DIR");
  text("-w,--workers", options.workers, "worker processes (default: one for each CPU)", "N");
  text("-c,--config", options.config, "read this file instead of the usual ones", "FILE");
  text("--sync", options.sync, "full, batch (default) or none", "MODE");
  text("--log-level", options.log_level, "error, warning, notice, info (default) or debug",
       "LEVEL");
  text("--log-style", options.log_style, "text (default) or json", "STYLE");
  app.add_flag("--drain", options.drain, "exit when nothing is left to do");
  app.add_flag("--create", options.create, "make the spool when it is missing");
  app.footer(
      "Signals: SIGTERM, SIGINT  running jobs end, then exit; a second one gives them back\n"
      "         SIGHUP           read the configuration again\n\n"
      "Examples:\n"
      "  imgqd --spool /var/spool/imgq\n"
      "  imgqd --spool ~/pictures.spool --create --drain\n");
}

Error bad(const std::string& what) { return Error{EINVAL, what, ""}; }

// Lays the options over a configuration.
imgq::Status lay_over(const Options& options, Config& config) {
  if (!options.spool.empty()) config.spool = options.spool;
  if (config.spool.empty()) config.spool = imgq::default_spool();
  if (!options.sync.empty()) config.sync = options.sync;
  if (!options.log_level.empty()) config.log_level = options.log_level;
  if (!options.log_style.empty()) config.log_style = options.log_style;
  if (!options.workers.empty()) {
    const auto count = imgq::parse_count(options.workers, 1, 1024);
    if (!count) return bad("--workers: " + count.error().text());
    config.workers = static_cast<int>(*count);
  }
  return imgq::log::set_up(config.log_level, config.log_style);
}

Result<Config> read_config(const Options& options) {
  imgq::ConfigSources sources;
  if (!options.config.empty()) sources.file = options.config;
  return imgq::load_config(sources);
}

// A missing spool is made when asked to, or when it is the user's own; also in a directory that was
// made ready for one and holds nothing yet. Else a mistyped name would become a spool.
bool may_make(const Options& options, const std::string& path) {
  return options.create || path == imgq::default_spool() || ::access(path.c_str(), F_OK) == 0;
}

// Something else is there, or it is not for us: as when one is opened. Else it cannot be made.
Exit exit_for_making(const Error& error) {
  const bool foreign = error.code == ENOTEMPTY || error.code == EPROTO || error.code == EXDEV;
  const bool not_ours = error.code == EACCES || error.code == EPERM;
  return foreign || not_ours ? imgq::exit_for(error) : Exit::cannot_create;
}

//   failure  the exit code when there is none
Result<imgq::Spool> open_spool(const Options& options, const std::string& path, Exit& failure) {
  auto spool = imgq::Spool::open(path);
  if (spool) return spool;
  failure = imgq::exit_for(spool.error());
  if (spool.error().code != ENOENT) return spool.error();
  if (!may_make(options, path)) {
    return Error{ENOENT, "open the spool (--create makes one)", path};
  }
  auto made = imgq::Spool::create(path);
  if (!made) failure = exit_for_making(made.error());
  return made;
}

int serve(const Options& options) {
  auto config = read_config(options);
  if (!config) return complain(config.error().text(), Exit::bad_config);
  if (auto laid = lay_over(options, *config); !laid) {
    return complain(laid.error().action, Exit::usage);
  }
  const auto sync = imgq::sync_named(config->sync);
  if (!sync) {
    return complain("--sync is full, batch or none, not '" + config->sync + "'", Exit::usage);
  }
  auto worker = imgq::supervise::find_worker();
  if (!worker) return complain(worker.error());
  Exit failure = Exit::ok;
  const auto spool = open_spool(options, config->spool, failure);
  if (!spool) return complain(spool.error().text(), failure);
  imgq::supervise::Settings settings;
  settings.config = *config;
  settings.worker_program = *worker;
  settings.sync = *sync;
  settings.until = options.drain ? imgq::supervise::Settings::Until::idle
                                 : imgq::supervise::Settings::Until::stopped;
  settings.reload = [&options]() -> Result<Config> {
    auto again = read_config(options);
    if (!again) return again;
    if (auto laid = lay_over(options, *again); !laid) return laid.error();
    return again;
  };
  const auto tally = imgq::supervise::run(*spool, std::move(settings));
  return tally ? static_cast<int>(Exit::ok) : complain(tally.error());
}

int run(int argc, char** argv) {
  CLI::App app{"Watches a spool and makes the renditions that are asked for.", "imgqd"};
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return complain(imgq::tools::usage_words(app, error), Exit::usage);
  }
  return serve(options);
}

}  // namespace

int main(int argc, char** argv) {
  imgq::fill_standard_files();
  (void)::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more is no reason to end
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return complain(std::string("bug: ") + error.what(), Exit::bug);
  }
}
