#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "spool/cordon.h"
#include "spool/list.h"
#include "spool/query.h"
#include "spool/spool.h"
#include "src/cli/session.h"
#include "src/jobs/owners.h"

namespace imgq::cli {

// A claimed job.
struct Running {
  Listed job;            // with its owner
  std::string name;      // of the image, printable
  int64_t since_ms = 0;  // it was claimed, Unix time by the spool's clock; 0 when it went meanwhile
};

// One look, and what it is drawn from.
struct Snapshot {
  int64_t at_ms = 0;  // Unix time
  int64_t monotonic_ms = 0;
  Counts counts;
  uint64_t free_bytes = 0;
  std::vector<OwnerSeen> owners;
  std::vector<Cordon> cordons;
  std::vector<Running> running;   // oldest first
  std::vector<JobView> failures;  // newest first
};

// `seen` is the same for all looks.
Result<Snapshot> take_snapshot(const Spool& spool, const Config& config, Heartbeats& seen);

// How far the work was at a moment; two of them give the pace.
struct Mark {
  int64_t monotonic_ms = 0;
  int64_t ended = 0;  // jobs, well or badly
};
Mark mark_of(const Snapshot& snapshot);

// The last looks, from which the pace is taken. Once no job runs and none has ended since the last
// look, only that one counts: the pace of the past is not that of an idle spool.
class Pace {
 public:
  // The oldest look that counts; remembers `now` for the next time. Nothing at the first look.
  std::optional<Mark> since(const Snapshot& now);

 private:
  std::deque<Mark> marks_;
};

struct ScreenSize {
  int columns = 80, rows = 24;
};

// The screen's lines, none wider than it, at most as many as it has rows. No pace without `before`.
std::vector<std::string> draw_top(const Console& console, const std::string& title,
                                  const Snapshot& now, const std::optional<Mark>& before,
                                  ScreenSize size);

std::string top_json(const Snapshot& snapshot);

}  // namespace imgq::cli
