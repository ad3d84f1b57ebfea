#include <fmt/format.h>

#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/commands.h"
#include "src/cli/cordon.h"
#include "src/jobs/metric_text.h"
#include "src/jobs/owners.h"
#include "src/jobs/spool_metrics.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

double oldest_s(const SpoolFigures& figures) {
  return static_cast<double>(figures.oldest_age_ms) / 1000;
}

std::string as_json(const SpoolFigures& figures) {
  Json out = counts_object(figures.counts, figures.daemons);
  out["oldest_waiting_seconds"] = oldest_s(figures);
  out["heartbeat_age_seconds"] = static_cast<double>(figures.heartbeat_age_ms) / 1000;
  out["free_bytes"] = figures.room.free_bytes;
  out["free_inodes"] = figures.room.free_inodes;
  out["cordoned"] = cordons_array(figures.cordons);
  return versioned(out) + "\n";
}

std::string as_words(const SpoolFigures& figures) {
  std::string out;
  for (const State state : kAllStates) {
    out += fmt::format("{:<12} {:>9}\n", name_of(state), figures.counts.in(state));
  }
  if (figures.counts.oldest_waiting) {
    out += fmt::format("{:<12} {:>7.0f} s\n", "oldest", oldest_s(figures));
  }
  out += fmt::format("{:<12} {:>9}\n", "daemons", figures.daemons);
  if (figures.daemons > 0) {
    out += fmt::format("{:<12} {:>7} s\n", "heartbeat", figures.heartbeat_age_ms / 1000);
  }
  if (!figures.cordons.empty()) {
    out += fmt::format("{:<12} {:>9}\n", "cordoned", figures.cordons.size());
  }
  if (figures.counts.corrupt > 0) {
    out += fmt::format("{:<12} {:>9}\n", "corrupt", figures.counts.corrupt);
  }
  const auto free = static_cast<int64_t>(figures.room.free_bytes);
  return out + fmt::format("{:<12} {:>9}\n", "free", human_bytes(free));
}

}  // namespace

Exit stats_command(const Session& session, const StatsOptions& options) {
  if (int{options.age} + int{options.prometheus} + int{session.json} > 1) {
    return fail(session, Exit::usage, "--age, --prometheus and --json exclude each other");
  }
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  Heartbeats seen;
  if (!options.age) (void)watch_owners(*spool, session.config.lease, seen);  // told below
  const auto figures = figures_of(*spool, session.config.lease, seen);
  if (!figures) return fail(session, figures.error());
  Console& console = session.console;
  if (options.age) {
    console.put_line(fmt::format("{:.0f}", oldest_s(*figures)));
  } else if (options.prometheus) {
    MetricText out(spool->path());
    write_metrics(*figures, out);
    console.put(out.take());
  } else {
    console.put(session.json ? as_json(*figures) : as_words(*figures));
  }
  return Exit::ok;
}

}  // namespace imgq::cli
