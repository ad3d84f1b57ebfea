// imgqd: the daemon. Options in, one call. See src/supervise/engine.h.
#include <string>

#include "src/supervise/engine.h"
#include "src/util/units.h"
#include "tools/daemon.h"
#include "tools/init.h"

namespace imgq::tools {
namespace {

struct Options {
  DaemonOptions common;
  std::string workers, sync;
  bool drain = false;
};

Command program_table(Options& o) {
  return {
      "imgqd",
      "makes the renditions that are asked for in a spool",
      "imgqd --spool /var/spool/imgq\n"
      "imgqd --spool ~/pictures.spool --create --drain  # work it off and end",
      "Signals: SIGTERM and SIGINT end it when what is running has ended, a second one gives that "
      "back. SIGHUP has it read the configuration again.",
      daemon_groups(o.common,
                    {{"-w,--workers", &o.workers, "worker processes [one for each CPU]", "N"},
                     {"--sync", &o.sync, "full, batch or none [batch]", "WHEN", "full batch none"},
                     {"--drain", &o.drain, "exit when nothing is left to do"}}),
  };
}

Error usage(std::string what) { return {EINVAL, std::move(what), ""}; }

Status lay_over(const Options& options, Config& config) {
  if (!options.sync.empty()) config.sync = options.sync;
  if (!sync_named(config.sync)) {
    return usage("--sync is full, batch or none, not '" + config.sync + "'");
  }
  if (options.workers.empty()) return Ok{};
  const auto count = parse_count(options.workers, 1, 1024);
  if (!count) return usage("--workers: " + count.error().text());
  config.workers = static_cast<int>(*count);
  return Ok{};
}

Exit serve(const Command& program, const Options& options) {
  auto config = read_daemon_config(options.common);
  if (!config) return complain(program, config.error().text(), Exit::bad_config);
  if (auto laid = lay_over(options, *config); !laid) return complain(program, laid.error().action);
  auto worker = supervise::find_worker();
  if (!worker) return complain(program, worker.error().text(), exit_for(worker.error()));
  Exit failure = Exit::ok;
  auto spool = open_or_make(*config, options.common, failure);
  if (!spool) return complain(program, spool.error().text(), failure);
  supervise::Settings settings;
  settings.config = *config;
  settings.worker_program = *worker;
  settings.sync = *sync_named(config->sync);
  settings.until =
      options.drain ? supervise::Settings::Until::idle : supervise::Settings::Until::stopped;
  settings.reload = [&options]() -> Result<Config> {
    auto again = read_daemon_config(options.common);
    if (!again) return again;
    if (auto laid = lay_over(options, *again); !laid) return laid.error();
    return again;
  };
  const auto tally = supervise::run(*spool, std::move(settings));
  if (!tally) return complain(program, tally.error().text(), exit_for(tally.error()));
  return Exit::ok;
}

Exit run(int count, char** words) {
  Options options;
  const Command program = program_table(options);
  const auto done = read_daemon_options(program, options.common, count, words);
  return done ? *done : run_with_init([&] { return serve(program, options); });
}

}  // namespace
}  // namespace imgq::tools

int main(int count, char** words) {
  return imgq::tools::run_program("imgqd", [&] { return imgq::tools::run(count, words); });
}
