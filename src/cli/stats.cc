#include "src/cli/stats.h"

#include <fmt/format.h>

#include <algorithm>

#include "spool/list.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/jobs/spool_metrics.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

struct Figures {
  Counts counts;
  Spool::Room room;
  int64_t oldest_ms = 0;  // age of the oldest waiting job
  double oldest_s() const { return static_cast<double>(oldest_ms) / 1000; }
};

Result<Figures> gather(const Spool& spool) {
  Figures figures;
  const auto counts = count(spool);
  if (!counts) return counts.error();
  figures.counts = *counts;
  const auto room = spool.room();
  if (!room) return room.error();
  figures.room = *room;
  if (counts->oldest_waiting) {
    figures.oldest_ms = std::max<int64_t>(now_ms() - counts->oldest_waiting->unix_ms(), 0);
  }
  return figures;
}

int64_t jobs_in(const Figures& figures, State state) {
  return figures.counts.jobs[static_cast<size_t>(state)];
}

std::string as_json(const Figures& figures) {
  Json jobs = Json::object();
  for (const State state : kAllStates) jobs[std::string(name_of(state))] = jobs_in(figures, state);
  Json out = Json::object();
  out["jobs"] = jobs;
  out["oldest_waiting_seconds"] = figures.oldest_s();
  if (figures.counts.oldest_waiting) {
    out["oldest_waiting"] = figures.counts.oldest_waiting->text();
  }
  out["owners"] = figures.counts.owners;
  out["corrupt"] = figures.counts.corrupt;
  out["free_bytes"] = figures.room.free_bytes;
  out["free_inodes"] = figures.room.free_inodes;
  return versioned(dump_json(out)) + "\n";
}

std::string as_prometheus(const Figures& figures) {
  return spool_metrics({.up = true,
                        .counts = figures.counts,
                        .free_bytes = figures.room.free_bytes,
                        .oldest_age_ms = figures.oldest_ms});
}

std::string as_words(const Figures& figures) {
  std::string out;
  for (const State state : kAllStates) {
    out += fmt::format("{:<12} {:>9}\n", name_of(state), jobs_in(figures, state));
  }
  if (figures.counts.oldest_waiting) {
    out += fmt::format("{:<12} {:>7.0f} s\n", "oldest", figures.oldest_s());
  }
  out += fmt::format("{:<12} {:>9}\n", "daemons", figures.counts.owners);
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
  const auto figures = gather(*spool);
  if (!figures) return fail(session, figures.error());
  Console& console = session.console;
  if (options.age)
    console.put_line(fmt::format("{:.0f}", figures->oldest_s()));
  else if (options.prometheus)
    console.put(as_prometheus(*figures));
  else
    console.put(session.json ? as_json(*figures) : as_words(*figures));
  return Exit::ok;
}

}  // namespace imgq::cli
