// imgq, the command: one engine for `run` and `info`, the rest works on the spool.
#include <csignal>
#include <cstdio>
#include <exception>

#include "src/supervise/engine.h"
#include "src/util/standard_files.h"
#include "tools/imgq_options.h"

namespace {

using imgq::Config;
using imgq::Limits;
using imgq::Result;
using imgq::Spool;
using imgq::Sync;
using imgq::Verdict;

Result<imgq::cli::EngineTally> run_engine(const Spool& spool, const Config& config, Sync sync,
                                          imgq::cli::Ended ended) {
  auto worker = imgq::supervise::find_worker();
  if (!worker) return worker.error();
  imgq::supervise::Settings settings;
  settings.config = config;
  settings.config.hot_folders.clear();  // hot folders and the hook are the daemon's
  settings.config.hook.clear();
  settings.worker_program = *worker;
  settings.sync = sync;
  settings.until = imgq::supervise::Settings::Until::idle;
  settings.reload_on_sighup = false;
  settings.housekeeping = false;
  settings.ended = std::move(ended);
  const auto tally = imgq::supervise::run(spool, std::move(settings));
  if (!tally) return tally.error();
  return imgq::cli::EngineTally{tally->completed, tally->failed, tally->interrupted};
}

Result<Verdict> inspect(int source, const Limits& limits) {
  const auto worker = imgq::supervise::find_worker();
  if (!worker) return worker.error();
  return imgq::supervise::inspect(source, limits, *worker);
}

imgq::Error tell_libraries() {
  const auto worker = imgq::supervise::find_worker();
  return worker ? imgq::supervise::tell_libraries(*worker) : worker.error();
}

}  // namespace

int main(int count, char** arguments) {
  imgq::fill_standard_files();
  try {
    const imgq::tools::Engines engines{run_engine, inspect, imgq::supervise::find_worker,
                                       tell_libraries};
    const imgq::Exit exit = imgq::tools::imgq(count, arguments, engines);
    return static_cast<int>(exit);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "imgq: a bug: %s\n", error.what());  // nobody else to tell
    return static_cast<int>(imgq::Exit::bug);
  }
}
